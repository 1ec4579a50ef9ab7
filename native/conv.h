// Convolution of a batch of images, on all threads.
#pragma once

#include <cstdint>

#include "moments.h"

namespace handgrad {

struct ConvShape {
    std::int64_t n, c, h, w;                // images
    std::int64_t f, hh, ww;                 // filters (F, C, HH, WW)
    std::int64_t stride_y, stride_x, pad_y, pad_x;

    std::int64_t out_h() const { return (h + 2 * pad_y - hh) / stride_y + 1; }
    std::int64_t out_w() const { return (w + 2 * pad_x - ww) / stride_x + 1; }
    std::int64_t taps() const { return c * hh * ww; }
};

// out (N, F, H', W') of x (N, C, H, W), w (F, C, HH, WW), b (F,), negative numbers as 0 for `relu`. Where `moments` are
// asked for, those of each filter's numbers in out, taken while these are still in the caches.
template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* b, bool relu, T* out,
                  const ChannelMoments& moments = {});

// dx (N, C, H, W) of dout (N, F, H', W').
template <class T>
void conv_backward_x(const ConvShape& s, const T* dout, const T* w, T* dx);

// dw (F, C, HH, WW) and db (F,) of dout.
template <class T>
void conv_backward_w(const ConvShape& s, const T* dout, const T* x, T* dw, T* db);

// The same for the gradient of relu's output `out`, and for x less `shift` (C,), zeros around it included.
template <class T>
void conv_relu_backward_w(const ConvShape& s, const T* dout, const T* out, const T* x, const T* shift, T* dw, T* db);

}  // namespace handgrad
