"""Worked solutions, of which every line is edited in turn to see whether that gives a learner's numbers."""

from __future__ import annotations

from ..edits.variants import Worked
from . import activation, affine, conv, image_norm, loss, norm, pool, rules

BY_LAYER: dict[str, tuple[Worked, ...]] = {
    "affine": affine.SOLUTIONS,
    "conv": conv.SOLUTIONS,
    "max_pool": pool.MAX,
    "avg_pool": pool.MEAN,
    "global_avg_pool": pool.GLOBAL,
    "batchnorm": norm.BATCH,
    "layernorm": norm.LAYER,
    "spatial_batchnorm": image_norm.SPATIAL,
    "spatial_groupnorm": image_norm.GROUP,
    "softmax_loss": loss.SOFTMAX,
    "svm_loss": loss.SVM,
    **activation.SOLUTIONS,
}
RULES = rules.SOLUTIONS
