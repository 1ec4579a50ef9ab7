"""Random networks of the notation, and the same network in PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import strategies as st

from handgrad.models.notation import LayerNode, Repeat, Residual, Spec
from handgrad.models.notation.kinds import ANY, COUNT, KINDS, MEMORY, PAD, SHARE, SIDES, SWITCH

_count = st.integers(1, 9)
_number = st.floats(0, 1e6, allow_subnormal=False)
_VALUES = {
    COUNT: _count,
    SIDES: st.tuples(_count, _count),
    PAD: st.tuples(st.integers(0, 3), st.integers(0, 3)),
    ANY: _number,
    SHARE: st.floats(0, 0.99),
    MEMORY: st.floats(0, 1),
    SWITCH: st.booleans(),
}


@st.composite
def layers(draw):
    """Draw a layer with any settings; some are left at their defaults."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    settings = {}
    for setting in KINDS[kind].settings:
        value = draw(_VALUES[setting.form])
        left_out = setting.name != KINDS[kind].needs and draw(st.booleans())
        settings[setting.name] = setting.default_for(settings) if left_out else value
    return LayerNode(kind, settings)


def _grown(inner):
    items = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Repeat, items, st.integers(0, 4)),
        st.builds(Residual, items, st.one_of(st.none(), items)),
    )


nodes = st.recursive(layers(), _grown, max_leaves=8)
specs = st.builds(
    Spec, st.lists(nodes, min_size=1, max_size=4).map(tuple), st.sampled_from(["softmax", "svm"])
)


def torch_scores(chain, x, params):
    """Compute the steps of a network with PyTorch, in training mode."""
    for step in chain.steps:
        x = _torch_step(step, x, params)
    return x


def _torch_step(step, x, params):
    if hasattr(step, "main"):
        return torch_scores(step.main, x, params) + torch_scores(step.shortcut, x, params)
    if hasattr(step, "factor"):
        return x * step.factor
    given = [params[a] if isinstance(a, str) else a for a in step.arguments]
    return _TORCH[step.function](x, *given)


_TORCH = {
    "conv": lambda x, w, b, p: F.conv2d(x, w, _plain(b, x), p["stride"], p["pad"]),
    "affine": lambda x, w, b: x.flatten(1) @ w + _plain(b, x),
    "batchnorm": lambda x, gamma, beta, p: F.batch_norm(
        x, None, None, _plain(gamma, x), beta, training=True, eps=p["eps"]
    ),
    "layernorm": lambda x, gamma, beta, p: F.layer_norm(x, x.shape[1:], gamma, beta, p["eps"]),
    "spatial_groupnorm": lambda x, gamma, beta, groups, p: F.group_norm(x, groups, gamma, beta, p["eps"]),
    "max_pool": lambda x, p: F.max_pool2d(x, (p["pool_height"], p["pool_width"]), p["stride"]),
    "avg_pool": lambda x, p: F.avg_pool2d(x, (p["pool_height"], p["pool_width"]), p["stride"]),
    "global_avg_pool": lambda x: x.mean((2, 3)),
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "prelu": F.prelu,
    "elu": F.elu,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "maxout": lambda x, pieces: x.unflatten(1, (-1, pieces)).amax(2),
}
_TORCH["spatial_batchnorm"] = _TORCH["batchnorm"]


def _plain(array, x):
    return array if isinstance(array, torch.Tensor) else torch.as_tensor(array, dtype=x.dtype)
