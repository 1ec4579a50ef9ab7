from __future__ import annotations

import pytest
from cli.helpers import refusal, run

from handgrad.explain import bench
from handgrad.models import ConvNet


@pytest.fixture
def small(monkeypatch):
    """A net of its own, so that the test is short."""
    monkeypatch.setitem(bench.NETS, "A", ("conv3-4 - bn - relu - pool2 - affine", 3))


def test_a_row_for_each_tier(small):
    done = run("bench", "--nets", "A", "--seconds", "0.1", "--json")
    assert done.status == 0
    timings = done.json["timings"]
    assert {timing["tier"] for timing in timings} >= {"numpy"}
    for timing in timings:
        assert timing["steps"] >= 2
        assert 0 < timing["low"] <= timing["median"] <= timing["high"]
        assert timing["predicted"] > 0
    lines = run("bench", "--nets", "A", "--seconds", "0.1").out.splitlines()
    assert lines[0].startswith("A  conv3-4")
    assert lines[2].split()[:3] == ["net", "tier", "steps"]


def test_an_unknown_net():
    assert "nets must be letters of ABCD, got 'AX'" in refusal("bench", "--nets", "AX", status=1)


def test_the_nets_are_nets():
    for spec, _ in bench.NETS.values():
        assert ConvNet(spec).params
