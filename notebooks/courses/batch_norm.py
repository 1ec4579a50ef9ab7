# ---
# ruff: noqa
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Batch norm, layer norm, group norm

# %% tags=["ucla"]
import time

import matplotlib.pyplot as plt
import numpy as np
from nndl import *
from nndl.conv_layers import *
from nndl.fc_net import *
from nndl.layers import *
from utils.data_utils import get_CIFAR10_data
from utils.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from utils.solver import Solver

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% tags=["stanford"]
import time

import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers.fc_net import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.solver import Solver

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% tags=["utah"]
import time

import matplotlib.pyplot as plt
import numpy as np
from cs6353.classifiers.fc_net import *
from cs6353.data_utils import get_CIFAR10_data
from cs6353.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs6353.solver import Solver

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2


# %%
def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def print_mean_std(x, axis=0):
    print("  means: ", x.mean(axis=axis))
    print("  stds:  ", x.std(axis=axis))


# %%
data = get_CIFAR10_data(num_training=80, num_validation=20, num_test=10)
for k, v in data.items():
    print("%s: " % k, v.shape)

# %% [markdown]
# ## Forward, in training

# %%
np.random.seed(231)
N, D1, D2, D3 = 200, 50, 60, 3
X = np.random.randn(N, D1)
a = np.maximum(0, X.dot(np.random.randn(D1, D2))).dot(np.random.randn(D2, D3))
print("Before batch normalization:")
print_mean_std(a)
a_norm, _ = batchnorm_forward(a, np.ones(D3), np.zeros(D3), {"mode": "train"})
print("After batch normalization (gamma=1, beta=0)")
print_mean_std(a_norm)
assert np.abs(a_norm.mean(axis=0)).max() < 1e-12 and np.abs(a_norm.std(axis=0) - 1).max() < 1e-6

# %%
# A gamma and a beta of whole numbers, as notebooks write them
gamma, beta = np.asarray([1, 2, 3]), np.asarray([11, 12, 13])
a_norm, _ = batchnorm_forward(a, gamma, beta, {"mode": "train"})
print_mean_std(a_norm)
assert np.abs(a_norm.mean(axis=0) - beta).max() < 1e-9 and np.abs(a_norm.std(axis=0) - gamma).max() < 1e-5

# %% [markdown]
# ## Forward, at test time

# %%
bn_param = {"mode": "train"}
for t in range(50):
    batchnorm_forward(4 * np.random.randn(200, 3) + 7, np.ones(3), np.zeros(3), bn_param)
bn_param["mode"] = "test"
a_norm, _ = batchnorm_forward(4 * np.random.randn(200, 3) + 7, np.ones(3), np.zeros(3), bn_param)
print("After batch normalization (test-time):")
print_mean_std(a_norm)
assert np.abs(a_norm.mean(axis=0)).max() < 0.5 and np.abs(a_norm.std(axis=0) - 1).max() < 0.3

# %% [markdown]
# ## Backward

# %%
np.random.seed(231)
N, D = 4, 5
x = 5 * np.random.randn(N, D) + 12
gamma, beta, dout = np.random.randn(D), np.random.randn(D), np.random.randn(N, D)


def check(forward, backward, x, dout, *settings):
    names = ["dx", "dgamma", "dbeta"]
    _, cache = forward(x, gamma, beta, *settings)
    for name, array, gradient in zip(names, [x, gamma, beta], backward(dout, cache)):
        numeric = eval_numerical_gradient_array(lambda _: forward(x, gamma, beta, *settings)[0], array, dout)
        print(f"{name} error: ", rel_error(numeric, gradient))


# You should expect relative errors between 1e-13 and 1e-8
check(batchnorm_forward, batchnorm_backward, x, dout, {"mode": "train"})
check(batchnorm_forward, batchnorm_backward_alt, x, dout, {"mode": "train"})
check(layernorm_forward, layernorm_backward, x, dout, {"mode": "train"})

# %%
x = 5 * np.random.randn(100, 50) + 12
gamma, beta, dout = np.random.randn(50), np.random.randn(50), np.random.randn(100, 50)
_, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
t1 = time.time()
one = batchnorm_backward(dout, cache)
t2 = time.time()
other = batchnorm_backward_alt(dout, cache)
t3 = time.time()
for name, a, b in zip(["dx", "dgamma", "dbeta"], one, other):
    # Differences should be less than 1e-12
    print(f"{name} difference: ", rel_error(a, b))
