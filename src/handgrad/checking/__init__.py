"""Checking gradients."""

from handgrad.checking.numerical import numerical_gradient, relative_error

__all__ = ["numerical_gradient", "relative_error"]
