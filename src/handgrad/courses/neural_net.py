"""The older TwoLayerNet, which has its own `train` and `predict`."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import numpy as np

from handgrad import layers
from handgrad.courses.nets import standard_normal
from handgrad.courses.solver import Solver
from handgrad.training import optim


class TwoLayerNet:
    """The network ``affine - relu - affine - softmax``, in float64.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        D, H, C.
    std : float, default 1e-4
        Standard deviation of the first weights, which come from NumPy's global generator.

    Attributes
    ----------
    params : dict of ndarray
        W1 (D, H), b1 (H,), W2 (H, C), b2 (C,).
    """

    rows_are_outputs: ClassVar[bool] = False
    penalty: ClassVar[float] = 1.0
    """Factor of ``reg * sum(W**2)``."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int, std: float = 1e-4) -> None:
        self.params: dict[str, np.ndarray] = {}
        sizes = (input_size, hidden_size, output_size)
        for number, (inputs, outputs) in enumerate(itertools.pairwise(sizes), 1):
            shape = (outputs, inputs) if self.rows_are_outputs else (inputs, outputs)
            self.params[f"W{number}"] = std * standard_normal(shape)
            self.params[f"b{number}"] = np.zeros(outputs)

    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        """Return the scores (N, C) of X (N, D), or with labels y (N,) the loss and its gradients."""
        W1, W2 = self._turned(self.params["W1"]), self._turned(self.params["W2"])
        hidden, first = layers.affine_relu_forward(np.asarray(X, np.float64), W1, self.params["b1"])
        scores, second = layers.affine_forward(hidden, W2, self.params["b2"])
        if y is None:
            return scores
        loss, dscores = layers.softmax_loss(scores, np.asarray(y))
        dhidden, dW2, db2 = layers.affine_backward(dscores, second)
        _, dW1, db1 = layers.affine_relu_backward(dhidden, first, need_dx=False)
        grads = {"W1": self._turned(dW1), "b1": db1, "W2": self._turned(dW2), "b2": db2}
        for name in ("W1", "W2"):
            loss = loss + self.penalty * reg * np.sum(self.params[name] ** 2)
            grads[name] = grads[name] + 2 * self.penalty * reg * self.params[name]
        return loss, grads

    def train(
        self,
        X: np.ndarray,
        y: np.ndarray,
        X_val: np.ndarray,
        y_val: np.ndarray,
        learning_rate: float = 1e-3,
        learning_rate_decay: float = 0.95,
        reg: float = 5e-6,
        num_iters: int = 100,
        batch_size: int = 200,
        verbose: bool = False,
    ) -> dict[str, list[float]]:
        """Descend `num_iters` steps; each epoch visits every sample once.

        Returns
        -------
        dict
            loss_history, with one number a step; train_acc_history and val_acc_history, with one an epoch.
        """
        data = {"X_train": np.asarray(X), "y_train": np.asarray(y), "X_val": X_val, "y_val": y_val}

        def log(record: dict[str, Any]) -> None:
            step = record["iteration"] - 1
            if verbose and record["event"] == "iteration" and step % 100 == 0:
                print(f"iteration {step} / {num_iters}: loss {record['loss']:f}")

        solver = Solver(
            _Regularised(self, reg), data, update_rule=optim.sgd,
            optim_config={"learning_rate": learning_rate}, lr_decay=learning_rate_decay,
            batch_size=min(batch_size, len(X)), num_epochs=num_iters + 1, verbose=False, logger=log,
        )  # fmt: skip
        solver.train(num_iters)  # never the last epoch, so the last weights stay, not the best
        histories = ("loss_history", "train_acc_history", "val_acc_history")
        return {name: getattr(solver, name) for name in histories}

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of the greatest score for each row of X."""
        return np.argmax(self.loss(X), axis=1)

    def _turned(self, w: np.ndarray) -> np.ndarray:
        return w.T if self.rows_are_outputs else w


class TwoLayerNetOfUCLA(TwoLayerNet):
    """As in Stanford's course, with W1 (H, D), W2 (C, H) and the penalty ``0.5 * reg * sum(W**2)``."""

    rows_are_outputs = True
    penalty = 0.5


class _Regularised:
    """The network under the protocol of the Solver, whose loss takes no `reg`."""

    def __init__(self, net: TwoLayerNet, reg: float) -> None:
        self.params, self._net, self._reg = net.params, net, reg

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        return self._net.loss(X, y, self._reg)
