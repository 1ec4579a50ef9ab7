"""All mutations, by layer."""

from __future__ import annotations

import functools

from . import activation, affine, conv, loss, norm, pool, sandwich
from .mutation import Mutation

_NORMS = ("batchnorm", "spatial_batchnorm", "layernorm", "spatial_groupnorm")
_BY_LAYER: dict[str, list[Mutation]] = {
    "affine": affine.MUTATIONS,
    "conv": conv.MUTATIONS,
    **activation.MUTATIONS,
    **pool.MUTATIONS,
    **loss.MUTATIONS,
    **{layer: norm.mutations(layer) for layer in _NORMS},
}


@functools.cache
def of(layer: str) -> list[Mutation]:
    """Return the mistakes that are known of a layer, the more special first."""
    if layer in sandwich.PIECES:
        return sandwich.mutations(layer, of_piece)
    return _BY_LAYER.get(layer, [])


def of_piece(piece: str) -> list[Mutation]:
    """Return the mistakes of a piece of a sandwich, with those of its gradient's terms."""
    return [*_BY_LAYER[piece], *(norm.term_mutations(piece) if piece in _NORMS else [])]
