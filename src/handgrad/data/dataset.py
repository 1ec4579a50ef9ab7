"""Dataset: images and labels as they are kept, uint8 until batched, whatever they came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad._numbers import float_dtype, whole_number


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in three parts.

    Attributes
    ----------
    name : str
        What it is: ``"cifar10"``, ``"shapes"``, or the name of a folder.
    X_train, X_val, X_test : numpy.ndarray
        uint8 images (N, C, H, W), 0 to 255. A part that the source does not have is there with N = 0.
    y_train, y_val, y_test : numpy.ndarray
        int64 labels (N,), each an index into `class_names`.
    class_names : tuple of str
    source : str
        Where it came from, for people to read.
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_val: np.ndarray
    y_val: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    source: str

    @property
    def input_dim(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one image."""
        channels, height, width = self.X_train.shape[1:]
        return channels, height, width

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def split(
        self, num_training: int | None = None, num_validation: int | None = None, num_test: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return the courses' six arrays, still uint8, as views.

        Training takes the first `num_training` of the training images and test the first `num_test`.
        Validation takes the first `num_validation` of the validation images or, where the data set has
        none (CIFAR-10), the training images that follow the ones taken for training.

        Parameters
        ----------
        num_training, num_validation, num_test : int, optional
            None means all there are; where validation images come out of the training part, None means
            one in fifty of it (1,000 of CIFAR-10's 50,000), and the rest trains.

        Raises
        ------
        ValueError
            When more images are asked for than there are.
        """
        X, y = self.X_train, self.y_train
        if len(self.X_val):
            train = _slice("num_training", num_training, "training", len(X))
            val = _slice("num_validation", num_validation, "validation", len(self.X_val))
            X_val, y_val = self.X_val[val], self.y_val[val]
        else:
            train, val = _slices_of_one(num_training, num_validation, len(X))
            X_val, y_val = X[val], y[val]
        test = _slice("num_test", num_test, "test", len(self.X_test))
        return {
            "X_train": X[train], "y_train": y[train],
            "X_val": X_val, "y_val": y_val,
            "X_test": self.X_test[test], "y_test": self.y_test[test],
        }  # fmt: skip


def _slice(name: str, count: int | None, part: str, there: int) -> slice:
    count = there if count is None else whole_number(name, count)
    if count > there:
        raise ValueError(f"{name} must be at most the number of {part} images ({there}), got {count}")
    return slice(0, count)


def _slices_of_one(num_training: int | None, num_validation: int | None, there: int) -> tuple[slice, slice]:
    if num_validation is None:
        num_validation = (
            there // 50 if num_training is None else min(there // 50, max(there - num_training, 0))
        )
    num_validation = whole_number("num_validation", num_validation)
    num_training = max(there - num_validation, 0) if num_training is None else num_training
    num_training = whole_number("num_training", num_training)
    end = num_training + num_validation
    if end > there:
        raise ValueError(
            f"num_training + num_validation must be at most the number of training images ({there}), "
            f"got {num_training} + {num_validation}"
        )
    return slice(0, num_training), slice(num_training, end)


def float_arrays(
    arrays: dict[str, np.ndarray], subtract_mean: bool = True, dtype: np.typing.DTypeLike = np.float32
) -> dict[str, np.ndarray]:
    """Turn the uint8 arrays of `Dataset.split` into the courses' form: floats around the mean image.

    Parameters
    ----------
    arrays : dict
        X_train, y_train, X_val, y_val, X_test, y_test.
    subtract_mean : bool
        Subtract the mean image (C, H, W) of X_train from all three. The scale stays 0 to 255.
    dtype : float32 or float64

    Returns
    -------
    dict
        The same keys; the labels are copies, so that nothing keeps the uint8 images alive.
    """
    dtype = float_dtype(dtype)
    if subtract_mean and not len(arrays["X_train"]):
        raise ValueError("num_training must be at least 1 where the mean image is subtracted, got 0")
    mean = arrays["X_train"].mean(axis=0, dtype=np.float64) if subtract_mean else 0.0
    result = {}
    for key, array in arrays.items():
        if key.startswith("X"):
            result[key] = np.empty(array.shape, dtype)
            # Rounded once, from float64, and without a float64 copy of all: ufuncs cast in small blocks.
            np.subtract(array, mean, out=result[key], casting="same_kind")
        else:
            result[key] = array.copy()
    return result
