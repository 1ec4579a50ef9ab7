"""The compiled extension: what the CPU can do, which kernels run, and on how many threads.

Arguments are taken as they are or refused: a wrong type is a TypeError, a wrong value a ValueError of one
sentence. The functions are for `handgrad.backend`; what they mean for users is documented there.
"""

from collections.abc import Sequence

import numpy as np

def configure() -> None:
    """Follow HANDGRAD_ISA, _NUM_THREADS, _WINOGRAD and _PRECISION; nonsense there is a ValueError."""

def cpu_features() -> list[str]:
    """Vector extensions that the CPU has and the operating system supports: 'avx2', 'fma', 'avx512f', ..."""

def isas() -> list[str]:
    """Instruction sets that this build has kernels for and this machine runs, from plain to wide."""

def isa() -> str:
    """Return the instruction set of the kernels in use."""

def isa_reason() -> str:
    """Why that one: 'the widest of generic, avx2, ...' or by whom it was asked for."""

def set_isa(name: str) -> None:
    """Use the kernels of another instruction set, one of `isas()`; meant for tests and benchmarks."""

def precision() -> str:
    """Return 'highest', 'high' or 'medium'."""

def set_precision(name: str) -> None:
    """Let float32 products keep all digits, or leave out some of them where that is quicker."""

def num_threads() -> int:
    """Return how many threads kernels use: as many as this process has CPUs, unless set."""

def set_num_threads(n: int) -> None:
    """Let kernels use `n` threads, 1 to 1024."""

def fma_gflops(seconds: float = 0.1) -> float:
    """Measure the single-precision multiply-add rate of all threads: the best burst, in GFLOP/s."""

def build_info() -> dict[str, str]:
    """Return 'version', 'compiler' and 'build_type' of this build."""

# Memory

def empty(shape: Sequence[int], dtype: str) -> np.ndarray:
    """Return an array over recycled memory, with whatever is left in it; float32, float64 or uint8."""

def memory_info() -> dict[str, int]:
    """Return the bytes 'in_use' and 'idle', the 'limit' of the idle, and requests 'reused' and 'fresh'."""

def empty_memory() -> None:
    """Return all idle memory to the system."""

def set_memory_limit(bytes: int) -> None:
    """Keep at most `bytes` idle; a quarter of the machine's memory unless set."""

# Affine layer; every array in C order, of one dtype

def affine_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray, out: np.ndarray, relu: bool) -> None:
    """Write x (N, D) w (D, M) + b (M,) to out (N, M), negative numbers as 0 for `relu`."""

def affine_backward_x(dout: np.ndarray, w: np.ndarray, dx: np.ndarray) -> None:
    """Write dout (N, M) times w (D, M) turned to dx (N, D)."""

def affine_backward_w(dout: np.ndarray, x: np.ndarray, dw: np.ndarray, db: np.ndarray) -> None:
    """Write x (N, D) turned times dout (N, M) to dw (D, M), and dout's column sums to db (M,)."""

# Convolution; every array in C order, of one dtype; stride and pad are (height, width)

def conv_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    relu: bool,
    out: np.ndarray,
    moments: np.ndarray | None = None,
) -> None:
    """Write the convolution of x (N, C, H, W) to out (N, F, H', W'), what is negative as 0 for `relu`.

    Rows of moments (2, F), float64: mean and sum of squared distances of each filter's numbers in out.
    """

def conv_backward_x(
    dout: np.ndarray, w: np.ndarray, stride: tuple[int, int], pad: tuple[int, int], dx: np.ndarray
) -> None:
    """Write the gradient of x to dx (N, C, H, W)."""

def conv_backward_w(
    dout: np.ndarray,
    x: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    dw: np.ndarray,
    db: np.ndarray,
) -> None:
    """Write the gradients of w and b to dw (F, C, HH, WW) and db (F,)."""

def conv_relu_pool_pays(
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
) -> bool:
    """Whether the three in one are quicker; only windows that do not overlap can be taken at all."""

def conv_relu_pool_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
    out: np.ndarray,
    winner: np.ndarray,
) -> None:
    """Write out and winner (N, F, H'', W''): the member of each window that won, their number for none."""

def conv_relu_pool_backward_x(
    dout: np.ndarray,
    winner: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
    dx: np.ndarray,
) -> None:
    """Write the gradient of x to dx (N, C, H, W)."""

def conv_relu_pool_backward_w(
    dout: np.ndarray,
    winner: np.ndarray,
    x: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
    dw: np.ndarray,
    db: np.ndarray,
    shift: np.ndarray | None = None,
) -> None:
    """Write the gradients of w and b to dw (F, C, HH, WW) and db (F,), for x less `shift` (C,)."""

def conv_pool_takes(
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
) -> bool:
    """Whether the two are computed in one: float32, by Winograd or on tiles, at the precision in use."""

def conv_pool_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
    out: np.ndarray,
    winner: np.ndarray,
) -> None:
    """Write out and winner (N, F, H'', W''): which tap of the window won, counted in row-major order."""

def conv_pool_backward_x(
    dout: np.ndarray,
    winner: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
    dx: np.ndarray,
) -> None:
    """Write the gradient of x to dx (N, C, H, W)."""

