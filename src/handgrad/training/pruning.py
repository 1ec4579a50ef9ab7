"""Pruning: leave out, for the moment, images that the model has learned well."""

from __future__ import annotations

import numpy as np

UNTIL = 7 / 8
"""The share of a run, or of its part with a snapshot, in which images are left out; then all are seen."""


class Pruning:
    """Leaves out some of the images whose loss was below the mean, and weighs the others of them up.

    Of the images whose loss, when they were last seen, was below the mean of all, so great a share is left
    out by chance. Each of the others counts ``1 / (1 - share)`` times, so that the expected gradient stays
    what it was, while a step costs less.

    Parameters
    ----------
    share : float
        In [0, 1); 0.5 leaves out a third of the images once most are learned.
    num_images : int

    Attributes
    ----------
    losses : ndarray (num_images,)
        Each image's loss when it was last seen; infinite before, so that none is left out unseen.

    References
    ----------
    Qin et al., "InfoBatch: lossless training speed up by unbiased dynamic data pruning", ICLR 2024.

    Examples
    --------
    >>> pruning = Pruning(0.5, num_images=4)
    >>> pruning.saw(np.arange(4), np.array([0.1, 0.1, 0.1, 5.0]))
    >>> pruning.choose(np.arange(4), np.random.default_rng(1), done=0.5)
    (array([0, 1, 3]), array([2., 2., 1.]))
    """

    def __init__(self, share: float, num_images: int) -> None:
        self.share = share
        self.losses = np.full(num_images, np.inf)

    def choose(
        self, batch: np.ndarray, rng: np.random.Generator, done: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return those indices of a batch (N,) that are kept, at least one, and how much each image counts.

        `done` is the share of the run that is over: from `UNTIL` on all are kept, and count the same.
        """
        if done >= UNTIL:
            return batch, np.ones(len(batch))
        learned = self.losses[batch] < self.losses.mean()
        kept = ~learned | (rng.random(len(batch)) >= self.share)
        if not kept.any():
            kept[self.losses[batch].argmax()] = True
        return batch[kept], np.where(learned, 1 / (1 - self.share), 1.0)[kept]

    def saw(self, batch: np.ndarray, losses: np.ndarray) -> None:
        """Note the losses of the images of a batch, both (N,)."""
        self.losses[batch] = losses
