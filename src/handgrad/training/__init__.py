"""Training: the Solver, update rules, schedules, checkpoints and loggers."""

from handgrad.training.checkpoint import Checkpoint, load_checkpoint, load_params
from handgrad.training.errors import CheckpointError, DivergenceError
from handgrad.training.lookahead import Lookahead
from handgrad.training.lr_find import LearningRates, find_learning_rate
from handgrad.training.solver import Solver

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "DivergenceError",
    "LearningRates",
    "Lookahead",
    "Solver",
    "find_learning_rate",
    "load_checkpoint",
    "load_params",
]