def conv_pool_backward_w(
    dout: np.ndarray,
    winner: np.ndarray,
    x: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    window: tuple[int, int],
    pool_stride: tuple[int, int],
    dw: np.ndarray,
    db: np.ndarray,
) -> None:
    """Write the gradients of w and b to dw (F, C, HH, WW) and db (F,)."""

def conv_relu_backward_w(
    dout: np.ndarray,
    out: np.ndarray,
    x: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    dw: np.ndarray,
    db: np.ndarray,
    shift: np.ndarray | None = None,
) -> None:
    """The same for the gradient of relu's output `out` (N, F, H', W')."""

def conv_moments(
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int],
    pad: tuple[int, int],
    shift: np.ndarray,
    products: np.ndarray,
) -> None:
    """Write a mean of each channel to shift (C,), and the windows' moments less it to products.

    products (D + 1, D + 1), float64, are the sums over the windows of all pixels of the products of two of
    the D taps, and of each with 1; the number of windows is the last.
    """

def winograd() -> bool:
    """Whether Winograd's convolution may be used: float32, 3 x 3 windows, stride 1, 16 channels or more."""

def set_winograd(allowed: bool) -> None:
    """Allow it or not; HANDGRAD_WINOGRAD=off forbids it from the start."""

# Number by number; arrays of any shape in C order, of one dtype and one size; out and dx may be an input

def relu_forward(x: np.ndarray, out: np.ndarray) -> None:
    """Write x where x > 0, else 0, to out."""

def relu_backward(dout: np.ndarray, x: np.ndarray, dx: np.ndarray) -> None:
    """Write the gradient of x to dx."""

def gelu_forward(x: np.ndarray, out: np.ndarray) -> None:
    """Write x Phi(x) to out."""

def gelu_backward(dout: np.ndarray, x: np.ndarray, dx: np.ndarray) -> None:
    """Write the gradient of x to dx."""

def sigmoid_forward(x: np.ndarray, out: np.ndarray) -> None:
    """Write 1 / (1 + exp(-x)) to out."""

def sigmoid_backward(dout: np.ndarray, x: np.ndarray, dx: np.ndarray) -> None:
    """Write the gradient of x to dx; `x` is what forward wrote."""

def tanh_forward(x: np.ndarray, out: np.ndarray) -> None:
    """Write tanh(x) to out."""

def tanh_backward(dout: np.ndarray, x: np.ndarray, dx: np.ndarray) -> None:
    """Write the gradient of x to dx; `x` is what forward wrote."""

def leaky_relu_forward(x: np.ndarray, alpha: float, out: np.ndarray) -> None:
    """Write x where x > 0, else alpha x, to out."""

def leaky_relu_backward(dout: np.ndarray, x: np.ndarray, alpha: float, dx: np.ndarray) -> None:
    """Write the gradient of x to dx."""

def elu_forward(x: np.ndarray, alpha: float, out: np.ndarray) -> None:
    """Write x where x > 0, else alpha (exp(x) - 1), to out."""

def elu_backward(dout: np.ndarray, x: np.ndarray, alpha: float, dx: np.ndarray) -> None:
    """Write the gradient of x to dx."""

def prelu_forward(x: np.ndarray, alpha: np.ndarray, out: np.ndarray) -> None:
    """Write x (N, C, inner) where x > 0, else alpha (C,) or (1,) times x, to out (N, C, inner)."""

def prelu_backward(
    dout: np.ndarray, x: np.ndarray, alpha: np.ndarray, dx: np.ndarray, dalpha: np.ndarray
) -> None:
    """Write the gradients to dx (N, C, inner) and to dalpha in alpha's shape."""

def dropout_forward(x: np.ndarray, uniform: np.ndarray, p: float, out: np.ndarray, mask: np.ndarray) -> None:
    """Write 1 / (1 - p) where uniform (float64) >= p, else 0, to mask, and x times it to out."""

def dropout_pcg64(
    x: np.ndarray,
    state: tuple[int, int],
    increment: tuple[int, int],
    p: float,
    out: np.ndarray,
    mask: np.ndarray,
) -> None:
    """Write mask and out as `dropout_forward` does, for the next numbers of numpy.random.PCG64.

    Its state and increment are pairs of 64 bits, the upper half first; the generator stays where it is.
    """

def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Write a times b to out."""

def add(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Write a plus b to out."""

def add_scaled(a: np.ndarray, b: np.ndarray, factor: float) -> float:
    """Add factor times b to a, and return the sum of the squares of b."""

def sgd(
    w: np.ndarray, dw: np.ndarray, learning_rate: float, before: Sequence[float], next_w: np.ndarray
) -> None:
    """Write the next w; like all update rules for arrays of any shape, in place where told so.

    `before` is what handgrad.backend.before holds: limit, scale, l2, clip_value, shrink.
    """

def sgd_momentum(
    w: np.ndarray,
    dw: np.ndarray,
    velocity: np.ndarray,
    learning_rate: float,
    momentum: float,
    before: Sequence[float],
    next_w: np.ndarray,
    next_velocity: np.ndarray,
) -> None:
    """Write the next w and velocity."""

