// Norms on all threads.
#pragma once

#include "kernels/norm.h"
#include "moments.h"

namespace handgrad {

// Channels of fewer pixels are taken as so many columns of a matrix, image by image: sums across a vector would cost more
// than those along it.
inline constexpr std::int64_t kWide = 64;

// x (n, c, inner): images of c channels with `inner` pixels, or rows of features with inner = 1.
struct NormShape {
    std::int64_t n, c, inner;
    std::int64_t count() const { return n * inner; }  // of numbers in a channel
    std::int64_t columns() const { return c * inner; }
};

// The pieces. Arrays of a line hold a number for each channel, and so do the results.
template <class T>
void channel_moments(const NormShape& s, const T* x, double* mean, double* squares);
template <class T>
void channel_apply(const NormShape& s, const Line<T>& line, const T* x, T* y);
template <class T>
void channel_dots(const NormShape& s, const Line<T>& line, const T* dy, const T* x, double* sum, double* dot);
template <class T>
void channel_gradient(const NormShape& s, const Line<T>& line, const LineGradient<T>& g, const T* dy, const T* x, T* dx);

// What normalised x, for backward, a number for each channel (or group of an image): the mean is mean + rest, where rest is
// what the rounding to T left out. `shift` is that of the line that made out; groups have none.
template <class T>
struct Statistics {
    T *mean, *rest, *inv_std, *shift;
};

// out = (x - mean) / sqrt(var + eps) gamma + beta, then relu. In training mean and variance are those of x, and the running
// ones move towards them by 1 - momentum; else they are the running ones. `moments` are x's where they are known.
struct BatchNorm {
    double eps, momentum;
    bool train, relu;
};
template <class T>
struct Running {
    const T *mean, *var;
    T *next_mean, *next_var;
};
template <class T>
void batchnorm_forward(const NormShape& s, const BatchNorm& settings, const T* x, const T* gamma, const T* beta,
                       const Running<T>& running, const Statistics<T>& kept, T* out, const ChannelMoments& moments = {});
template <class T>
void batchnorm_backward(const NormShape& s, bool train, bool relu, const T* dout, const T* x, const T* gamma,
                        const Statistics<T>& kept, T* dx, T* dgamma, T* dbeta);

// The same where each image normalises `groups` groups of its channels, each by its own statistics (n, groups).
template <class T>
void groupnorm_forward(const NormShape& s, std::int64_t groups, double eps, const T* x, const T* gamma, const T* beta,
                       const Statistics<T>& kept, T* out);
template <class T>
void groupnorm_backward(const NormShape& s, std::int64_t groups, const T* dout, const T* x, const T* gamma,
                        const Statistics<T>& kept, T* dx, T* dgamma, T* dbeta);

}  // namespace handgrad
