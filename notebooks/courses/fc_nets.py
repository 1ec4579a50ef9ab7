# ---
# ruff: noqa
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Fully connected nets

# %% tags=["ucla"]
import matplotlib.pyplot as plt
import nndl
import numpy as np
from nndl.fc_net import *
from nndl.layer_utils import *
from nndl.layers import *
from utils.data_utils import get_CIFAR10_data
from utils.gradient_check import (
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    eval_numerical_gradient_blobs,
    eval_numerical_gradient_net,
    grad_check_sparse,
)
from utils.solver import Solver

# %matplotlib inline

# %% tags=["stanford"]
import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers.fc_net import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.gradient_check import (
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    eval_numerical_gradient_blobs,
    eval_numerical_gradient_net,
    grad_check_sparse,
)
from cs231n.layer_utils import *
from cs231n.layers import *
from cs231n.solver import Solver

# %matplotlib inline

# %% tags=["utah"]
import matplotlib.pyplot as plt
import numpy as np
from cs6353.classifiers.fc_net import *
from cs6353.data_utils import get_CIFAR10_data
from cs6353.gradient_check import (
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    eval_numerical_gradient_blobs,
    eval_numerical_gradient_net,
    grad_check_sparse,
)
from cs6353.layer_utils import *
from cs6353.layers import *
from cs6353.solver import Solver

# %matplotlib inline


# %%
def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def errors(forward, backward, names, arrays, *settings):
    out, cache = forward(*arrays, *settings)
    dout = np.random.randn(*out.shape)
    found = backward(dout, cache)
    for name, array, gradient in zip(names, arrays, found if isinstance(found, tuple) else (found,)):
        numeric = eval_numerical_gradient_array(lambda _: forward(*arrays, *settings)[0], array, dout)
        print(f"d{name} error: ", rel_error(numeric, gradient))


# %% [markdown]
# ## Layers

# %%
x = np.linspace(-0.1, 0.5, num=2 * 120).reshape(2, 4, 5, 6)
w = np.linspace(-0.2, 0.3, num=120 * 3).reshape(120, 3)
b = np.linspace(-0.3, 0.1, num=3)
out, _ = affine_forward(x, w, b)
expected = np.array([[sum(r * c for r, c in zip(row.ravel(), column)) for column in w.T] for row in x]) + b
# The error should be less than 1e-9
print("difference: ", rel_error(out, expected))
assert abs(out[0, 0] - 1.49834967) < 1e-8

# %%
np.random.seed(231)
# The errors should be around 1e-8 or less
errors(
    affine_forward,
    affine_backward,
    "xwb",
    [np.random.randn(10, 2, 3), np.random.randn(6, 5), np.random.randn(5)],
)
errors(relu_forward, relu_backward, "x", [np.random.randn(10, 10)])
arrays = [np.random.randn(2, 3, 4), np.random.randn(12, 10), np.random.randn(10)]
errors(affine_relu_forward, affine_relu_backward, "xwb", arrays)

# %%
# A list is as good as an array, and float32 beside float64 is as good as float64
out, _ = relu_forward([-1, 0, 2.5])
assert out.tolist() == [0, 0, 2.5]
out, _ = affine_forward(np.ones((2, 3), np.float32), np.ones((3, 1)), [0])
assert out.tolist() == [[3.0], [3.0]] and out.dtype == np.float64

# %%
arrays = [
    np.random.randn(4, 6),
    np.random.randn(6, 3),
    np.random.randn(3),
    np.random.randn(3),
    np.random.randn(3),
]
bn_param = {"mode": "train", "train": "train"}  # a key that means nothing
for forward, backward in (
    (affine_bn_relu_forward, affine_bn_relu_backward),
    (affine_batchnorm_relu_forward, affine_batchnorm_relu_backward),
):
    out, cache = forward(*arrays, bn_param)
    dout = np.random.randn(*out.shape)
    for name, array, gradient in zip(["x", "w", "b", "gamma", "beta"], arrays, backward(dout, cache)):
        if name != "b":  # its gradient is zero, since batch norm takes b out again
            numeric = eval_numerical_gradient_array(lambda _: forward(*arrays, bn_param)[0], array, dout)
            # The errors should be around 1e-6 or less
            print(f"d{name} error: ", rel_error(numeric, gradient))
