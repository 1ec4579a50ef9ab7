# ---
# ruff: noqa
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # A three-layer convolutional net

# %% tags=["ucla"]
import matplotlib.pyplot as plt
import numpy as np
from nndl.cnn import *
from nndl.conv_layers import *
from nndl.layers import *
from utils.data_utils import get_CIFAR10_data, load_CIFAR10, load_CIFAR_batch, load_pickle
from utils.fast_layers import *
from utils.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from utils.solver import Solver
from utils.vis_utils import vis_grid, vis_nn, visualize_grid

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% tags=["stanford"]
import matplotlib.pyplot as plt
import numpy as np
from cs231n.classifiers import *
from cs231n.classifiers.cnn import *
from cs231n.data_utils import get_CIFAR10_data, load_CIFAR10, load_CIFAR_batch, load_pickle
from cs231n.fast_layers import *
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.layers import *
from cs231n.solver import Solver
from cs231n.vis_utils import vis_grid, vis_nn, visualize_grid

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% tags=["utah"]
import matplotlib.pyplot as plt
import numpy as np
from cs6353.classifiers.cnn import *
from cs6353.classifiers.convnet import *
from cs6353.data_utils import get_CIFAR10_data, load_CIFAR10, load_CIFAR_batch, load_pickle
from cs6353.fast_layers import *
from cs6353.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs6353.layers import *
from cs6353.solver import Solver
from cs6353.vis_utils import vis_grid, vis_nn, visualize_grid

# %matplotlib inline
# %load_ext autoreload
# %autoreload 2

# %% [markdown]
# The extension that the course builds is not needed: lines that would build it are left out, and listed.

# %% tags=["stanford", "utah"]
# %cd cs231n
# !python setup.py build_ext --inplace
# %cd ..


# %%
def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


# %%
data = get_CIFAR10_data(num_training=80, num_validation=20, num_test=10)
for k, v in data.items():
    print("%s: " % k, v.shape)

# %%
cifar10_dir = "cifar-10-batches-py"
X_train, y_train, X_test, y_test = load_CIFAR10(cifar10_dir)
print("Training data shape: ", X_train.shape, X_train.dtype)
X_batch, y_batch = load_CIFAR_batch(cifar10_dir + "/data_batch_1")
with open(cifar10_dir + "/data_batch_1", "rb") as f:
    raw = load_pickle(f)
assert raw["data"].shape == (len(X_batch), 3072) and raw["labels"] == y_batch.tolist()
assert np.all(X_train[: len(X_batch)] == X_batch) and X_train.dtype == np.float64
assert np.allclose(
    data["X_train"], X_train[:80].transpose(0, 3, 1, 2) - X_train[:80].mean(axis=0).transpose(2, 0, 1)
)

# %% [markdown]
# ## Loss
#
# Ten classes and small weights: the logarithm of 10. With `reg` it is more.

# %%
model = ThreeLayerConvNet()
X = np.random.randn(50, 3, 32, 32)
y = np.random.randint(10, size=50)
loss, grads = model.loss(X, y)
print("Initial loss (no regularization): ", loss)
assert abs(loss - np.log(10)) < 1e-3
model.reg = 0.5
loss, grads = model.loss(X, y)
print("Initial loss (with regularization): ", loss)
assert loss > np.log(10) + 0.1

# %%
np.random.seed(231)
X = np.random.randn(2, 3, 8, 8)
y = np.random.randint(10, size=2)
model = ThreeLayerConvNet(num_filters=3, filter_size=3, input_dim=(3, 8, 8), hidden_dim=7, dtype=np.float64)
loss, grads = model.loss(X, y)
# Errors should be small, but correct implementations may have relative errors up to the order of e-2
for name in sorted(grads):
    numeric = eval_numerical_gradient(
        lambda _: model.loss(X, y)[0], model.params[name], verbose=False, h=1e-6
    )
    print("%s max relative error: %e" % (name, rel_error(numeric, grads[name])))

# %% tags=["ucla"]
model = ThreeLayerConvNet((3, 8, 8), 4, 3, 7, 10, 1e-2, 0.0, np.float32, True)
loss, grads = model.loss(X, y)
assert grads["W1"].dtype == np.float32 and "gamma2" in grads and "running_mean" in model.bn_params[0]
print("Loss with batch norm: ", loss)

# %% [markdown]
# ## Overfit a few images

# %%
small_data = {k: v[:40] for k, v in data.items()}
model = ThreeLayerConvNet(weight_scale=1e-2, num_filters=8, filter_size=5, hidden_dim=40)
solver = Solver(
    model,
    small_data,
    num_epochs=8,
    batch_size=20,
    update_rule="adam",
    optim_config={"learning_rate": 1e-3},
    verbose=True,
    print_every=1,
)
solver.train()
print("Small data training accuracy:", solver.check_accuracy(small_data["X_train"], small_data["y_train"]))
assert solver.loss_history[-1] < solver.loss_history[0]

# %%
plt.subplot(2, 1, 1)
plt.plot(solver.loss_history, "o")
plt.subplot(2, 1, 2)
plt.plot(solver.train_acc_history, "-o")
plt.plot(solver.val_acc_history, "-o")
plt.legend(["train", "val"], loc="upper left")
plt.show()

# %% [markdown]
# ## Look at the filters

# %%
filters = model.params["W1"].transpose(0, 2, 3, 1)
grid = visualize_grid(filters)
print(grid.shape, grid.min(), grid.max())
assert grid.shape == (17, 17, 3) and grid.min() == 0 and abs(grid.max() - 255) < 1e-6
plt.imshow(grid.astype("uint8"))
plt.axis("off")
plt.show()
plt.imshow(vis_grid(filters))
plt.show()
plt.imshow(vis_nn([filters[:4], filters[4:]]))
plt.show()

# %% tags=["stanford"]
from cs231n.image_utils import (
    SQUEEZENET_MEAN,
    SQUEEZENET_STD,
    blur_image,
    deprocess_image,
    image_from_url,
    load_image,
    preprocess_image,
)
from PIL import Image

Image.fromarray(X_train[0].astype("uint8")).save("one.png")
image = load_image("one.png")
assert np.all(image == X_train[0]) and load_image("one.png", size=16).shape == (16, 16, 3)
assert np.all(deprocess_image(preprocess_image(image)) == image)
assert np.allclose(preprocess_image(image)[0, 0], (image[0, 0] / 255 - SQUEEZENET_MEAN) / SQUEEZENET_STD)
constant = blur_image(np.ones((1, 3, 5, 5)))
assert abs(constant[0, 0, 2, 2] - 1) < 1e-12
assert image_from_url("file:///there/is/none.png") is None
