"""The table of a network's costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handgrad._tables import plain
from handgrad.explain import memory
from handgrad.explain.cost import cost
from handgrad.explain.machine import Machine, probe
from handgrad.explain.measure import measured
from handgrad.explain.words import big, size, span
from handgrad.layers.params import whole
from handgrad.models import ConvNet
from handgrad.models.steps import Chain, Residual, Step

EPOCH = 50_000  # images
_REHEARSED_FLOPS, _REHEARSED_BYTES = 60e9, 1e9


@dataclass(frozen=True)
class Row:
    """A step of the network, for the whole batch.

    Attributes
    ----------
    name, text : str
        As 'conv1-relu1' and 'conv3-64 - relu'; a step of a residual block begins with the block's name.
    output : tuple of int
        Shape of a sample.
    parameters : int
    flops : float
        Forward and backward.
    moved : float
        Bytes that its layers read and write, each by itself.
    kept : int
        Bytes that forward keeps for backward.
    predicted : float
        Seconds: the longer of FLOPs and bytes at the rates of the machine.
    measured : float or None
        Seconds.
    share : float
        Of the time of all steps, measured where it was, else predicted.
    """

    name: str
    text: str
    output: tuple[int, ...]
    parameters: int
    flops: float
    moved: float
    kept: int
    predicted: float
    measured: float | None
    share: float


@dataclass(frozen=True)
class Explanation:
    """What a network costs to train. ``str()`` is a table, `to_dict` fit for JSON.

    Attributes
    ----------
    spec : str
    input_dim : tuple of int
    batch : int
    dtype : str
    rows : tuple of Row
    machine : Machine
        The rates behind the predictions.
    weights_memory : int
        Bytes of the parameters.
    step_memory : int
        Bytes that a training step holds at most beside parameters and images: gradients, what forward keeps,
        working memory. Found by a rehearsal, with a part of the batch where that is large.
    images_memory : int
        Bytes of a batch.
    step_seconds : float or None
        Measured time of ``loss(X, y)``.
    """

    spec: str
    input_dim: tuple[int, ...]
    batch: int
    dtype: str
    rows: tuple[Row, ...]
    machine: Machine
    weights_memory: int
    step_memory: int
    images_memory: int
    step_seconds: float | None

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes of a training step: parameters, images, gradients, what is kept, working memory."""
        return self.weights_memory + self.images_memory + self.step_memory

    @property
    def predicted_seconds(self) -> float:
        """Predicted time of a step, forward and backward."""
        return sum(row.predicted for row in self.rows)

    @property
    def epoch_seconds(self) -> float:
        """Time of an epoch of 50,000 images, measured where the step was; without updates and data."""
        step = self.predicted_seconds if self.step_seconds is None else self.step_seconds
        return EPOCH / self.batch * step

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, texts and lists."""
        return {
            **asdict(self),
            "machine": self.machine._asdict(),
            "parameters": self.parameters,
            "memory": self.memory,
            "predicted_seconds": self.predicted_seconds,
            "epoch_seconds": self.epoch_seconds,
        }

    def columns(self) -> tuple[str, ...]:
        """Return the heads of the table; all but the first two are of numbers."""
        heads = ("layers", "output", "parameters", "FLOPs", "moves", "keeps", "share", "predicted")
        return heads if self.step_seconds is None else (*heads, "measured")

    def cells(self) -> list[tuple[str, ...]]:
        """Return the table's rows as texts, and a last one of sums."""
        kept, flops, moved = (
            sum(getattr(row, name) for row in self.rows) for name in ("kept", "flops", "moved")
        )
        total = Row(
            "", "all", (), self.parameters, flops, moved, kept, self.predicted_seconds, self.step_seconds, 1.0
        )
        return [self._cells(row) for row in (*self.rows, total)]

    def _cells(self, row: Row) -> tuple[str, ...]:
        cells = (
            row.text,
            "x".join(map(str, row.output)),
            f"{row.parameters:,}",
            big(row.flops),
            size(row.moved),
            size(row.kept),
            f"{row.share:.0%}",
            span(row.predicted),
        )
        return cells if row.measured is None else (*cells, span(row.measured))

    def summary(self) -> list[str]:
        """Return the lines below the table."""
        machine = self.machine
        how = "predicted" if self.step_seconds is None else "measured"
        step = self.predicted_seconds if self.step_seconds is None else self.step_seconds
        return [
            f"A step of {self.batch:,} images: {span(step)} {how}, {span(self.epoch_seconds)} an epoch of "
            f"{EPOCH:,} images, without updates and data.",
            f"Memory of a training step: {size(self.memory)}, of which {size(self.weights_memory)} "
            f"parameters, {size(self.images_memory)} images, {size(self.step_memory)} gradients, "
            f"activations and working memory; Adam adds {size(2 * self.weights_memory)}.",
            f"Predictions: the longer of FLOPs at {machine.gflops:,.0f} GFLOP/s and bytes at "
            f"{machine.gigabytes:,.0f} GB/s, the rates that this machine has just shown "
            f"({machine.backend}, threads: {machine.threads}); what NumPy computes takes longer.",
        ]

    def title(self) -> str:
        """Return the lines above the table."""
        shape = "x".join(map(str, self.input_dim))
        return f"{self.spec}\nbatches of {self.batch:,} images of {shape} in {self.dtype}"

    def __str__(self) -> str:
        return "\n".join(
            [
                self.title(),
                "",
                *plain(self.columns(), self.cells(), numbers=len(self.columns()) - 2),
                "",
                *self.summary(),
            ]
        )


