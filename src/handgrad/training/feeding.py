"""The batches of a run: which images, in which order, augmented how, at each iteration.

Random numbers are drawn afresh for each epoch and iteration from (seed, stream, count), so that the batch
of an iteration depends on the seed alone, and a run resumed in mid epoch sees the batches that it would
have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from handgrad._random import generator
from handgrad.data.batches import batches_per_epoch, cut, epoch_batches
from handgrad.data.mixup import mixup
from handgrad.data.placed import Place, augmented
from handgrad.data.resize import resize
from handgrad.training.pruning import Pruning

ORDER, AUGMENT, SUBSAMPLE, MIXUP, RECALIBRATE, PRUNE = range(6)

Preprocess = Callable[[np.ndarray], np.ndarray]
Augment = Callable[..., np.ndarray]


def run_seed(seed: int | np.random.Generator | None) -> int:
    """Return the seed of a run's streams, drawn from the one that the user gave."""
    return int(generator(seed).integers(2**63))


def random(seed: int, stream: int, count: int) -> np.random.Generator:
    """Return the generator of one stream for one epoch or iteration."""
    return np.random.default_rng([seed, stream, count])


class Batches:
    """The training images and labels, batch by batch.

    Parameters
    ----------
    X, y : ndarray (N, ...), (N,)
    batch_size : int
        An epoch has ``ceil(N / batch_size)`` batches of nearly equal size.
    augment, preprocess : function or None
    image_side : dict, optional
        The side that images have from an epoch on, by that epoch.
    mixup : float, optional
        See `handgrad.data.mixup`. Before the first batch `num_classes` must be set.
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        augment: Augment | None = None,
        preprocess: Preprocess | None = None,
        mixup: float | None = None,
        image_side: Mapping[int, int] | None = None,
    ) -> None:
        self.X, self.y = X, y
        self.batch_size = batch_size
        self.augment, self.preprocess = augment, preprocess
        self.mixup, self.image_side = mixup, image_side
        self.num_classes: int | None = None
        self.per_epoch = batches_per_epoch(len(X), batch_size)
        self._epoch: tuple[tuple[int, int], list[np.ndarray]] = (-1, -1), []

    def at(self, iteration: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return images and labels of an iteration, counted from 0; with mixup labels are soft."""
        return self.of(self.indices(iteration, seed), iteration, seed)

    def of(self, chosen: np.ndarray, iteration: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return images and labels of these indices, as an iteration has them."""
        X = self.X[chosen]
        if self.augment is not None:
            place = Place(chosen, iteration // self.per_epoch, seed)
            X = augmented(self.augment, X, random(seed, AUGMENT, iteration), place)
        X = X if self.preprocess is None else self.preprocess(X)
        side = self._side(iteration // self.per_epoch)
        X = X if side is None else resize(X, side)
        if self.mixup is None or self.num_classes is None:
            return X, self.y[chosen]
        return mixup(X, self.y[chosen], self.num_classes, self.mixup, random(seed, MIXUP, iteration))

    def pruned(
        self, pruning: Pruning, iteration: int, seed: int, done: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices of an iteration that pruning keeps, and how much each counts; `done` is over."""
        rng = random(seed, PRUNE, iteration)
        return pruning.choose(self.indices(iteration, seed), rng, done)

    def _side(self, epoch: int) -> int | None:
        begun = [first for first in self.image_side or {} if first <= epoch]
        return (self.image_side or {})[max(begun)] if begun else None

    def some(self, number: int, iteration: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give a number of batches as they are, each image at most once, as many as there are images for."""
        order = random(seed, RECALIBRATE, iteration).permutation(len(self.X))
        for chosen in cut(order, self.batch_size)[:number]:
            X = self.X[chosen]
            yield X if self.preprocess is None else self.preprocess(X), self.y[chosen]

    def indices(self, iteration: int, seed: int) -> np.ndarray:
        """Return the indices of the images of an iteration."""
        epoch, position = divmod(iteration, self.per_epoch)
        drawn, parts = self._epoch
        if drawn != (epoch, seed):
            parts = epoch_batches(len(self.X), self.batch_size, random(seed, ORDER, epoch))
            self._epoch = (epoch, seed), parts  # in one go, for whoever asks on another thread
        return parts[position]
