"""The model under examination: it is only ever run as a copy, on batches drawn from a seed."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np

from handgrad.checking import sandbox
from handgrad.checking.sandbox import Failure

CALL_LIMIT = 60.0  # seconds for one call of a learner's loops on a small batch


class Effort(NamedTuple):
    """How much is tried: numbers of images, and of steps by the rule of the run and by another."""

    few: int  # to learn by heart
    some: int  # to look inside
    group: int  # to see whether images matter to each other
    steps: int
    more_steps: int


# By seconds an image, so that loops in plain Python are examined in minutes at the worst.
_EFFORTS = (
    (0.006, Effort(few=20, some=100, group=16, steps=40, more_steps=100)),
    (0.1, Effort(few=20, some=40, group=8, steps=30, more_steps=60)),
    (1e9, Effort(few=10, some=10, group=3, steps=20, more_steps=30)),
)

Preprocess = Callable[[np.ndarray], np.ndarray]
Grads = dict[str, np.ndarray]
Found = TypeVar("Found")


class Patient:
    """A model, its data, and how it is to be trained.

    Parameters
    ----------
    model : object
        ``params`` and ``loss(X, y=None)``; never called, only copied.
    data : mapping
        X_train, y_train, and X_val, y_val where there are any.
    update_rule, optim_config
        As the Solver takes them.
    preprocess : function or None
    seed : int
    """

    def __init__(
        self,
        model: Any,
        data: Mapping[str, np.ndarray],
        update_rule: Any,
        optim_config: Mapping[str, Any],
        preprocess: Preprocess | None,
        seed: int,
    ) -> None:
        self.model, self.update_rule, self.optim_config = model, update_rule, dict(optim_config)
        self._preprocess, self.seed = preprocess, seed
        self._raw = {part: (data[f"X_{part}"], data[f"y_{part}"]) for part in _parts(data)}
        self.memory: dict[str, Any] = {}
        self._global_state = np.random.get_state()  # noqa: NPY002 - a learner's model may draw from it

    @property
    def params(self) -> dict[str, np.ndarray]:
        """The model's own parameters; not to be changed."""
        return self.model.params

    @property
    def weights(self) -> list[str]:
        """Names of the parameters that are matrices or filters."""
        return [name for name, w in self.params.items() if w.ndim >= 2]

    @property
    def dtype(self) -> np.dtype:
        """The dtype that everything should have: the model's word for it, else that of most parameters."""
        dtypes = [w.dtype for w in self.params.values()]
        try:
            return np.dtype(self.model.dtype)
        except (AttributeError, TypeError):
            return max(dtypes, key=dtypes.count)

    def parts(self) -> list[str]:
        """Return those of train, val and test that hold images."""
        return list(self._raw)

    def raw(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Return all images and labels of a part as they were given."""
        return self._raw[part]

    def draw(self, count: int, part: str = "train") -> tuple[np.ndarray, np.ndarray]:
        """Return the first `count` images of a fixed random order, as the model gets them, and labels."""
        X, y = self._raw[part]
        chosen = np.random.default_rng(self.seed).permutation(len(X))[:count]
        return self.prepare(X[chosen]), y[chosen]

    def prepare(self, X: np.ndarray) -> np.ndarray:
        """Return a batch as the model gets it; always a new array."""
        return np.array(X) if self._preprocess is None else np.asarray(self._preprocess(np.array(X)))

    def fresh(self, reg: float | None = None) -> Any:
        """Return a copy of the model in the state in which it came, its random generators included.

        Parameters
        ----------
        reg : float, optional
            Strength of the penalty, where the model has ``reg``.
        """
        np.random.set_state(self._global_state)  # noqa: NPY002 - so that copies draw alike
        model = _copy(self.model)
        if reg is not None and self.has_reg:
            model.reg = reg
        return model

    @property
    def has_reg(self) -> bool:
        """Whether the model has a strength of its penalty that can be set."""
        return isinstance(getattr(self.model, "reg", None), (int, float, np.number))

    @cached_property
    def effort(self) -> Effort:
        """How much can be tried in a short time."""
        batch = self.draw(2)
        model = self.fresh()
        loss(model, *batch)  # the first call pays for what is loaded and allocated once
        begun = time.perf_counter()
        loss(model, *batch)
        seconds = (time.perf_counter() - begun) / len(batch[0])
        return next(effort for limit, effort in _EFFORTS if seconds <= limit)

    def few(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the images, with labels, that are to be learnt by heart."""
        return self.draw(self.effort.few)

    def some(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the images, with labels, with which the inside of the model is looked at."""
        return self.draw(self.effort.some)

    @cached_property
    def scores(self) -> np.ndarray:
        """Scores of `some` images by the model as it came."""
        return scores(self.fresh(), self.some()[0])

    @property
    def num_classes(self) -> int:
        """K."""
        return self.scores.shape[1]

    @cached_property
    def first(self) -> tuple[float, Grads]:
        """Loss and gradients of `some` images by the model as it came, without its penalty."""
        return loss(self.fresh(reg=0.0), *self.some())

    @cached_property
    def accuracy(self) -> float:
        """Share of `some` images that the model as it came puts in their class."""
        return float(np.mean(self.scores.argmax(axis=1) == self.some()[1]))

    @cached_property
    def learns_already(self) -> bool:
        """Whether the model as it came does better than chance, which one before training does not."""
        y = self.some()[1]
        chance = float(np.mean(y == np.bincount(y).argmax()))
        spread = np.sqrt(chance * (1 - chance) / len(y))
        return self.accuracy > chance + 4 * spread


def remembered(look: Callable[[Patient], Found]) -> Callable[[Patient], Found]:
    """Make a function of a patient that is computed once for each."""

    @functools.wraps(look)
    def once(patient: Patient) -> Found:
        key = f"{look.__module__}.{look.__qualname__}"
        if key not in patient.memory:
            patient.memory[key] = look(patient)
        found: Found = patient.memory[key]
        return found

    return once


def loss(model: Any, X: np.ndarray, y: np.ndarray) -> tuple[float, Grads]:
    """Return what ``model.loss(X, y)`` gives; the arrays are copied first.

    Raises
    ------
    Failure
        When it raises, or gives something else than a number and a dictionary.
    """
    answer = sandbox.call(model.loss, np.array(X), np.array(y), limit=CALL_LIMIT)
    try:
        value, grads = answer
        return float(value), {str(name): np.asarray(g) for name, g in grads.items()}
    except (TypeError, ValueError, AttributeError):
        message = "loss(X, y) must return a number and a dictionary of gradients"
        raise Failure("TypeError", message, "") from None


def scores(model: Any, X: np.ndarray) -> np.ndarray:
    """Return what ``model.loss(X)`` gives.

    Raises
    ------
    Failure
        When it raises, or gives no array of N rows.
    """
    answer = sandbox.call(model.loss, np.array(X), limit=CALL_LIMIT)
    if not isinstance(answer, np.ndarray) or answer.ndim != 2 or len(answer) != len(X):
        got = getattr(answer, "shape", type(answer).__name__)
        raise Failure("TypeError", f"loss(X) must return scores of shape ({len(X)}, K), got {got}", "")
    return answer


def _parts(data: Mapping[str, np.ndarray]) -> list[str]:
    return [part for part in ("train", "val", "test") if len(data.get(f"X_{part}", ())) > 0]


def _copy(model: Any) -> Any:
    try:
        return copy.deepcopy(model)
    except Exception:  # something in it, such as an open file, cannot be copied
        twin = copy.copy(model)
        for name in ("params", "bn_params", "rng"):
            if hasattr(model, name):
                setattr(twin, name, copy.deepcopy(getattr(model, name)))
        return twin
