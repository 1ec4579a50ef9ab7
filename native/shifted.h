// Convolution of stride 1 as shifted products, on all threads, where the tiles of AMX make it the quickest.
#pragma once

#include "conv.h"
#include "kernels/pool.h"
#include "moments.h"

namespace handgrad {

// Whether this shape is convolved so in single precision, at the precision in use.
bool shifted_takes(const ConvShape& s);

// The same as the functions of conv.h, for shapes that shifted_takes.
void shifted_forward(const ConvShape& s, const float* x, const float* w, const float* b, bool relu, float* out,
                     const ChannelMoments& moments = {});
void shifted_backward_x(const ConvShape& s, const float* dout, const float* w, float* dx);
void shifted_backward_w(const ConvShape& s, const float* dout, const float* x, float* dw, float* db);

// The same as the functions of block.h for convolution and max-pool in one, for shapes that shifted_pool_takes.
bool shifted_pool_takes(const ConvShape& s, const PoolShape& pool);
void shifted_pool_forward(const ConvShape& s, const PoolShape& pool, const float* x, const float* w, const float* b, float* out,
                          std::uint8_t* winner);
void shifted_pool_backward_x(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                             const float* w, float* dx);
void shifted_pool_backward_w(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                             const float* x, float* dw, float* db);

}  // namespace handgrad
