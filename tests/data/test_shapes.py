from __future__ import annotations

import hashlib

import numpy as np
import pytest

from handgrad import data
from handgrad.data import shapes


@pytest.fixture(scope="module")
def some():
    return data.load_shapes(600, 100, 100, seed=0)


def test_the_pixels_of_a_seed_never_change(some):
    # When a change here is meant, results that people have from `shapes` change with it: say so in the notes.
    digest = hashlib.sha256()
    for array in (some.X_train, some.y_train, some.X_val, some.X_test):
        digest.update(array.tobytes())
    assert digest.hexdigest() == "607eb7fa233d8012df0cf1166955df8c14d7f430e2d8770641903691415c4bc7"


def test_form(some):
    assert some.X_train.shape == (600, 3, 32, 32)
    assert some.X_train.dtype == np.uint8
    assert some.y_train.dtype == np.int64
    assert some.class_names == shapes.CLASS_NAMES
    assert some.num_classes == len(set(some.class_names)) == 10
    assert some.input_dim == (3, 32, 32)
    assert some.source == "drawn from seed 0"


def test_more_images_leave_the_first_ones(some):
    fewer = data.load_shapes(260, 3, 0, seed=0)
    np.testing.assert_array_equal(fewer.X_train, some.X_train[:260])
    np.testing.assert_array_equal(fewer.y_train, some.y_train[:260])
    np.testing.assert_array_equal(fewer.X_val, some.X_val[:3])
    assert fewer.X_test.shape == (0, 3, 32, 32)


def test_seeds_and_parts_differ(some):
    other = data.load_shapes(100, 0, 0, seed=1)
    firsts = [some.X_train[:100], some.X_train[250:350], some.X_val, some.X_test, other.X_train]
    assert len({first.tobytes() for first in firsts}) == len(firsts)


def test_classes_are_as_frequent_as_each_other(some):
    assert np.bincount(some.y_train[:500]).tolist() == [50] * 10
    assert (np.bincount(some.y_train[:100], minlength=10) > 2).all()  # and mixed


def test_nothing_is_drawn_from_numpys_global_generator():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must stay
    data.load_shapes(10, 0, 0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_the_full_range_of_brightness_is_used(some):
    assert some.X_train.min() == 0
    assert some.X_train.max() == 255
    assert 60 < some.X_train.mean() < 160


def test_every_figure_covers_enough_to_be_seen():
    rng = np.random.default_rng(0)
    for _ in range(4):
        labels = np.arange(250) % 10
        cover = shapes._coverage(rng, labels).sum(axis=(1, 2))
        assert cover.min() > 40  # of 1024 pixels
        assert cover.max() < 600


def test_courses_form():
    got = data.get_shapes_data(50, 20, 10, seed=3)
    raw = data.load_shapes(50, 20, 10, seed=3)
    assert list(got) == ["X_train", "y_train", "X_val", "y_val", "X_test", "y_test"]
    assert got["X_val"].dtype == np.float32
    np.testing.assert_array_equal(got["X_val"], (raw.X_val - raw.X_train.mean(axis=0)).astype(np.float32))
    np.testing.assert_array_equal(got["y_test"], raw.y_test)
    assert data.get_shapes_data(50, 0, 10)["X_val"].shape == (0, 3, 32, 32)
    plain = data.get_shapes_data(50, 20, 10, subtract_mean=False, seed=3, dtype=np.float64)
    np.testing.assert_array_equal(plain["X_test"], raw.X_test.astype(np.float64))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"num_training": -1}, ValueError, "num_training must not be negative, got -1"),
        ({"num_validation": 1.5}, TypeError, r"num_validation must be a whole number, got 1\.5"),
        ({"num_test": "9"}, TypeError, "num_test must be a whole number, got '9'"),
        ({"seed": -3}, ValueError, "seed must not be negative, got -3"),
        ({"seed": None}, TypeError, "seed must be a whole number, got None"),
    ],
)
def test_bad_arguments(options, error, text):
    with pytest.raises(error, match=text):
        data.load_shapes(**({"num_training": 1, "num_validation": 1, "num_test": 1} | options))


def linear_accuracy(train: int) -> float:
    """Of the best of some regularised least-squares classifiers, chosen on the test images in its favour."""
    split = data.get_shapes_data(train, 0, 1000)
    X, X_test = (split[key].reshape(len(split[key]), -1) / 60 for key in ("X_train", "X_test"))
    targets = np.eye(10, dtype=np.float32)[split["y_train"]] - np.float32(0.1)
    kernel, seen = X @ X.T, X_test @ X.T
    accuracies = []
    for strength in (3e3, 3e4):
        weights = np.linalg.solve(kernel + strength * np.eye(train, dtype=np.float32), targets)
        accuracies.append((np.argmax(seen @ weights, axis=1) == split["y_test"]).mean())
    return max(accuracies)


def test_a_linear_classifier_learns_something_and_not_enough():
    assert 0.2 < linear_accuracy(1000) < 0.5


@pytest.mark.slow
def test_a_small_convolutional_net_is_well_above_a_linear_classifier():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    linear = linear_accuracy(4000)
    split = data.get_shapes_data(10000, 0, 1000)
    X, y, X_test, y_test = (
        torch.from_numpy(split[key]) for key in ("X_train", "y_train", "X_test", "y_test")
    )
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 32, 5, padding=2), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(32 * 16 * 16, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10),
    )  # fmt: skip
    for parameter in net.parameters():  # as ThreeLayerConvNet begins
        torch.nn.init.normal_(parameter, 0, 1e-3 if parameter.dim() > 1 else 0)
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(3):
        for batch in torch.randperm(len(X)).split(100):
            adam.zero_grad()
            torch.nn.functional.cross_entropy(net(X[batch]), y[batch]).backward()
            adam.step()
    with torch.no_grad():
        accuracy = (net(X_test).argmax(dim=1) == y_test).double().mean().item()
    assert linear < 0.55
    assert accuracy > linear + 0.25
    assert accuracy > 0.75
