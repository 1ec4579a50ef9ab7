"""Gradient checks, columns, grids, images and data files of the courses, against closed forms and PyTorch."""

# ruff: noqa: NPY002 - courses draw from the global generator

from __future__ import annotations

import importlib
import io
import os
import pickle
import random
import re

import numpy as np
import pytest
import torch
from PIL import Image

from handgrad import courses
from handgrad.courses import CourseNote, cells, data_utils, gradient_check, im2col, image_utils, vis_utils
from handgrad.courses.layer_tests import layer_tests
from handgrad.courses.standins import Standins
from handgrad.data import UnsafePickleError
from handgrad.layers import relu_backward, relu_forward


def test_eval_numerical_gradient(capsys):
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    gradient = gradient_check.eval_numerical_gradient(lambda x: np.sum(x**3), x)
    np.testing.assert_allclose(gradient, 3 * x**2, rtol=1e-8)
    np.testing.assert_array_equal(x, before)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(") ")[0] for line in lines] == ["(0, 0", "(0, 1", "(1, 0", "(1, 1"]
    gradient_check.eval_numerical_gradient(np.sum, x, verbose=False, h=1e-3)
    assert capsys.readouterr().out == ""


def test_eval_numerical_gradient_puts_x_back_after_an_error():
    x = np.ones(2)
    with pytest.raises(ZeroDivisionError):
        gradient_check.eval_numerical_gradient(lambda x: 1 / 0, x)
    np.testing.assert_array_equal(x, np.ones(2))


def test_eval_numerical_gradient_array_of_a_result_that_is_reused():
    x, df, out = np.array([1.0, 2.0]), np.array([3.0, 5.0]), np.zeros(2)
    gradient = gradient_check.eval_numerical_gradient_array(lambda x: np.multiply(x, x, out=out), x, df)
    np.testing.assert_allclose(gradient, 2 * x * df, rtol=1e-8)


def test_blobs_and_net():
    class Blob:
        def __init__(self, vals, diffs):
            self.vals, self.diffs = vals, diffs

    a, b = Blob(np.array([1.0, 2.0]), np.zeros(2)), Blob(np.array([3.0, 4.0]), np.zeros(2))
    out = Blob(np.zeros(2), np.array([1.0, -1.0]))

    def f(a, b, out):
        out.vals[:] = a.vals * b.vals

    class Net:
        def forward(self):
            f(a, b, out)

    for da, db in (
        gradient_check.eval_numerical_gradient_blobs(f, (a, b), out),
        gradient_check.eval_numerical_gradient_net(Net(), (a, b), out),
    ):
        np.testing.assert_allclose(da, [3, -4], rtol=1e-8)
        np.testing.assert_allclose(db, [1, -2], rtol=1e-8)


def test_grad_check_sparse_prints_its_lines(capsys):
    random.seed(0)
    x = np.array([2.0])
    gradient_check.grad_check_sparse(lambda x: np.sum(x**2), x, np.array([4.0]), num_checks=1)
    gradient_check.grad_check_sparse(lambda x: 0.0, x, np.array([0.0]), num_checks=1)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("numerical: 4.000000 analytic: 4.000000, relative error: ")
    assert second == "numerical: 0.000000 analytic: 0.000000, relative error: 0.000000e+00"


@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 0), (3, 1)])
def test_columns_are_pytorch_s_in_the_courses_order(stride, padding):
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 5))
    columns = im2col.im2col_indices(x, 3, 2, padding, stride)
    unfolded = torch.nn.functional.unfold(torch.tensor(x), (3, 2), padding=padding, stride=stride).numpy()
    np.testing.assert_array_equal(columns, unfolded.transpose(1, 2, 0).reshape(18, -1))
    folded = torch.nn.functional.fold(
        torch.tensor(unfolded), (6, 5), (3, 2), padding=padding, stride=stride
    ).numpy()
    np.testing.assert_allclose(
        im2col.col2im_indices(columns, x.shape, 3, 2, padding, stride), folded, rtol=1e-12
    )


