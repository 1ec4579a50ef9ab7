# ---
# ruff: noqa
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Update rules
#
# The expected numbers are the rules written out for one entry after another, in plain Python.

# %% tags=["ucla"]
import matplotlib.pyplot as plt
import numpy as np
from nndl.fc_net import *
from nndl.optim import adam, rmsprop, sgd, sgd_momentum, sgd_nesterov_momentum
from utils.data_utils import get_CIFAR10_data
from utils.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from utils.solver import Solver

# %matplotlib inline

FIRST, SECOND, SQUARES = "v", "a", "a"

# %% tags=["stanford"]
import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers.fc_net import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.optim import adam, rmsprop, sgd, sgd_momentum
from cs231n.solver import Solver

# %matplotlib inline

FIRST, SECOND, SQUARES = "m", "v", "cache"

# %% tags=["utah"]
import matplotlib.pyplot as plt
import numpy as np
from cs6353.classifiers.fc_net import *
from cs6353.data_utils import get_CIFAR10_data
from cs6353.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs6353.optim import adam, rmsprop, sgd, sgd_momentum
from cs6353.solver import Solver

# %matplotlib inline

FIRST, SECOND, SQUARES = "m", "v", "cache"


# %%
def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def one_by_one(rule, *arrays):
    """Apply a rule to numbers instead of arrays."""
    results = [rule(*numbers) for numbers in zip(*(array.ravel().tolist() for array in arrays))]
    return [np.array(column).reshape(arrays[0].shape) for column in zip(*results)]


N, D = 4, 5
w = np.linspace(-0.4, 0.6, num=N * D).reshape(N, D)
dw = np.linspace(-0.6, 0.4, num=N * D).reshape(N, D)
v = np.linspace(0.6, 0.9, num=N * D).reshape(N, D)
a = np.linspace(0.7, 0.5, num=N * D).reshape(N, D)

# %% [markdown]
# ## Gradient descent and momentum

# %%
config = {"learning_rate": 1e-3, "nothing": "that the rule knows"}
next_w, _ = sgd(w, dw, config)
# Relative errors should be less than 1e-12
print("next_w error: ", rel_error(next_w, w - 1e-3 * dw))

# %%
config = {"learning_rate": 1e-3, "velocity": v}
next_w, _ = sgd_momentum(w, dw, config=config)
expected_w, expected_v = one_by_one(lambda w, g, v: (w + 0.9 * v - 1e-3 * g, 0.9 * v - 1e-3 * g), w, dw, v)
# Relative errors should be less than 1e-12
print("next_w error: ", rel_error(next_w, expected_w))
print("velocity error: ", rel_error(config["velocity"], expected_v))
assert abs(next_w[0, 0] - 0.1406) < 1e-12 and abs(next_w[-1, -1] - 1.4096) < 1e-12

# %% tags=["ucla"]
config = {"learning_rate": 1e-3, "velocity": v}
next_w, _ = sgd_nesterov_momentum(w, dw, config=config)
expected_w, expected_v = one_by_one(
    lambda w, g, v: (w + 0.9 * (0.9 * v - 1e-3 * g) - 1e-3 * g, 0.9 * v - 1e-3 * g), w, dw, v
)
# Relative errors should be less than 1e-12
print("next_w error: ", rel_error(next_w, expected_w))
print("velocity error: ", rel_error(config["velocity"], expected_v))
assert abs(next_w[0, 0] - 0.08714) < 1e-12 and abs(next_w[-1, -1] - 1.32824) < 1e-12

# %% [markdown]
# ## RMSprop and Adam

# %%
config = {"learning_rate": 1e-2, SQUARES: v}
next_w, _ = rmsprop(w, dw, config=config)


def one(w, g, s):
    s = 0.99 * s + 0.01 * g * g
    return w - 1e-2 * g / (s**0.5 + 1e-8), s


expected_w, expected_s = one_by_one(one, w, dw, v)
# Relative errors should be less than 1e-12
print("next_w error: ", rel_error(next_w, expected_w))
print("cache error: ", rel_error(config[SQUARES], expected_s))
assert abs(next_w[0, 0] + 0.39223849) < 1e-8 and abs(config[SQUARES][0, 0] - 0.5976) < 1e-12

# %%
config = {"learning_rate": 1e-2, FIRST: v, SECOND: a, "t": 5}
next_w, _ = adam(w, dw, config=config)


def one(w, g, m, s):
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
    return w - 1e-2 * (m / (1 - 0.9**6)) / ((s / (1 - 0.999**6)) ** 0.5 + 1e-8), m, s


expected_w, expected_m, expected_s = one_by_one(one, w, dw, v, a)
# Relative errors should be less than 1e-12
print("next_w error: ", rel_error(next_w, expected_w))
print("second moment error: ", rel_error(config[SECOND], expected_s))
print("first moment error: ", rel_error(config[FIRST], expected_m))
assert config["t"] == 6 and abs(next_w[0, 0] + 0.40094747) < 1e-8
assert abs(config[FIRST][0, 0] - 0.48) < 1e-12 and abs(config[SECOND][0, 0] - 0.69966) < 1e-12

# %% [markdown]
# ## They train

# %%
data = get_CIFAR10_data(num_training=80, num_validation=20, num_test=10)
learning_rates = {"sgd": 1e-2, "sgd_momentum": 1e-2, "rmsprop": 1e-4, "adam": 1e-3}
# Types that NumPy no longer has a name for are read as what they were.
epochs = np.int(3)

# %% tags=["ucla"]
learning_rates["sgd_nesterov_momentum"] = 1e-2

# %%
for update_rule, learning_rate in learning_rates.items():
    print("Running with ", update_rule)
    model = FullyConnectedNet([30, 30], weight_scale=5e-2)
    solver = Solver(
        model,
        data,
        num_epochs=epochs,
        batch_size=20,
        update_rule=update_rule,
        optim_config={"learning_rate": learning_rate},
        lr_decay=0.95,
        verbose=True,
    )
    solver.train()
    plt.plot(solver.loss_history, label=update_rule)
    assert np.isfinite(solver.loss_history).all() and len(solver.val_acc_history) == 1 + epochs
plt.legend()
plt.show()
assert set(solver.optim_configs["W1"]) >= {"learning_rate"}

# %% [markdown]
# A learning rate that is much too high ends the run, not the notebook.

# %%
solver = Solver(
    FullyConnectedNet([30], weight_scale=1.0),
    data,
    num_epochs=2,
    batch_size=20,
    optim_config={"learning_rate": 1e30},
    verbose=False,
)
solver.train()
print("Best accuracy all the same: ", max(solver.val_acc_history))
