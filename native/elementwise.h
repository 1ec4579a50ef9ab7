// Activations, dropout and the L2 penalty on all threads.
#pragma once

#include "kernels/elementwise.h"

namespace handgrad {

// The kernels of kernels/elementwise.h. T is float or double.
template <class T>
void activate(Activation f, T* out, const T* x, T alpha, std::int64_t count);
template <class T>
void activation_gradient(Activation f, T* dx, const T* dout, const T* x, T alpha, std::int64_t count);
template <class T>
void dropout(T* out, T* mask, const T* x, const double* uniform, double p, std::int64_t count);
// Takes the generator's next draws as NumPy's random() does: a draw's upper 53 bits times 2^-53 are the number compared to p.
template <class T>
void dropout_drawn(T* out, T* mask, const T* x, const Pcg64& rng, double p, std::int64_t count);
template <class T>
void multiply(T* out, const T* a, const T* b, std::int64_t count);
template <class T>
void add(T* out, const T* a, const T* b, std::int64_t count);
template <class T>
double add_scaled(T* a, const T* b, T factor, std::int64_t count);

// leaky_relu with a slope for each channel: x (n, c, inner), slope (c) or (1).
struct Channels {
    std::int64_t n, c, inner;
};
template <class T>
void prelu(const Channels& s, T* out, const T* x, const T* slope, std::int64_t slopes);
template <class T>
void prelu_gradient(const Channels& s, T* dx, T* dslope, const T* dout, const T* x, const T* slope, std::int64_t slopes);

}  // namespace handgrad