def test_columns_of_a_window_that_does_not_fit():
    with pytest.raises(ValueError, match="must fit into the padded image"):
        im2col.im2col_indices(np.zeros((1, 1, 2, 2)), 5, 5, padding=1)


def test_visualize_grid():
    Xs = np.zeros((5, 2, 3, 1), np.float32)
    Xs[1:, 0, 0] = [[1], [2], [3], [4]]
    grid = vis_utils.visualize_grid(Xs, ubound=100.0, padding=2)
    assert grid.shape == (10, 13, 1)
    assert grid[0, 0] == 0  # an image of one value, where the courses divide by zero
    assert [grid[0, 5, 0], grid[0, 10, 0], grid[4, 0, 0], grid[4, 5, 0]] == [100.0] * 4
    assert grid.sum() == 400


def test_vis_grid_and_vis_nn():
    images = np.arange(3, dtype=float).reshape(3, 1, 1, 1) * np.ones((3, 2, 2, 3))
    grid = vis_utils.vis_grid(images)
    assert grid.shape == (6, 6, 3)
    assert [grid[0, 0, 0], grid[0, 3, 0], grid[3, 0, 0], grid[3, 3, 0], grid[2, 0, 0]] == [0, 0.5, 1, 0, 0]
    rows = vis_utils.vis_nn([images, images[::-1]])
    assert rows.shape == (6, 9, 3)
    assert [rows[0, 6, 0], rows[3, 0, 0], rows[2, 0, 0]] == [1, 1, 0.5]


