"""All mutations, by layer."""

from __future__ import annotations

import functools

from . import activation, affine, conv, loss, norm_backward, norm_folds, norm_forward, pool, sandwich
from .mutation import Mutation

_NORMS = ("batchnorm", "spatial_batchnorm", "layernorm", "spatial_groupnorm")


def _norm(layer: str) -> list[Mutation]:
    folds = {
        "spatial_batchnorm": norm_folds.reshape_mutations,
        "spatial_groupnorm": norm_folds.group_mutations,
    }
    return [
        *(folds[layer]() if layer in folds else []),
        *norm_forward.forward_mutations(layer),
        *(norm_forward.running_mutations(layer) if layer.endswith("batchnorm") else []),
        *norm_backward.dx_mutations(layer),
        *norm_backward.scale_mutations(layer),
    ]


_BY_LAYER: dict[str, list[Mutation]] = {
    "affine": affine.MUTATIONS,
    "conv": conv.MUTATIONS,
    **activation.MUTATIONS,
    **pool.MUTATIONS,
    **loss.MUTATIONS,
    **{layer: _norm(layer) for layer in _NORMS},
}


@functools.cache
def of(layer: str) -> list[Mutation]:
    """Return the mistakes that are known of a layer, the more special first."""
    if layer in sandwich.PIECES:
        return sandwich.mutations(layer, of_piece)
    return _BY_LAYER.get(layer, [])


def of_piece(piece: str) -> list[Mutation]:
    """Return the mistakes of a piece of a sandwich, with those of its gradient's terms."""
    return [*_BY_LAYER[piece], *(norm_backward.term_mutations(piece) if piece in _NORMS else [])]
