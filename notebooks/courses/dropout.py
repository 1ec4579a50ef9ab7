# ---
# ruff: noqa
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Dropout

# %% tags=["ucla"]
import matplotlib.pyplot as plt
import numpy as np
from nndl.fc_net import *
from nndl.layers import *
from utils.data_utils import get_CIFAR10_data
from utils.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from utils.solver import Solver

# %matplotlib inline

# %% tags=["stanford"]
import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers.fc_net import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.solver import Solver

# %matplotlib inline

# %% tags=["utah"]
# !bash get_datasets.sh
import matplotlib.pyplot as plt
import numpy as np
from cs6353.classifiers.fc_net import *
from cs6353.data_utils import get_CIFAR10_data
from cs6353.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs6353.solver import Solver

# %matplotlib inline


# %%
def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


data = get_CIFAR10_data(num_training=80, num_validation=20, num_test=10)

# %% [markdown]
# ## What p means
#
# UCLA's and Utah's p is the probability to drop, Stanford's the probability to keep.

# %% tags=["ucla", "utah"]
zero = {p: p for p in [0.25, 0.4, 0.7]}

# %% tags=["stanford"]
zero = {p: 1 - p for p in [0.25, 0.4, 0.7]}

# %%
np.random.seed(231)
x = np.random.randn(500, 500) + 10
for p, expected in zero.items():
    out, _ = dropout_forward(x, {"mode": "train", "p": p})
    out_test, _ = dropout_forward(x, {"mode": "test", "p": p})
    print("Running tests with p = ", p)
    print("Mean of train-time output: ", out.mean())
    print("Fraction of train-time output set to zero: ", (out == 0).mean())
    assert abs(out.mean() - x.mean()) < 0.1 and np.all(out_test == x)
    assert abs((out == 0).mean() - expected) < 0.01

# %%
before = np.random.get_state()[1].copy()
x = np.random.randn(10, 10) + 10
dout = np.random.randn(*x.shape)
state = np.random.get_state()[1].copy()
dropout_param = {"mode": "train", "p": 0.2, "seed": 123}
out, cache = dropout_forward(x, dropout_param)
dx = dropout_backward(dout, cache)
dx_num = eval_numerical_gradient_array(lambda xx: dropout_forward(xx, dropout_param)[0], x, dout)
# Error should be around e-10 or less
print("dx relative error: ", rel_error(dx, dx_num))
assert cache[0] is dropout_param and np.all(np.random.get_state()[1] == state)

# %% [markdown]
# ## Nets with dropout

# %% tags=["ucla", "utah"]
choices = [{"dropout": 0}, {"dropout": 0.25}, {"dropout": 0.5}]

# %% tags=["stanford"]
choices = [{"dropout": 1}, {"dropout": 0.75}, {"dropout_keep_ratio": 0.5}]

# %%
np.random.seed(231)
N, D, H1, H2, C = 2, 6, 8, 9, 10
X = np.random.randn(N, D)
y = np.random.randint(C, size=(N,))
for choice in choices:
    print("Running check with ", choice)
    model = FullyConnectedNet(
        [H1, H2], input_dim=D, num_classes=C, weight_scale=5e-2, dtype=np.float64, seed=123, **choice
    )
    loss, grads = model.loss(X, y)
    print("Initial loss: ", loss)
    assert abs(loss - np.log(10)) < 0.1 and loss == model.loss(X, y)[0]
    # Relative errors should be around e-6 or less; it is fine if you have W2 error on the order of e-5
    for name in sorted(grads):
        numeric = eval_numerical_gradient(
            lambda _: model.loss(X, y)[0], model.params[name], verbose=False, h=1e-5
        )
        print("%s relative error: %.2e" % (name, rel_error(numeric, grads[name])))

# %% [markdown]
# Everything dropped: the scores are zero, whatever the weights.

# %% tags=["utah"]
model = FullyConnectedNet([H1, H2], input_dim=D, num_classes=C, dtype=np.float64, dropout=1, seed=123)
loss, _ = model.loss(X, y)
print("Initial loss: ", loss)
assert abs(loss - np.log(10)) < 1e-12

# %%
solvers = {}
for number, choice in enumerate([choices[0], choices[2]]):
    model = FullyConnectedNet([50], **choice)
    solver = Solver(
        model,
        data,
        num_epochs=5,
        batch_size=20,
        update_rule="adam",
        optim_config={"learning_rate": 5e-4},
        verbose=True,
        print_every=100,
    )
    solver.train()
    solvers[number] = solver
for number, solver in solvers.items():
    plt.plot(solver.train_acc_history, "o", label="dropout" if number else "none")
plt.legend()
plt.show()