print("speedup: %.2fx" % ((t2 - t1) / (t3 - t2 + 1e-9)))

# %% [markdown]
# ## Layer norm looks along the other axis

# %%
a = 3 * np.random.randn(4, 50) + 8
a_norm, _ = layernorm_forward(a, np.ones(50), np.zeros(50), {"mode": "train"})
print_mean_std(a_norm, axis=1)
assert np.abs(a_norm.mean(axis=1)).max() < 1e-12

# %% [markdown]
# ## For images

# %%
np.random.seed(231)
N, C, H, W = 2, 3, 4, 5
x = 4 * np.random.randn(N, C, H, W) + 10
gamma, beta = np.asarray([3, 4, 5]), np.asarray([6, 7, 8])
out, _ = spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})
print("After spatial batch normalization (nontrivial gamma, beta):")
print("  Shape: ", out.shape)
print_mean_std(out, axis=(0, 2, 3))
assert np.abs(out.mean(axis=(0, 2, 3)) - beta).max() < 1e-9

# %%
gamma, beta, dout = np.random.randn(C), np.random.randn(C), np.random.randn(N, C, H, W)
# You should expect errors of magnitudes between 1e-12 and 1e-6
check(spatial_batchnorm_forward, spatial_batchnorm_backward, x, dout, {"mode": "train"})

# %%
N, C, G = 2, 6, 2
x = 5 * np.random.randn(N, C, H, W) + 12
out, _ = spatial_groupnorm_forward(x, np.ones((1, C, 1, 1)), np.zeros((1, C, 1, 1)), G, {"mode": "train"})
print("After spatial group normalization:")
print_mean_std(out.reshape(N * G, -1), axis=1)
gamma, beta = np.random.randn(1, C, 1, 1), np.random.randn(1, C, 1, 1)
dout = np.random.randn(N, C, H, W)
# You should expect errors of magnitudes between 1e-12 and 1e-6
check(spatial_groupnorm_forward, spatial_groupnorm_backward, x, dout, G, {})

# %% [markdown]
# ## Nets with norms

# %%
np.random.seed(231)
N, D, H1, H2, C = 2, 6, 8, 9, 10
X = np.random.randn(N, D)
y = np.random.randint(C, size=(N,))

# %%
for reg in [0, 3.14]:
    print("Running check with reg = ", reg)
    # Before 2018 the setting was called use_batchnorm; both are understood.
    model = FullyConnectedNet(
        [H1, H2], input_dim=D, num_classes=C, reg=reg, weight_scale=5e-2, dtype=np.float64, use_batchnorm=True
    )
    loss, grads = model.loss(X, y)
    print("Initial loss: ", loss)
    assert loss > (2.5 if reg else 1.5)
    # You should expect errors between 1e-4 and 1e-10, except for b1 and b2, whose gradients are zero
    for name in sorted(set(grads) - {"b1", "b2"}):
        numeric = eval_numerical_gradient(
            lambda _: model.loss(X, y)[0], model.params[name], verbose=False, h=1e-5
        )
        print("%s relative error: %.2e" % (name, rel_error(numeric, grads[name])))

# %% tags=["stanford"]
for normalization in ["batchnorm", "layernorm", None]:
    model = FullyConnectedNet([H1, H2], input_dim=D, num_classes=C, normalization=normalization)
    print(normalization, model.loss(X, y)[0])

# %%
solvers = {}
for use_batchnorm in [True, False]:
    model = FullyConnectedNet([50, 50, 50], weight_scale=2e-2, use_batchnorm=use_batchnorm)
    solver = Solver(
        model,
        data,
        num_epochs=4,
        batch_size=20,
        update_rule="adam",
        optim_config={"learning_rate": 1e-3},
        verbose=True,
        print_every=20,
    )
    solver.train()
    solvers[use_batchnorm] = solver

# %%
for use_batchnorm, solver in solvers.items():
    plt.plot(solver.loss_history, "o", label="batch norm" if use_batchnorm else "baseline")
plt.legend()
plt.show()
assert solvers[True].loss_history[-1] < solvers[True].loss_history[0]
