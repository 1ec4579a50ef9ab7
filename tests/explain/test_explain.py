"""What explain says of a network is so."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import handgrad
from handgrad.backend import extension
from handgrad.explain import Machine, explain, measure, memory, probe
from handgrad.models import ConvNet

SLOW = Machine(gflops=100.0, gigabytes=10.0, threads=2, backend="numpy")
TIERS = ["numpy"] + (["native"] if extension is not None else [])

NETS = {
    "vgg": "[conv3-16 - bn - relu - conv3-16 - bn - relu - pool2]x3 - affine64 - relu - affine",
    "residual": "conv3-8 - bn - relu - [res(conv3-8 - bn - relu - conv3-8 - bn) - relu]x3"
    " - res(conv3-16/2 - bn - relu - conv3-16 - bn) - relu - globalpool - affine",
    "courses": "conv7-32 - relu - pool2 - affine100 - relu - affine",
    "unfused": "conv3-16 - gelu - dropout - conv3-16 - leaky_relu - avgpool2 - affine100 - relu - affine",
}


def rows(spec, **more):
    return explain(spec, machine=SLOW, **more).rows


class TestCounting:
    def test_a_network_counted_by_hand(self):
        first, second, last = rows("conv3-4 - relu - conv5-6/2 - affine", input_dim=(3, 8, 8), batch=10)
        assert (first.text, first.output, first.parameters) == ("conv3-4 - relu", (4, 8, 8), 3 * 9 * 4 + 4)
        assert (second.text, second.output, second.parameters) == ("conv5-6/2", (6, 4, 4), 4 * 25 * 6 + 6)
        assert (last.text, last.output, last.parameters) == ("affine", (10,), 96 * 10 + 10)
        relu = 10 * (3 + 2) * 4 * 8 * 8
        assert first.flops == 10 * 2 * (2 * 8 * 8 * 3 * 9 * 4) + relu  # out and dw, no dx
        assert second.flops == 10 * 3 * (2 * 4 * 4 * 4 * 25 * 6)
        assert last.flops == 10 * 3 * (2 * 96 * 10)
        # x, w and out each take part in the products for out, dw and dx.
        assert second.moved == 4 * (10 * 3 * (4 * 8 * 8 + 6 * 4 * 4) + 3 * 4 * 25 * 6)

    def test_predictions_are_the_longer_of_computing_and_moving(self):
        row = rows("conv3-64 - affine", batch=4)[0]
        assert row.predicted == max(row.flops / 100e9, row.moved / 10e9)
        double = rows("conv3-64 - affine", batch=4, dtype=np.float64)[0]
        assert double.predicted == max(2 * row.flops / 100e9, 2 * row.moved / 10e9)

    @pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
    def test_rows_add_up_to_the_network(self, spec):
        found = explain(spec, batch=4, machine=SLOW)
        net = ConvNet(spec)
        assert found.parameters == sum(w.size for w in net.params.values())
        assert found.weights_memory == sum(w.nbytes for w in net.params.values())
        assert sum(row.share for row in found.rows) == pytest.approx(1)
        assert found.spec == str(net)
        outputs = net.activations(np.zeros((2, 3, 32, 32)))
        for row in found.rows:
            assert outputs[row.name.rpartition("-")[2]].shape == (2, *row.output)

    def test_rows_of_a_residual_block(self):
        found = rows("conv-4 - res(conv-6 - bn - relu - res(relu)) - affine", batch=2)
        assert [row.text for row in found] == [
            *("conv3-4", "res2: conv3-6 - bn - relu", "res2: res1: relu", "res2: res1: sum"),
            *("res2: | conv1-6", "res2: sum", "affine"),
        ]
        assert found[5].parameters == 0

    def test_layers_in_front_of_the_first_weights(self):
        pool, conv, _ = rows("pool2 - conv-4 - affine", batch=2)
        assert conv.flops == 2 * 2 * (2 * 16 * 16 * 27 * 4)
        assert pool.parameters == 0


class TestMemory:
    @pytest.mark.parametrize("tier", TIERS)
    @pytest.mark.parametrize(
        ("name", "batch", "most"),
        # Where a net keeps little, blocks of 2 MB are large, and it takes more images to see through them.
        [("vgg", 128, 32), ("residual", 128, 32), ("unfused", 128, 32), ("courses", 256, 128)],
    )
    def test_a_rehearsal_with_a_part_of_the_batch_foretells_the_whole(self, name, batch, most, tier):
        net = ConvNet(NETS[name], seed=0)
        with handgrad.use_backend(tier):
            stated = memory.rehearsed(net, batch, most)
            found = memory.of_a_step(net, *memory.images(net, batch))
        assert stated == pytest.approx(found, rel=0.15)

    @pytest.mark.parametrize("tier", TIERS)
    def test_where_it_can_be_afforded_the_batch_itself_is_measured(self, tier):
        net = ConvNet(NETS["vgg"], seed=0)
        with handgrad.use_backend(tier):
            found = explain(NETS["vgg"], batch=32, machine=SLOW)
            measured = memory.of_a_step(net, *memory.images(net, 32))
        assert found.step_memory == pytest.approx(measured, rel=0.05)
        assert found.images_memory == 32 * 3072 * 4
        assert found.memory == found.step_memory + found.images_memory + found.weights_memory

    @pytest.mark.skipif(
        not (extension is not None and Path("/proc/self/clear_refs").exists()),
        reason="reads from Linux what the native tier takes",
    )
    def test_the_system_sees_the_memory_that_is_stated(self):
        """Of a process of its own, from before its first large batch to the third step's end."""
        program = f"""
import gc
from handgrad.backend import extension
from handgrad.explain import memory
from handgrad.models import ConvNet

def read(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) * 1024

net = ConvNet({NETS["vgg"]!r}, seed=0)
net.loss(*memory.images(net, 2))
gc.collect()
extension.empty_memory()
before = read("VmRSS")
X, y = memory.images(net, 256)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the highest mark begins anew
for _ in range(3):
    net.loss(X, y)
print(read("VmHWM") - before)
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        with handgrad.use_backend("native"):
            stated = explain(NETS["vgg"], batch=256, machine=SLOW)
        assert stated.memory == pytest.approx(int(done.stdout), rel=0.15)

    def test_a_batch_of_any_size_is_only_rehearsed(self):
        found = explain(NETS["vgg"], batch=10**9, machine=SLOW)
        assert found.memory > 10**14

    def test_memory_that_is_being_traced_goes_on_being_traced(self):
        net = ConvNet("affine", seed=0)
        tracemalloc.start()
        try:
            memory.of_a_step(net, *memory.images(net, 2))
            assert tracemalloc.is_tracing()
        finally:
            tracemalloc.stop()
        memory.of_a_step(net, *memory.images(net, 2))
        assert not tracemalloc.is_tracing()

    @pytest.mark.parametrize("tier", TIERS)
    def test_what_is_kept(self, tier):
        """The images and a parameter are not counted, and an array that two layers keep only once."""
        with handgrad.use_backend(tier):
            pool, gelu, res, relu, affine = rows("avgpool1 - gelu - res(gelu) - affine", batch=10)
        image = 3072 * 4
        assert [row.kept // (10 * image) for row in (pool, gelu)] == [0, 1]
        assert [row.text for row in (res, relu)] == ["res1: gelu", "res1: sum"]
        assert relu.kept == 0
        assert affine.kept == 10 * image

    def test_looking_at_what_is_kept_computes_nothing(self, monkeypatch):
        """The cache of a block that is computed in one pass holds less than its layers', and is left so."""
        from handgrad.layers import blocks

        with handgrad.use_backend("numpy"):
            alone = rows("conv-8 - relu - pool2 - affine", batch=4)[0].kept
        monkeypatch.setattr(blocks, "conv_forward", lambda *args: 1 / 0)
        assert rows("conv-8 - relu - pool2 - affine", batch=4)[0].kept <= alone


