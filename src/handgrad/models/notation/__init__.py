"""Networks as one line of text: ``[conv3-64 - bn - relu - pool2]x3 - affine - softmax``.

`parse` reads a text into nodes (`nodes.py`); the text of a node is its canonical form, and parses to an
equal node. `kinds.py` lists every layer with its numbers; `tokens.py` and `parser.py` are the grammar.
"""

from handgrad.models.notation.errors import SpecError
from handgrad.models.notation.nodes import LayerNode, Node, Repeat, Residual, Spec, unrolled
from handgrad.models.notation.parser import parse

__all__ = ["LayerNode", "Node", "Repeat", "Residual", "Spec", "SpecError", "parse", "unrolled"]
