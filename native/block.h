// Convolution, relu and max-pool, or convolution and max-pool, in one, on all threads.
#pragma once

#include <cstdint>

#include "conv.h"
#include "kernels/pool.h"

namespace handgrad {

// In all of these the pool's planes are the convolution's output.

// Whether its windows do not overlap and are small enough; all that these functions take.
bool conv_relu_pool_takes(const PoolShape& pool);

// Whether computing the three in one is quicker than one after the other, in float (`single`) or double. It is not
// where outputs would be computed several times, or Winograd's convolution takes the shape.
bool conv_relu_pool_pays(const ConvShape& s, const PoolShape& pool, bool single);

// out and winner (N, F, H'', W'') of x (N, C, H, W), w (F, C, HH, WW), b (F,); winner is the member of each window
// that was its maximum, or pool.taps() where relu cut it.
template <class T>
void conv_relu_pool_forward(const ConvShape& s, const PoolShape& pool, const T* x, const T* w, const T* b, T* out,
                            std::uint8_t* winner);

// dx (N, C, H, W) of dout (N, F, H'', W'').
template <class T>
void conv_relu_pool_backward_x(const ConvShape& s, const PoolShape& pool, const T* dout, const std::uint8_t* winner,
                               const T* w, T* dx);

// dw (F, C, HH, WW) and db (F,) of dout, for x less `shift` (C,), zeros around it included; null takes nothing off.
template <class T>
void conv_relu_pool_backward_w(const ConvShape& s, const PoolShape& pool, const T* dout, const std::uint8_t* winner,
                               const T* x, const T* shift, T* dw, T* db);

// The same without relu, in single precision: the convolution's output is there for few images at a time, while it is in
// the cache. Whether these functions take the shape, at the precision in use: images are not cut into bands, and a window
// has 256 taps at most. All that they take is quicker so than one layer after the other.
bool conv_pool_takes(const ConvShape& s, const PoolShape& pool);

// out and winner (N, F, H'', W''): as those of max-pool.
void conv_pool_forward(const ConvShape& s, const PoolShape& pool, const float* x, const float* w, const float* b, float* out,
                       std::uint8_t* winner);
void conv_pool_backward_x(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                          const float* w, float* dx);
void conv_pool_backward_w(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                          const float* x, float* dw, float* db);

// The moments of a convolution's windows: shift (C,), a mean of each channel of x, and the sums over all pixels of the
// products of any two taps less their shifts, and of each with 1: products (taps + 1, taps + 1), the number of pixels
// its last.
template <class T>
void conv_moments(const ConvShape& s, const T* x, T* shift, double* products);

}  // namespace handgrad
