// Winograd's convolution on all threads, where it is quicker than the direct one.
#pragma once

#include "conv.h"
#include "kernels/pool.h"
#include "moments.h"

namespace handgrad {

// Whether it may be used at all: yes, unless HANDGRAD_WINOGRAD=off or set_winograd(false).
bool winograd_allowed();
void set_winograd(bool allowed);
// Throws std::invalid_argument where HANDGRAD_WINOGRAD is neither 'on' nor 'off' nor empty.
void set_winograd_from_environment();

// Whether this shape is convolved so in single precision: 3 x 3, stride 1, channels enough.
bool winograd_takes(const ConvShape& s);

// The same as the functions of conv.h, for shapes that winograd_takes.
void winograd_forward(const ConvShape& s, const float* x, const float* w, const float* b, bool relu, float* out,
                      const ChannelMoments& moments = {});
void winograd_backward_x(const ConvShape& s, const float* dout, const float* w, float* dx);
void winograd_backward_w(const ConvShape& s, const float* dout, const float* x, float* dw, float* db);

// The same as the functions of block.h for convolution and max-pool in one, for shapes that winograd_pool_takes.
bool winograd_pool_takes(const ConvShape& s, const PoolShape& pool);
void winograd_pool_forward(const ConvShape& s, const PoolShape& pool, const float* x, const float* w, const float* b, float* out,
                           std::uint8_t* winner);
void winograd_pool_backward_x(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                              const float* w, float* dx);
void winograd_pool_backward_w(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                              const float* x, float* dw, float* db);

}  // namespace handgrad
