# ---
# ruff: noqa
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # The layers of a convolutional net
#
# As a course has it. Cells with the tag `ucla`, `stanford` or `utah` belong to that course alone.

# %% tags=["ucla"]
from time import time

import matplotlib.pyplot as plt
import numpy as np
from nndl.conv_layer_utils import *
from nndl.conv_layers import *
from utils.data_utils import get_CIFAR10_data
from utils.fast_layers import *
from utils.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from utils.solver import Solver

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% tags=["stanford"]
from google.colab import drive

drive.mount("/content/drive")
FOLDERNAME = None
assert FOLDERNAME is not None, "[!] Enter the foldername."

# %% tags=["stanford"]
from time import time

import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers.cnn import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.fast_layers import *
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.layer_utils import *
from cs231n.layers import *
from cs231n.solver import Solver

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% tags=["utah"]
from time import time

import matplotlib.pyplot as plt
import numpy as np
from cs6353.classifiers.cnn import *
from cs6353.data_utils import get_CIFAR10_data
from cs6353.fast_layers import *
from cs6353.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs6353.layer_utils import *
from cs6353.layers import *
from cs6353.solver import Solver

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2


# %%
def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def errors(forward, backward, names, arrays, *settings):
    """Print the error of each gradient that a layer's backward pass gives."""
    out, cache = forward(*arrays, *settings)
    dout = np.random.randn(*out.shape)
    found = backward(dout, cache)
    for name, array, gradient in zip(names, arrays, found if isinstance(found, tuple) else (found,)):
        numeric = eval_numerical_gradient_array(lambda _: forward(*arrays, *settings)[0], array, dout)
        print(f"d{name} error: ", rel_error(numeric, gradient))


# %% [markdown]
# ## Convolution, by loops
#
# The sum over a window of ones, with ones as the filter, counts the pixels that the window covers.

# %%
x = np.ones((1, 1, 4, 4))
w = np.ones((1, 1, 3, 3))
out, _ = conv_forward_naive(x, w, np.zeros(1), {"stride": 1, "pad": 1})
counts = np.array([[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]], dtype=np.float64)

# The difference should be less than 1e-12
print("difference: ", rel_error(out[0, 0], counts))

# %%
np.random.seed(231)
x = np.random.randn(3, 2, 5, 6)
w = np.random.randn(2, 2, 3, 3)
b = np.random.randn(2)
# An integral float is as good as an int, and what course code writes for an odd filter.
conv_param = {"stride": 2, "pad": (3 - 1) / 2}

# Your errors should be around 1e-8 or less
errors(conv_forward_naive, conv_backward_naive, "xwb", [x, w, b], conv_param)

# %% [markdown]
# ## An image and two filters
#
# Grey, and horizontal edges in blue, brought up to the middle of the scale by a bias of whole numbers.

# %%
image = np.zeros((1, 3, 12, 12))
image[0, :, 6:] = 200
w = np.zeros((2, 3, 3, 3))
w[0, :, 1, 1] = [0.3, 0.6, 0.1]
w[1, 2] = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
b = np.array([0, 128])
out, _ = conv_forward_naive(image, w, b, {"stride": 1, "pad": 1})
print("grey below: ", out[0, 0, 8, 5], " edge: ", out[0, 1, 5, 5], " no edge: ", out[0, 1, 2, 5])
assert abs(out[0, 0, 8, 5] - 200) < 1e-9
assert out[0, 1, 5, 5] == 128 - 800
assert out[0, 1, 2, 5] == 128

# %% [markdown]
# ## Max-pool, by loops

