"""The training doctor: one family of checks a file."""

from handgrad.checking.training.doctor import examine_model
from handgrad.checking.training.report import Check, TrainingReport
from handgrad.checking.training.runs import examine_run

__all__ = ["Check", "TrainingReport", "examine_model", "examine_run"]