assert bn_param["running_mean"].shape == (3,)

# %% [markdown]
# ## Losses

# %%
np.random.seed(231)
x = 0.001 * np.random.randn(50, 10)
y = np.random.randint(10, size=50)
for name, function, expected in (("svm", svm_loss, 9), ("softmax", softmax_loss, np.log(10))):
    numeric = eval_numerical_gradient(lambda x: function(x, y)[0], x, verbose=False)
    loss, dx = function(x, y)
    # Loss should be close to 9 or 2.3, and dx error should be around 1e-7
    print(name, "loss: ", loss)
    print("dx error: ", rel_error(numeric, dx))
    assert abs(loss - expected) < 0.01 and function(x, list(y))[0] == loss

# %% [markdown]
# ## The other numerical gradients


# %%
class Blob:
    def __init__(self, vals):
        self.vals, self.diffs = vals, np.random.randn(*vals.shape)


class Net:
    def forward(self):
        product(first, second, result)


def product(a, b, out):
    out.vals = a.vals * b.vals


first, second = Blob(np.random.randn(3, 2)), Blob(np.random.randn(3, 2))
result = Blob(first.vals * second.vals)
for gradients in (
    eval_numerical_gradient_blobs(product, (first, second), result, h=1e-5),
    eval_numerical_gradient_net(Net(), (first, second), result, h=1e-5),
):
    # The errors should be around 1e-9
    print("da error: ", rel_error(gradients[0], second.vals * result.diffs))
    print("db error: ", rel_error(gradients[1], first.vals * result.diffs))
grad_check_sparse(lambda v: np.sum(v**2), first.vals, 2 * first.vals, num_checks=3)
print(eval_numerical_gradient(lambda v: np.sum(v**2), np.array([1.0, 3.0])))

# %% [markdown]
# ## A net of two layers

# %% tags=["ucla"]
N, D, H, C = 3, 5, 50, 7
model = TwoLayerNet(input_dim=D, hidden_dims=H, num_classes=C, weight_scale=1e-2)

# %% tags=["stanford", "utah"]
N, D, H, C = 3, 5, 50, 7
model = TwoLayerNet(input_dim=D, hidden_dim=H, num_classes=C, weight_scale=1e-2)

# %%
assert abs(model.params["W1"].std() - 1e-2) < 1e-3 and not model.params["b1"].any()
model.params["W1"] = np.linspace(-0.7, 0.3, num=D * H).reshape(D, H)
model.params["b1"] = np.linspace(-0.1, 0.9, num=H)
model.params["W2"] = np.linspace(-0.3, 0.4, num=H * C).reshape(H, C)
model.params["b2"] = np.linspace(-0.9, 0.1, num=C)
X = np.linspace(-5.5, 4.5, num=N * D).reshape(D, N).T
y = np.asarray([0, 5, 1])
scores = model.loss(X)
print(scores)
assert abs(scores[0, 0] - 11.53165108) < 1e-8 and abs(scores[-1, -1] - 16.2846319) < 1e-8
loss, grads = model.loss(X, y)
print("training loss (no regularization): %.10f" % loss)
assert abs(loss - 3.4702243556) < 1e-10
model.reg = 1.0
loss, grads = model.loss(X, y)
print("training loss (regularization): %.10f" % loss)
assert abs(loss - 26.5948426952) < 1e-10
for name in sorted(grads):
    numeric = eval_numerical_gradient(lambda _: model.loss(X, y)[0], model.params[name], verbose=False)
    # Errors should be around 1e-6 or less
    print("%s relative error: %.2e" % (name, rel_error(numeric, grads[name])))