def sgd_nesterov_momentum(
    w: np.ndarray,
    dw: np.ndarray,
    velocity: np.ndarray,
    learning_rate: float,
    momentum: float,
    before: Sequence[float],
    next_w: np.ndarray,
    next_velocity: np.ndarray,
) -> None:
    """Write the next w and velocity."""

def adagrad(
    w: np.ndarray,
    dw: np.ndarray,
    cache: np.ndarray,
    learning_rate: float,
    epsilon: float,
    before: Sequence[float],
    next_w: np.ndarray,
    next_cache: np.ndarray,
) -> None:
    """Write the next w and cache."""

def rmsprop(
    w: np.ndarray,
    dw: np.ndarray,
    cache: np.ndarray,
    learning_rate: float,
    decay_rate: float,
    epsilon: float,
    before: Sequence[float],
    next_w: np.ndarray,
    next_cache: np.ndarray,
) -> None:
    """Write the next w and cache."""

def adadelta(
    w: np.ndarray,
    dw: np.ndarray,
    cache: np.ndarray,
    delta_cache: np.ndarray,
    learning_rate: float,
    decay_rate: float,
    epsilon: float,
    before: Sequence[float],
    next_w: np.ndarray,
    next_cache: np.ndarray,
    next_delta_cache: np.ndarray,
) -> None:
    """Write the next w, cache and delta_cache."""

def adam(
    w: np.ndarray,
    dw: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    before: Sequence[float],
    next_w: np.ndarray,
    next_m: np.ndarray,
    next_v: np.ndarray,
) -> None:
    """Write the next w, m and v; `t` counts this step, `weight_decay` is apart from the gradient."""

# Pooling; images in C order, of one dtype; window and stride are (height, width)

def max_pool_forward(
    x: np.ndarray, window: tuple[int, int], stride: tuple[int, int], out: np.ndarray, winner: np.ndarray
) -> None:
    """Write the maxima to out (N, C, H', W') and the number of the first tap that holds each to winner.

    Taps are counted in row-major order, at most 256, so that winner is uint8.
    """

def max_pool_backward(
    dout: np.ndarray, winner: np.ndarray, window: tuple[int, int], stride: tuple[int, int], dx: np.ndarray
) -> None:
    """Write the gradient of x to dx (N, C, H, W)."""

def avg_pool_forward(
    x: np.ndarray, window: tuple[int, int], stride: tuple[int, int], out: np.ndarray
) -> None:
    """Write the means of the windows to out (N, C, H', W')."""

def avg_pool_backward(
    dout: np.ndarray, window: tuple[int, int], stride: tuple[int, int], dx: np.ndarray
) -> None:
    """Write the gradient of x to dx (N, C, H, W)."""

def global_avg_pool_forward(x: np.ndarray, out: np.ndarray) -> None:
    """Write the mean of each channel of x (N, C, H, W) to out (N, C)."""

def global_avg_pool_backward(dout: np.ndarray, dx: np.ndarray) -> None:
    """Write dout (N, C) over the number of pixels to dx (N, C, H, W)."""

# Norms; x (N, C, inner): images with inner pixels, or rows with inner = 1; C order, of one dtype

def batchnorm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float,
    momentum: float,
    train: bool,
    relu: bool,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    next_mean: np.ndarray,
    next_var: np.ndarray,
    kept: np.ndarray,
    out: np.ndarray,
    moments: np.ndarray | None = None,
) -> None:
    """Write out, negative numbers as 0 for `relu`, the next running statistics (C,), and kept (4, C).

    In training, moments (2, C), float64, spare x's being read for them: mean, sum of squared distances.
    Rows of kept: mean, what its rounding left out, 1 / sqrt(var + eps), the shift that made out.
    """

def batchnorm_backward(
    dout: np.ndarray,
    x: np.ndarray,
    gamma: np.ndarray,
    kept: np.ndarray,
    train: bool,
    relu: bool,
    dx: np.ndarray,
    dgamma: np.ndarray,
    dbeta: np.ndarray,
) -> None:
    """Write dx, and dgamma and dbeta (C,); for `relu` from the gradient behind it, in training only."""

def groupnorm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    groups: int,
    eps: float,
    kept: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write out and kept (3, N * groups), which are the rows of batch norm's without the shift."""

def groupnorm_backward(
    dout: np.ndarray,
    x: np.ndarray,
    gamma: np.ndarray,
    groups: int,
    kept: np.ndarray,
    dx: np.ndarray,
    dgamma: np.ndarray,
    dbeta: np.ndarray,
) -> None:
    """Write dx, and dgamma and dbeta (C,)."""

# Losses; scores and dscores (N, K) in C order, of one dtype, y (N,) of int64

def softmax_loss(scores: np.ndarray, y: np.ndarray, label_smoothing: float, dscores: np.ndarray) -> float:
    """Return the mean cross-entropy and write its gradient."""

def svm_loss(scores: np.ndarray, y: np.ndarray, dscores: np.ndarray) -> float:
    """Return the mean multiclass hinge loss with margin 1 and write its gradient."""
