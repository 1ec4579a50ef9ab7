"""What a network of the notation costs: shapes, parameters, FLOPs, memory and time, layer by layer."""

from handgrad.explain.explanation import Explanation, Row, explain
from handgrad.explain.machine import Machine, probe

__all__ = ["Explanation", "Machine", "Row", "explain", "probe"]
