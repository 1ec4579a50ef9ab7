# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first network, from the gradient of one layer to a trained net
#
# Needs nothing but Handgrad: the images are drawn on the spot. Open it with Jupyter (`pip install jupytext`), or run it
# as a script.

# %%
import numpy as np

from handgrad import viz
from handgrad.checking import numerical_gradient, relative_error
from handgrad.data import get_shapes_data, load_shapes
from handgrad.layers import conv_backward, conv_forward, softmax_loss
from handgrad.models import ThreeLayerConvNet
from handgrad.training import Solver

# %% [markdown]
# ## The images
#
# Ten classes of shapes, 32 x 32 pixels, with random place, size, angle, colours and noise.

# %%
shapes = load_shapes(num_training=2000, num_validation=500, num_test=500, seed=0)
picture = viz.image_grid(shapes.X_train[:30], [shapes.class_names[y] for y in shapes.y_train[:30]])
picture

# %% [markdown]
# ## A layer is two functions
#
# `conv_forward` slides filters over images and remembers in `cache` what the way back needs. `conv_backward` takes the
# gradient of the loss with respect to the output, and returns it with respect to each input.

# %%
rng = np.random.default_rng(231)
x, w, b = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
conv_param = {"stride": 2, "pad": 1}
out, cache = conv_forward(x, w, b, conv_param)
dout = rng.normal(size=out.shape)
dx, dw, db = conv_backward(dout, cache)
print(x.shape, "->", out.shape)

# %% [markdown]
# ## Is it right?
#
# Move one number by a little, see how much `sum(dout * out)` moves: that is the gradient, without any calculus.

# %%
errors = {
    "dx": relative_error(dx, numerical_gradient(lambda v: conv_forward(v, w, b, conv_param)[0], x, dout)),
    "dw": relative_error(dw, numerical_gradient(lambda v: conv_forward(x, v, b, conv_param)[0], w, dout)),
    "db": relative_error(db, numerical_gradient(lambda v: conv_forward(x, w, v, conv_param)[0], b, dout)),
}
for name, error in errors.items():
    print(f"{name}: {error:.1e}")
assert max(errors.values()) < 1e-7

# %% [markdown]
# ## The loss of a net that knows nothing
#
# With ten classes and no idea, each has probability 1/10, and the loss is log 10.

# %%
loss, _ = softmax_loss(np.zeros((5, 10)), np.arange(5))
print(f"{loss:.4f} = log 10 = {np.log(10):.4f}")

# %% [markdown]
# ## Train
#
# `conv - relu - pool - affine - relu - affine - softmax`, with Adam.

# %%
data = get_shapes_data(num_training=2000, num_validation=500, num_test=500, seed=0)
net = ThreeLayerConvNet(num_filters=16, filter_size=3, hidden_dim=100, weight_scale=1e-2, seed=0)
solver = Solver(
    net,
    data,
    update_rule="adam",
    optim_config={"learning_rate": 1e-3},
    batch_size=50,
    num_epochs=4,
    print_every=40,
    seed=0,
)
solver.train()
assert solver.best_val_acc > 0.4

# %%
curves = viz.curves(solver)
curves

# %% [markdown]
# ## What it sees, and what it takes for what

# %%
filters = viz.filters(net.params["W1"])
filters

# %%
predicted = net.loss(data["X_test"]).argmax(axis=1)
print(f"test accuracy {np.mean(predicted == data['y_test']):.3f}")
confusion = viz.confusion_matrix(data["y_test"], predicted, shapes.class_names)
confusion

# %% [markdown]
# ## Next
#
# - Replace a layer by your own: our backward passes take the courses' caches.
# - `data = get_CIFAR10_data()` for photographs in the place of drawings.
# - Read `handgrad/reference/conv.py`: the same layer as plain loops.