def test_images(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    np.testing.assert_array_equal(image_utils.load_image(tmp_path / "a.png"), image)
    assert image_utils.load_image(tmp_path / "a.png", size=4).shape == (4, 6, 3)
    assert image_utils.imresize(image, 50).shape == (3, 4, 3)
    assert image_utils.imresize(image, 2.0).shape == (12, 18, 3)
    np.testing.assert_array_equal(image_utils.deprocess_image(image_utils.preprocess_image(image)), image)
    stretched = image_utils.deprocess_image(image_utils.preprocess_image(image // 4 + 9), rescale=True)
    assert (stretched.min(), stretched.max()) == (0, 255)
    np.testing.assert_array_equal(image_utils.image_from_url((tmp_path / "a.png").as_uri()), image)


def test_an_address_that_fails_is_printed(capsys):
    assert image_utils.image_from_url("file:///there/is/no.png") is None
    assert capsys.readouterr().out.startswith("URL Error: ")


def test_blur_keeps_the_mean_and_the_dtype():
    X = np.random.default_rng(0).standard_normal((2, 3, 5, 5)).astype(np.float32)
    blurred = image_utils.blur_image(X)
    assert blurred.dtype == np.float32
    weights = np.array([[1, 2, 1], [2, 188, 2], [1, 2, 1]]) / 200
    np.testing.assert_allclose(blurred[1, 2, 2, 2], np.sum(weights * X[1, 2, 1:4, 1:4]), rtol=1e-5)


def test_cifar10_as_the_courses_load_it(cifar10, here):
    root = cifar10 / "cifar-10-batches-py"
    X_train, y_train, X_test, y_test = data_utils.load_CIFAR10(root)
    assert X_train.shape == (100, 32, 32, 3)
    assert X_test.shape == (20, 32, 32, 3)
    assert X_train.dtype == np.float64
    assert y_train.dtype == y_test.dtype == np.int64
    X, y = data_utils.load_CIFAR_batch(os.fspath(root / "data_batch_2"))
    np.testing.assert_array_equal(X, X_train[20:40])
    np.testing.assert_array_equal(y, y_train[20:40])
    with open(root / "data_batch_2", "rb") as f:
        raw = data_utils.load_pickle(f)
    assert set(raw) == {"batch_label", "labels", "data", "filenames"}
    assert raw["filenames"][0] == "image_0.png"
    np.testing.assert_array_equal(raw["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), X)


def test_cifar10_from_elsewhere_when_the_notebooks_folder_is_not_there(cifar10, here):
    courses.enable("ucla")
    with pytest.warns(CourseNote, match="'../cifar-10-batches-py' does not exist"):
        X, *_ = data_utils.load_CIFAR10("../cifar-10-batches-py")
    assert len(X) == 100


@pytest.mark.parametrize("module", ["utils.data_utils", "cs231n.data_utils", "cs6353.data_utils"])
def test_six_arrays(module, cifar10, here):
    courses.enable({"utils": "ucla", "cs231n": "stanford", "cs6353": "utah"}[module.partition(".")[0]])
    get = importlib.import_module(module).get_CIFAR10_data
    data = get(60, 30, num_test=5)
    X, *_ = data_utils.load_CIFAR10(cifar10 / "cifar-10-batches-py")
    mean = X[:60].mean(axis=0)
    np.testing.assert_allclose(data["X_val"], (X[60:90] - mean).transpose(0, 3, 1, 2), rtol=1e-12, atol=1e-12)
    assert data["X_train"].dtype == np.float64
    assert data["X_test"].shape == (5, 3, 32, 32)
    raw = get(60, 30, 5, subtract_mean=False)
    np.testing.assert_array_equal(raw["X_train"], X[:60].transpose(0, 3, 1, 2))


def test_a_pickle_that_would_run_something_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, ("touch ran",)

    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({"data": Evil()}))
    with open(tmp_path / "data_batch_1", "rb") as f, pytest.raises(UnsafePickleError):
        data_utils.load_pickle(f)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(TypeError, match="f must be an open file of the disk, got BytesIO"):
        data_utils.load_pickle(io.BytesIO(b""))


def test_layer_tests_print_small_errors(capsys):
    with courses.enable("ucla"):
        tests = importlib.import_module("nndl.layer_tests")
    np.random.seed(0)
    layers = ["affine_forward", "affine_backward", "relu_forward", "relu_backward", "affine_relu"]
    for name in [*layers, "svm_loss", "softmax_loss", "fc_net"]:
        getattr(tests, f"{name}_test")()
    printed = capsys.readouterr().out
    errors = [error for _, error in cells.printed_errors(printed)]
    assert len(errors) == 1 + 3 + 1 + 1 + 3 + 1 + 1 + 12
    assert max(errors[:11]) < 1e-6
    # A net's weights may stand so near a kink that differences are off; not most of them.
    assert np.median(errors[11:]) < 1e-5
    losses = [
        float(line.rpartition(": ")[2]) for line in printed.splitlines() if re.match("loss: |Initial", line)
    ]
    assert [round(loss, 1) for loss in losses[:3]] == [9.0, 2.3, 2.3]
    assert losses[3] > 5


def test_layer_tests_tell_a_wrong_layer(capsys):
    wrong = {
        "relu_forward": lambda x: (np.abs(x), x),
        "relu_backward": lambda dout, x: 2 * relu_backward(dout, x),
    }
    layer_tests(wrong)["relu_forward_test"]()
    layer_tests(wrong | {"relu_forward": relu_forward})["relu_backward_test"]()
    (_, first), (_, second) = cells.printed_errors(capsys.readouterr().out)
    assert first == 1.0
    assert second > 0.3


def test_image_readers_of_packages_that_are_gone(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "kitten.png")
    finder = Standins()
    for name in ("imageio.v2", "scipy.misc"):
        spec = finder.find_spec(name)
        module = importlib.util.module_from_spec(spec)
        courses.enable("utah")
        with pytest.warns(CourseNote, match=f"{name} is not installed"):
            spec.loader.exec_module(module)
        np.testing.assert_array_equal(module.imread(tmp_path / "kitten.png"), image)
    assert finder.find_spec("scipy.linalg") is None