class TestMeasuring:
    def test_a_clock_that_ticks_gives_each_step_its_own_time(self, monkeypatch):
        ticks = iter(range(10**9))
        monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
        net = ConvNet("conv-4 - relu - res(gelu - res(gelu)) - affine", seed=0)
        steps = net.steps
        seconds, whole = measure.measured(net, 2)
        assert net.steps is steps
        # Forward and backward are a tick each; of a block, what the clock tells beside its layers.
        assert seconds["conv1-relu1"] == seconds["gelu1"] == seconds["affine2"] == 2
        assert sum(seconds.values()) < whole

    def test_measured_times_are_in_the_table(self):
        found = explain("conv-4 - relu - pool2 - res(gelu) - affine", batch=2, measure=True, machine=SLOW)
        assert all(row.measured > 0 for row in found.rows)
        assert found.step_seconds > 0
        assert found.epoch_seconds == found.step_seconds * 25_000
        assert found.columns()[-1] == "measured"
        assert "measured" in found.summary()[0]

    def test_the_net_is_as_before_when_a_step_fails(self, monkeypatch):
        net = ConvNet("affine", seed=0)
        steps = net.steps
        monkeypatch.setattr(net, "loss", lambda X, y: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            measure.measured(net, 2)
        assert net.steps is steps

    @pytest.mark.parametrize("tier", TIERS)
    def test_the_probe(self, tier):
        with handgrad.use_backend(tier):
            found = probe()
            assert probe() is found
        assert found.gflops > 0.01
        assert found.gigabytes > 0.01
        assert found.backend == tier
        assert found.threads == handgrad.get_num_threads()


def test_the_text():
    text = str(explain("[conv3-16 - relu - pool2]x2 - affine", batch=100, machine=SLOW)).split("\n")
    assert text[0] == "[conv3-16 - relu - pool2]x2 - affine - softmax"
    assert text[1] == "batches of 100 images of 3x32x32 in float32"
    assert text[3].split() == [
        "layers",
        "output",
        "parameters",
        "FLOPs",
        "moves",
        "keeps",
        "share",
        "predicted",
    ]
    assert text[4].startswith("conv3-16 - relu - pool2  16x16x16         448  ")
    assert text[7].startswith("all                                    13,018  ")
    assert text[9].startswith("A step of 100 images: ")
    assert "predicted" in text[9]
    assert text[10].startswith("Memory of a training step: ")
    assert "at 100 GFLOP/s and bytes at 10 GB/s" in text[11]
    assert len(text) == 12


def test_json():
    found = explain("conv-4 - relu - affine", batch=3, machine=SLOW)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert values["rows"][0]["output"] == [4, 32, 32]
    assert values["machine"]["gflops"] == 100
    assert values["epoch_seconds"] == pytest.approx(values["predicted_seconds"] * 50_000 / 3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: explain("conv - rely"), ValueError, "spec must have a layer, .* at column 8, got 'rely'"),
        (lambda: explain("affine", batch=0), ValueError, "batch must be at least 1, got 0"),
        (lambda: explain("affine", (3, 32)), ValueError, r"input_dim must be \(C, H, W\)"),
        (lambda: explain("affine", dtype=np.float16), TypeError, "dtype must be float32 or float64"),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match="^" + text):
        call()
