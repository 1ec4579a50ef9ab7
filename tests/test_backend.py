"""Choosing a tier."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import handgrad
from handgrad import backend
from handgrad.layers import affine_backward, affine_forward, conv_backward, max_pool_backward
from handgrad.layers.caches import AffineCache


def run(program: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_for_good_and_for_a_block():
    before = handgrad.get_backend()
    with handgrad.use_backend("reference"):
        assert handgrad.get_backend() == "reference"
        assert backend.reason() == "chosen by use_backend"
    assert handgrad.get_backend() == before
    try:
        handgrad.use_backend("reference")
        assert handgrad.get_backend() == "reference"
    finally:
        handgrad.use_backend(before)


def test_unknown_name():
    with pytest.raises(ValueError, match=r"^there is no backend 'nmupy'; did you mean 'numpy'"):
        handgrad.use_backend("nmupy")


def test_environment_chooses():
    program = "import handgrad; from handgrad import backend; print(handgrad.get_backend(), backend.reason())"
    done = run(program, HANDGRAD_BACKEND="reference")
    assert done.stdout == "reference HANDGRAD_BACKEND=reference\n"
    done = run(program, HANDGRAD_BACKEND="fast")
    known = ", ".join(sorted(backend.TIERS))
    assert f"ValueError: HANDGRAD_BACKEND: there is no backend 'fast'; known: {known}" in done.stderr


def test_the_fastest_tier_computes_unless_another_is_chosen():
    program = (
        "import handgrad; from handgrad import backend; print(handgrad.get_backend(), '-', backend.reason())"
    )
    if backend.extension is not None:
        assert run(program, HANDGRAD_BACKEND="").stdout == "native - the native extension is there\n"


def test_missing_extension_is_said_once():
    program = """
import sys
sys.modules["handgrad._native"] = None  # so that importing it fails
import numpy as np, handgrad
for _ in range(2):
    handgrad.layers.relu_forward(np.ones(2))
print(handgrad.get_backend(), handgrad.get_num_threads())
try:
    handgrad.use_backend("native")
except ValueError as error:
    print(error)
"""
    done = run(program, HANDGRAD_BACKEND="")
    first, second = done.stdout.splitlines()
    assert first == "numpy 1"
    assert second.startswith("the backend 'native' needs the native extension, which is missing (")
    assert done.stderr == "the native extension is missing, so NumPy computes alone\n"


def test_cache_unpacks_as_the_courses_do_and_knows_its_tier():
    x, w, b = np.ones((2, 3)), np.ones((3, 4)), np.ones(4)
    _, cache = affine_forward(x, w, b)
    a, c, d = cache
    assert a is x
    assert c is w
    assert d is b
    assert isinstance(cache, AffineCache)
    assert cache.tier == handgrad.get_backend()


def test_a_learner_s_own_cache_is_taken():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    out, cache = affine_forward(x, w, b)
    for ours, theirs in zip(affine_backward(out, cache), affine_backward(out, (x, w, b)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    image, param = rng.normal(size=(1, 1, 4, 4)), {"pool_height": 2, "pool_width": 2, "stride": 2}
    assert max_pool_backward(np.ones((1, 1, 2, 2)), (image, param)).sum() == 4
    filters = (image, np.ones((1, 1, 3, 3)), np.zeros(1), {"stride": 1, "pad": 1})
    assert conv_backward(image, filters)[2] == pytest.approx(image.sum())


def test_input_gradient_is_left_out_on_request():
    out, cache = affine_forward(np.ones((2, 3)), np.ones((3, 4)), np.ones(4))
    dx, dw, _ = affine_backward(out, cache, need_dx=False)
    assert dx is None
    assert dw.shape == (3, 4)


def test_threads():
    before = handgrad.get_num_threads()
    handgrad.set_num_threads(1)
    assert handgrad.get_num_threads() == 1
    handgrad.set_num_threads(before)
    with pytest.raises(ValueError, match=r"^the number of threads must be at least 1, got 0"):
        handgrad.set_num_threads(0)
    with pytest.raises(TypeError, match=r"^the number of threads must be a whole number, got 1.5"):
        handgrad.set_num_threads(1.5)


def test_memory():
    before = handgrad.memory_info()
    try:
        handgrad.set_memory_limit(3)
        assert handgrad.memory_info()["limit"] == (3 << 20 if backend.extension else 0)
        handgrad.set_memory_limit(10**30)  # more than there is anywhere
        handgrad.empty_memory()
        assert handgrad.memory_info()["idle"] == 0
    finally:
        handgrad.set_memory_limit(before["limit"] >> 20)
    with pytest.raises(ValueError, match=r"^the memory limit in megabytes must not be negative, got -1"):
        handgrad.set_memory_limit(-1)
    with pytest.raises(TypeError, match=r"^the memory limit in megabytes must be a whole number, got 1.5"):
        handgrad.set_memory_limit(1.5)
