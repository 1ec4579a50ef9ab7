"""No false alarm on sound models, and nothing is changed by the examination."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
from checking.training.toys import Net, like_shapes, shapes

from handgrad import backend
from handgrad.checking import examine_model
from handgrad.data import Standardize, load_shapes
from handgrad.models import FullyConnectedNet, ThreeLayerConvNet, TwoLayerNet
from handgrad.training import Solver

SMALL = {"num_filters": 4, "filter_size": 3, "hidden_dim": 20, "seed": 0}
HEALTHY = {
    "two layers": lambda: TwoLayerNet(hidden_dim=30, seed=0),
    "two layers, penalty": lambda: TwoLayerNet(hidden_dim=30, reg=0.1, seed=0),
    "three layers": lambda: FullyConnectedNet([40, 30], seed=1),
    "batch norm": lambda: FullyConnectedNet([40, 30], normalization="batchnorm", reg=1e-3, seed=0),
    "layer norm and dropout": lambda: FullyConnectedNet(
        [40, 30], normalization="layernorm", dropout=0.4, seed=0
    ),
    "batch norm and dropout": lambda: FullyConnectedNet([40], normalization="batchnorm", dropout=0.4, seed=0),
    "float64": lambda: FullyConnectedNet([30], dropout=0.3, dtype=np.float64, seed=0),
    "convolution": lambda: ThreeLayerConvNet(**SMALL, reg=1e-3),
    "convolution, batch norm": lambda: ThreeLayerConvNet(**SMALL, use_batchnorm=True),
    "own": lambda: Net(reg=0.1),
    "own, batch norm": lambda: Net(batchnorm=True),
    "own, dropout": lambda: Net(dropout=0.4),
    "own, tanh": lambda: Net(act="tanh"),
    "own, sigmoid": lambda: Net(act="sigmoid", scale=3e-3),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_false_alarm(name):
    report = examine_model(HEALTHY[name](), shapes())
    assert report.findings == []
    assert report.verdict == "right"


def test_no_false_alarm_on_images_less_their_mean():
    data = like_shapes(**{key: shapes()[key] * np.float32(57) for key in ("X_train", "X_val")})
    assert examine_model(TwoLayerNet(hidden_dim=30, seed=0), data).findings == []


def test_no_false_alarm_with_preprocess_of_raw_images():
    data = load_shapes(300, 100, 50).split()
    model = TwoLayerNet(hidden_dim=30, seed=0)
    prepare = Standardize.fit(data["X_train"], per="channel", scale=True)
    assert examine_model(model, data, preprocess=prepare).findings == []
    assert examine_model(model, data).findings[0].mistake == "not-centred"


@pytest.mark.parametrize("normalization", [None, "batchnorm"])
def test_no_false_alarm_after_training(normalization):
    model = FullyConnectedNet([30], normalization=normalization, seed=0)
    Solver(model, shapes(), "adam", num_epochs=5, verbose=False, seed=0).train()
    assert examine_model(model, shapes()).findings == []


def test_no_false_alarm_on_points_in_the_plane():
    X = np.random.default_rng(0).standard_normal((200, 2))
    data = {"X_train": X, "y_train": (X[:, 0] * X[:, 1] > 0).astype(int)}
    model = TwoLayerNet(input_dim=2, num_classes=2, hidden_dim=50, weight_scale=0.1, dtype=np.float64, seed=0)
    assert examine_model(model, data, optim_config={"learning_rate": 1e-2}).findings == []


@pytest.mark.parametrize("count", [2, 5, 30])
def test_no_false_alarm_on_a_handful_of_images(count):
    data = {key: value[:count] for key, value in shapes().items() if key.endswith("train")}
    assert examine_model(Net(batchnorm=True), data).findings == []


def test_no_false_alarm_where_the_last_layer_begins_at_zero():
    model = FullyConnectedNet([30], seed=0)
    model.params["W2"][...] = 0
    assert examine_model(model, shapes()).findings == []


def test_no_false_alarm_on_a_penalty_of_absolute_values():
    class Sparse(Net):
        def loss(self, X, y=None):
            answer = super().loss(X, y)
            if y is None:
                return answer
            (loss, grads), p = answer, self.params
            grads |= {
                key: grads[key] + np.float32(self.reg) * (np.sign(p[key]) - p[key]) for key in ("W1", "W2")
            }
            penalty = sum(float(np.abs(p[key]).sum() - 0.5 * (p[key] ** 2).sum()) for key in ("W1", "W2"))
            return loss + self.reg * penalty, grads

    assert examine_model(Sparse(reg=1e-4), shapes()).findings == []


def test_constant_images_are_told():
    report = examine_model(Net(), like_shapes(X_train=shapes()["X_train"] * 0))
    assert report.findings[0].evidence == "all inputs are 0"


def test_too_few_labels_say_nothing():
    rng = np.random.default_rng(0)
    data = {key: value[:50] for key, value in shapes().items()}
    data["y_train"] = rng.permutation(data["y_train"])
    report = examine_model(TwoLayerNet(hidden_dim=30, seed=0), data)
    assert [c.verdict for c in report.checks if c.name == "labels and images"] == ["not examined"]


def state(model):
    return {
        "params": {name: w.copy() for name, w in model.params.items()},
        "bn": copy.deepcopy(getattr(model, "bn_params", None) or getattr(model, "bn_param", None)),
        "rng": copy.deepcopy(model.rng.bit_generator.state),
        "reg": model.reg,
    }


@pytest.mark.parametrize("name", ["batch norm and dropout", "own, batch norm", "convolution, batch norm"])
def test_everything_is_left_as_it_was(name):
    model = HEALTHY[name]()
    arrays = dict(model.params)
    model.loss(shapes()["X_train"][:8], shapes()["y_train"][:8])
    before, data = state(model), {key: value.copy() for key, value in shapes().items()}
    np.random.seed(3)  # noqa: NPY002
    drawn = np.random.get_state()[1].tobytes(), np.random.get_state()[2]  # noqa: NPY002
    tier = backend.ops()
    examine_model(model, shapes())
    np.testing.assert_equal(state(model), before)
    assert all(model.params[key] is w for key, w in arrays.items())
    np.testing.assert_equal(dict(shapes()), data)
    assert (np.random.get_state()[1].tobytes(), np.random.get_state()[2]) == drawn  # noqa: NPY002
    assert backend.ops() is tier


def test_model_that_fails_leaves_the_backend_alone():
    class Fails(TwoLayerNet):
        def loss(self, X, y=None):
            super().loss(X, y)
            raise RuntimeError("no")

    tier = backend.ops()
    assert examine_model(Fails(hidden_dim=5, seed=0), shapes()).findings[0].mistake == "raises"
    assert backend.ops() is tier


def test_the_same_examination_twice_says_the_same():
    model = HEALTHY["batch norm and dropout"]()
    assert str(examine_model(model, shapes())) == str(examine_model(model, shapes()))


def test_other_threads_get_bare_layers_meanwhile():
    from handgrad.checking.training.watch import watching
    from handgrad.layers import relu_forward

    x = np.ones((3, 2), np.float32)
    with watching({}) as seen:
        thread = threading.Thread(target=relu_forward, args=(x,))
        thread.start()
        thread.join()
        assert seen == []
        relu_forward(x)
    assert [step.kind for step in seen] == ["relu"]


def test_report_has_a_verdict_and_a_sentence_for_each_point():
    report = examine_model(Net("summed"), shapes())
    points = report.to_dict()["checks"]
    assert {point["verdict"] for point in points} <= {"right", "wrong", "not examined"}
    assert all(point["sentence"] for point in points)
    assert "first-loss-wrong" in str(report)
    assert "Checklist:" in str(report)
    assert "summed over the batch" in report.findings[0].evidence


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X_train": None}, ValueError, "X_train"),
        ({"y_train": np.zeros(3, int)}, ValueError, r"data\['y_train'\] must be 300 whole numbers"),
        ({"y_train": np.zeros(300)}, ValueError, "got float64 of shape"),
    ],
)
def test_data_that_do_not_belong_together_are_refused(change, error, message):
    data = {key: value for key, value in like_shapes(**change).items() if value is not None}
    with pytest.raises(error, match=message):
        examine_model(Net(), data)


def test_things_that_are_no_model_are_refused():
    with pytest.raises(TypeError, match="model must have params, a dictionary of arrays, and loss"):
        examine_model(object(), shapes())
    with pytest.raises(ValueError, match="adm"):
        examine_model(Net(), shapes(), update_rule="adm")
