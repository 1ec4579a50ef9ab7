"""The one home of the version: the build reads it from here, and so does ``handgrad.__version__``."""

__version__ = "0.1.0"
