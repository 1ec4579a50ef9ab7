"""Every import name of the courses resolves while its course is enabled, and none at any other time."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from handgrad import courses
from handgrad.courses.tables import COURSES

BASIC = ["affine", "relu", "batchnorm", "layernorm", "dropout"]
BOTH = ("forward", "backward")
LAYERS = [f"{name}_{way}" for name in BASIC for way in BOTH] + [
    "batchnorm_backward_alt",
    "svm_loss",
    "softmax_loss",
]
NAIVE = [f"{name}_{way}_naive" for name in ("conv", "max_pool") for way in BOTH]
SPATIAL = [f"spatial_{name}_{way}" for name in ("batchnorm", "groupnorm") for way in BOTH]
FAST = [f"conv_{way}_{how}" for way in BOTH for how in ("fast", "im2col", "strides")] + [
    f"max_pool_{way}_{how}" for way in BOTH for how in ("fast", "reshape", "im2col")
]
AFFINE = [f"affine_{middle}relu_{way}" for middle in ("", "bn_", "batchnorm_") for way in BOTH]
CONV = [f"conv_{name}_{way}" for name in ("relu", "relu_pool", "bn_relu", "batchnorm_relu") for way in BOTH]
TOOLS = {
    "data_utils": ["load_pickle", "load_CIFAR_batch", "load_CIFAR10", "get_CIFAR10_data"],
    "gradient_check": [
        "eval_numerical_gradient", "eval_numerical_gradient_array", "eval_numerical_gradient_blobs",
        "eval_numerical_gradient_net", "grad_check_sparse",
    ],
    "solver": ["Solver"],
    "fast_layers": FAST,
    "vis_utils": ["visualize_grid", "vis_grid", "vis_nn"],
    "im2col": ["get_im2col_indices", "im2col_indices", "col2im_indices"],
}  # fmt: skip
RULES = ["sgd", "sgd_momentum", "rmsprop", "adam"]
IMAGES = [
    "blur_image",
    "preprocess_image",
    "deprocess_image",
    "image_from_url",
    "load_image",
    "SQUEEZENET_MEAN",
]
TESTED = ["affine_forward", "affine_backward", "relu_forward", "relu_backward", "affine_relu", "fc_net"]
TESTS = [f"{name}_test" for name in [*TESTED, "svm_loss", "softmax_loss"]]


def tools(root):
    return {f"{root}.{module}": names for module, names in TOOLS.items()}


def assignments(root):
    return tools(root) | {
        f"{root}.layers": LAYERS + NAIVE + SPATIAL,
        f"{root}.layer_utils": AFFINE + CONV + LAYERS + FAST,
        f"{root}.optim": RULES,
        f"{root}.classifiers.cnn": ["ThreeLayerConvNet", *LAYERS, *FAST, *CONV],
        f"{root}.classifiers.fc_net": ["TwoLayerNet", "FullyConnectedNet", *LAYERS, *AFFINE],
    }


NAMES = {
    "ucla": tools("utils")
    | tools("cs231n")
    | {
        "nndl": ["FullyConnectedNet", "ThreeLayerConvNet", *LAYERS],
        "nndl.layers": LAYERS,
        "nndl.layer_utils": AFFINE + LAYERS,
        "nndl.conv_layers": NAIVE + SPATIAL + LAYERS,
        "nndl.conv_layer_utils": CONV,
        "nndl.cnn": ["ThreeLayerConvNet", *LAYERS, *FAST, *CONV],
        "nndl.fc_net": ["TwoLayerNet", "FullyConnectedNet", *LAYERS],
        "nndl.optim": [*RULES, "sgd_nesterov_momentum"],
        "nndl.layer_tests": TESTS,
        "nndl.neural_net": ["TwoLayerNet"],
    },
    "stanford": assignments("cs231n")
    | {
        "cs231n.image_utils": IMAGES,
        "cs231n.classifiers": ["ThreeLayerConvNet", "FullyConnectedNet"],
        "cs231n.classifiers.neural_net": ["TwoLayerNet"],
    },
    "utah": assignments("cs6353") | {"cs6353.classifiers.convnet": ["ThreeLayerConvNet"]},
}
NAMES["stanford-2017"] = NAMES["stanford"]
MODULES = [(course, module) for course, modules in NAMES.items() for module in modules]


@pytest.mark.parametrize(("course", "module"), MODULES)
def test_star_import_gives_the_names(course, module):
    space: dict = {}
    with courses.enable(course):
        exec(f"from {module} import *", space)
    missing = set(NAMES[course][module]) - set(space)
    assert not missing
    assert space["np"].__name__ == "numpy"  # the courses' modules leave it to those who import all


@pytest.mark.parametrize("course", NAMES)
def test_names_are_absent_before_and_after(course):
    modules = list(NAMES[course])
    courses.enable(course)
    for module in modules:
        importlib.import_module(module)
    courses.disable()
    for module in modules:
        with pytest.raises(ModuleNotFoundError, match=f"No module named '{module.partition('.')[0]}"):
            importlib.import_module(module)


def test_the_table_holds_no_module_that_no_course_has():
    for name, course in COURSES.items():
        packages = {"cs231n", "utils", "cs6353", "cs6353.classifiers"}
        assert set(course.modules) - packages <= set(NAMES[name])


def test_submodules_are_attributes_of_their_package():
    with courses.enable("stanford"):
        from cs231n import optim
        from cs231n.classifiers import cnn

        assert cnn.ThreeLayerConvNet.__name__ == "ThreeLayerConvNet"
        assert optim is sys.modules["cs231n.optim"]


def test_another_part_of_a_course_is_an_error_that_says_so():
    sentence = "Handgrad has no 'cs231n.rnn_layers' for the course 'stanford'; did you mean 'cs231n.layers'?"
    with courses.enable("stanford"), pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("cs231n.rnn_layers")
    assert str(caught.value) == sentence


def test_importing_handgrad_enables_nothing():
    program = """
import importlib.util
import handgrad.courses
print([importlib.util.find_spec(name) for name in ("nndl", "cs231n", "cs6353")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[None, None, None]"