# %% [markdown]
# ## Nets of any depth
#
# With a seed the first weights are the course's, so the losses are too.

# %%
np.random.seed(231)
N, D, H1, H2, C = 2, 15, 20, 30, 10
X = np.random.randn(N, D)
y = np.random.randint(C, size=(N,))
initial = []
for reg in [0, 3.14]:
    model = FullyConnectedNet(
        [H1, H2], input_dim=D, num_classes=C, reg=reg, weight_scale=5e-2, dtype=np.float64
    )
    loss, grads = model.loss(X, y)
    print("Initial loss: ", loss)
    initial.append(loss)
    # Errors should be around 1e-5 or less
    for name in sorted(grads):
        numeric = eval_numerical_gradient(
            lambda _: model.loss(X, y)[0], model.params[name], verbose=False, h=1e-5
        )
        print("%s relative error: %.2e" % (name, rel_error(numeric, grads[name])))
assert abs(initial[0] - 2.300479) < 1e-6 and abs(initial[1] - 7.052115) < 1e-6

# %%
data = get_CIFAR10_data(num_training=80, num_validation=20, num_test=10)
model = FullyConnectedNet([60, 60], weight_scale=2e-2, dtype=np.float64)
solver = Solver(
    model,
    data,
    print_every=10,
    num_epochs=15,
    batch_size=20,
    update_rule="sgd",
    optim_config={"learning_rate": 5e-3},
)
solver.train()
plt.plot(solver.loss_history, "o")
plt.show()
y_val_pred = np.argmax(model.loss(data["X_val"]), axis=1)
print("Validation set accuracy: ", (y_val_pred == data["y_val"]).mean())
assert solver.loss_history[-1] < 1.5 and max(solver.train_acc_history) > 0.7

# %% [markdown]
# ## The older net, with a `train` of its own

# %% tags=["ucla"]
from nndl.neural_net import TwoLayerNet

expected_scores, expected_loss = -1.07260209, 1.071696123862817

# %% tags=["stanford"]
from cs231n.classifiers.neural_net import TwoLayerNet

expected_scores, expected_loss = -0.81233741, 1.30378789133

# %% tags=["ucla", "stanford"]
np.random.seed(0)
net = TwoLayerNet(4, 10, 3, std=1e-1)
np.random.seed(1)
X = 10 * np.random.randn(5, 4)
y = np.array([0, 1, 2, 2, 1])
scores = net.loss(X)
loss, grads = net.loss(X, y, reg=0.05)
print(scores)
print(loss)
assert abs(scores[0, 0] - expected_scores) < 1e-8 and abs(loss - expected_loss) < 1e-11
for name in grads:
    numeric = eval_numerical_gradient(lambda _: net.loss(X, y, reg=0.05)[0], net.params[name], verbose=False)
    # These should all be less than 1e-7 or so
    print("%s max relative error: %e" % (name, rel_error(numeric, grads[name])))
stats = net.train(X, y, X, y, learning_rate=1e-1, reg=5e-6, num_iters=100, verbose=True)
print("Final training loss: ", stats["loss_history"][-1])
assert len(stats["loss_history"]) == 100 and stats["loss_history"][-1] < 0.05
assert (net.predict(X) == y).all() and len(stats["val_acc_history"]) > 1

# %% [markdown]
# ## The course's own tests of layers

# %% tags=["ucla"]
from nndl.layer_tests import *

affine_forward_test()
affine_backward_test()
relu_forward_test()
relu_backward_test()
affine_relu_test()
svm_loss_test()
softmax_loss_test()
fc_net_test()

# %% [markdown]
# ## The older names

# %% tags=["ucla"]
import cs231n.fast_layers
import cs231n.gradient_check
import cs231n.im2col
import cs231n.solver
import cs231n.vis_utils
from cs231n.data_utils import load_CIFAR10

model = nndl.FullyConnectedNet([20], weight_scale=1e-2)
cs231n.solver.Solver(model, data, num_epochs=1, batch_size=40, update_rule="adam").train()
