// Kernels that take arrays number by number.
#pragma once

#include <cstdint>

namespace handgrad {

// A whole number of 128 bits.
struct Wide {
    std::uint64_t high, low;
};

// The state of NumPy's generator PCG64.
struct Pcg64 {
    Wide state, increment;
};

enum class Activation { relu, leaky_relu, elu, gelu, sigmoid, tanh };

// Arrays of `count` numbers; out and dx may be one of the inputs. `stream` writes past the caches: for results that are
// too large to be found there again.
template <class T>
struct ElementwiseKernels {
    // out = f(x). alpha is the slope below zero of leaky_relu, minus the limit of elu.
    void (*activate)(Activation f, T* out, const T* x, T alpha, std::int64_t count, bool stream);
    // dx = f'(x) dout; `x` is f(x) for sigmoid and tanh.
    void (*activation_gradient)(Activation f, T* dx, const T* dout, const T* x, T alpha, std::int64_t count, bool stream);
    // The sum of dout x where x <= 0: the gradient of leaky_relu's slope.
    double (*slope_gradient)(const T* dout, const T* x, std::int64_t count);
    // mask = scale where uniform >= p, else 0; out = x mask.
    void (*dropout)(T* out, T* mask, const T* x, const double* uniform, double p, T scale, std::int64_t count);
    // The same where draw `skipped` + i of a generator is at least `bound`.
    void (*dropout_drawn)(T* out, T* mask, const T* x, const Pcg64& rng, std::int64_t skipped, std::uint64_t bound, T scale,
                          std::int64_t count, bool stream);
    // out = a b.
    void (*multiply)(T* out, const T* a, const T* b, std::int64_t count, bool stream);
    // out = a + b.
    void (*add)(T* out, const T* a, const T* b, std::int64_t count, bool stream);
    // a += factor b, unless a is null; returns the sum of b's squares.
    double (*add_scaled)(T* a, const T* b, T factor, std::int64_t count);
};

}  // namespace handgrad