# %%
x = np.linspace(-0.3, 0.4, num=2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
pool_param = {"pool_width": 2, "pool_height": 2, "stride": 2}
out, _ = max_pool_forward_naive(x, pool_param)

# The values rise, so the last corner of each window is its maximum; the difference should be less than 1e-12
print("difference: ", rel_error(out, x[:, :, 1::2, 1::2]))

x = np.random.randn(2, 2, 6, 6)
# Your error should be around 1e-10
errors(max_pool_forward_naive, max_pool_backward_naive, "x", [x], pool_param)

# %% [markdown]
# ## The fast layers, with nothing to build
#
# Windows may overlap here, and strides need not divide.

# %%
np.random.seed(231)
x = np.random.randn(4, 3, 11, 11)
w = np.random.randn(5, 3, 3, 3)
b = np.random.randn(5)
for conv_param in ({"stride": 2, "pad": 1}, {"stride": 3, "pad": 0}):
    t0 = time()
    naive, naive_cache = conv_forward_naive(x, w, b, conv_param)
    t1 = time()
    fast, fast_cache = conv_forward_fast(x, w, b, conv_param)
    t2 = time()
    dout = np.random.randn(*naive.shape)
    # Differences should be around 1e-9 or less
    print("speedup: %fx" % ((t1 - t0) / (t2 - t1 + 1e-7)))
    print("out difference: ", rel_error(naive, fast))
    gradients = conv_backward_naive(dout, naive_cache), conv_backward_fast(dout, fast_cache)
    for name, one, other in zip("xwb", *gradients):
        print(f"d{name} difference: ", rel_error(one, other))

# %%
for conv_forward, conv_backward in (
    (conv_forward_im2col, conv_backward_im2col),
    (conv_forward_strides, conv_backward_strides),
):
    out, cache = conv_forward(x, w, b, conv_param)
    # These are other names of the same layer: the difference should be less than 1e-12
    print("difference: ", rel_error(out, fast))
    for one, other in zip(conv_backward(dout, cache), gradients[1]):
        print("difference: ", rel_error(one, other))

# %%
for pool_param in (
    {"pool_height": 2, "pool_width": 2, "stride": 2},
    {"pool_height": 3, "pool_width": 2, "stride": 1},
):
    naive, naive_cache = max_pool_forward_naive(x, pool_param)
    dout = np.random.randn(*naive.shape)
    dx = max_pool_backward_naive(dout, naive_cache)
    for pool_forward, pool_backward in (
        (max_pool_forward_fast, max_pool_backward_fast),
        (max_pool_forward_reshape, max_pool_backward_reshape),
        (max_pool_forward_im2col, max_pool_backward_im2col),
    ):
        out, cache = pool_forward(x, pool_param)
        # The difference should be less than 1e-12
        print("difference: ", rel_error(out, naive))
        print("dx difference: ", rel_error(pool_backward(dout, cache), dx))

# %% [markdown]
# ## Windows as columns

# %% tags=["ucla"]
from utils.im2col import col2im_indices, get_im2col_indices, im2col_indices

# %% tags=["stanford"]
from cs231n.im2col import col2im_indices, get_im2col_indices, im2col_indices

# %% tags=["utah"]
from cs6353.im2col import col2im_indices, get_im2col_indices, im2col_indices

# %%
x = np.random.randn(2, 3, 5, 5)
w = np.random.randn(4, 3, 3, 3)
k, i, j = get_im2col_indices(x.shape, 3, 3, padding=1, stride=2)
columns = im2col_indices(x, 3, 3, padding=1, stride=2)
product = w.reshape(4, -1).dot(columns).reshape(4, 3, 3, 2).transpose(3, 0, 1, 2)
out, _ = conv_forward_fast(x, w, np.zeros(4), {"stride": 2, "pad": 1})
# The differences should be less than 1e-9
print("convolution difference: ", rel_error(product, out))
y = np.random.randn(*columns.shape)
back = col2im_indices(y, x.shape, 3, 3, padding=1, stride=2)
print("adjoint difference: ", rel_error(np.sum(columns * y), np.sum(x * back)))
assert columns.shape == (len(k), i.shape[1] * len(x)) and i.shape == j.shape

# %% [markdown]
# ## Sandwiches

# %%
np.random.seed(231)
x = np.random.randn(2, 3, 6, 6)
w = np.random.randn(3, 3, 3, 3)
b = np.random.randn(3)
gamma, beta = np.random.randn(3), np.random.randn(3)
conv_param = {"stride": 1, "pad": 1}
pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
arrays = [x, w, b]

# Errors should be around 1e-6 or less
errors(conv_relu_forward, conv_relu_backward, "xwb", arrays, conv_param)
errors(conv_relu_pool_forward, conv_relu_pool_backward, "xwb", arrays, conv_param, pool_param)

# %%
arrays = [x, w, b, gamma, beta]
names = ["x", "w", "b", "gamma", "beta"]
bn_param = {"mode": "train"}


# Errors should be around 1e-6 or less; the gradient of b is zero but for rounding, since batch norm takes b out
def without_b(forward, backward, *settings):
    out, cache = forward(*arrays, *settings)
    dout = np.random.randn(*out.shape)
    for name, array, gradient in zip(names, arrays, backward(dout, cache)):
        if name != "b":
            numeric = eval_numerical_gradient_array(lambda _: forward(*arrays, *settings)[0], array, dout)
            print(f"d{name} error: ", rel_error(numeric, gradient))


without_b(conv_bn_relu_forward, conv_bn_relu_backward, conv_param, bn_param)
without_b(conv_batchnorm_relu_forward, conv_batchnorm_relu_backward, conv_param, bn_param)
without_b(conv_bn_relu_pool_forward, conv_bn_relu_pool_backward, conv_param, bn_param, pool_param)
without_b(
    conv_batchnorm_relu_pool_forward, conv_batchnorm_relu_pool_backward, conv_param, bn_param, pool_param
)

# %% [markdown]
# ## One's own layer beside Handgrad's
#
# The caches unpack as the course's do.


# %%
def my_relu_backward(dout, cache):
    x = cache
    return dout * (x > 0)


out, cache = conv_relu_pool_forward(x, w, b, conv_param, pool_param)
conv_cache, relu_cache, pool_cache = cache
dout = np.random.randn(*out.shape)
mine = conv_backward_fast(my_relu_backward(max_pool_backward_fast(dout, pool_cache), relu_cache), conv_cache)
for name, one, other in zip("xwb", mine, conv_relu_pool_backward(dout, cache)):
    # Should be less than 1e-12
    print(f"d{name} difference: ", rel_error(one, other))

# %%
plt.imshow(out[0, 0])
plt.title("a pooled map")
plt.show()
