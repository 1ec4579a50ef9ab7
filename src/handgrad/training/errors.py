"""The errors of training that a caller may want to tell from others."""


class CheckpointError(ValueError):
    """A checkpoint that is not there, is damaged, or belongs to something else."""


class DivergenceError(ValueError):
    """The loss or a parameter is no longer a finite number."""