def explain(
    spec: str,
    input_dim: tuple[int, int, int] = (3, 32, 32),
    batch: int = 128,
    num_classes: int = 10,
    dtype: DTypeLike = np.float32,
    *,
    measure: bool = False,
    machine: Machine | None = None,
) -> Explanation:
    """Tell what a network costs to train, layer by layer.

    Parameters
    ----------
    spec : str
        As for `handgrad.models.ConvNet`.
    input_dim : (C, H, W), default (3, 32, 32)
    batch : int, default 128
        Images in a step.
    num_classes : int, default 10
    dtype : float32 or float64, default float32
    measure : bool, default False
        Run some steps and measure the time of each layer.
    machine : Machine, optional
        What to predict for, in the place of what `probe` finds here.

    Returns
    -------
    explanation : Explanation

    Raises
    ------
    TypeError, ValueError
        When an argument is of the wrong type or out of range, or the text is no network.

    Examples
    --------
    >>> found = explain("conv3-64 - relu - pool2 - affine", batch=8)
    >>> [(row.text, row.output, row.parameters) for row in found.rows]
    [('conv3-64 - relu - pool2', (64, 16, 16), 1792), ('affine', (10,), 163850)]
    """
    batch = whole("batch", batch, least=1)
    net = ConvNet(spec, input_dim, num_classes, dtype=dtype, seed=0)
    machine = machine or probe()
    seconds, whole_step = measured(net, batch) if measure else ({}, None)
    rows = _rows(net, batch, machine, seconds)
    return Explanation(
        spec=str(net),
        input_dim=tuple(net.input_dim),
        batch=batch,
        dtype=net.dtype.name,
        rows=rows,
        machine=machine,
        weights_memory=sum(w.nbytes for w in net.params.values()),
        step_memory=memory.rehearsed(net, batch, _affordable(rows, batch)),
        images_memory=batch * math.prod(net.input_dim) * net.dtype.itemsize,
        step_seconds=whole_step,
    )


def _affordable(rows: tuple[Row, ...], batch: int) -> float:
    """Return with how many images to rehearse a step, so that it takes no more than a second or so."""
    flops, kept = sum(row.flops for row in rows), sum(row.kept for row in rows)
    return batch / max(flops / _REHEARSED_FLOPS, kept / _REHEARSED_BYTES)


def _rows(net: ConvNet, batch: int, machine: Machine, seconds: dict[str, float]) -> tuple[Row, ...]:
    kept = memory.kept(net, batch)
    found = []
    for step, text, need_dx in _walk(net.steps, False, ""):
        flops, moved = cost(step, net.params, batch, need_dx)
        own = [] if isinstance(step, Residual) else step.parameters
        predicted = machine.seconds(flops, moved, net.dtype.itemsize)
        count = sum(net.params[name].size for name in own)
        found.append((step.name, text, step.outputs, count, flops, moved, kept[step.name], predicted))
    times = [seconds.get(name, predicted) for name, *_, predicted in found]
    whole_time = sum(times) or 1.0
    return tuple(
        Row(*row, measured=seconds.get(row[0]), share=own / whole_time)
        for row, own in zip(found, times, strict=True)
    )


def _walk(chain: Chain, need_dx: bool, where: str) -> Iterator[tuple[Step, str, bool]]:
    """Yield each step, those of a residual block before its sum, with its text and whether dx is needed."""
    for number, step in enumerate(chain.steps):
        needed = need_dx or number > chain.first_trained()
        if isinstance(step, Residual):
            inside = f"{where}{step.name}: "
            yield from _walk(step.main, needed, inside)
            yield from _walk(step.shortcut, needed, f"{inside}| ")
            yield step, f"{inside}sum", needed
        else:
            yield step, where + step.text, needed
