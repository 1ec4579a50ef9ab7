// What pooling is asked for; the same for every instruction set.
#pragma once

#include <cstdint>

namespace handgrad {

// Planes of height x width numbers, and what the window makes of them: out_height x out_width.
struct PoolShape {
    std::int64_t height, width;
    std::int64_t window_y, window_x, stride_y, stride_x;

    std::int64_t out_height() const { return (height - window_y) / stride_y + 1; }
    std::int64_t out_width() const { return (width - window_x) / stride_x + 1; }
    std::int64_t plane() const { return height * width; }
    std::int64_t out_plane() const { return out_height() * out_width(); }
    std::int64_t taps() const { return window_y * window_x; }
    bool halves() const { return window_y == 2 && window_x == 2 && stride_y == 2 && stride_x == 2; }
};

// On `planes` planes one after the other. The window fits into the plane; for the maximum it has at most 256 taps, and
// `winner` is the number of the first that holds it, counted in row-major order. A NaN wins. `stream` writes dx past the
// caches.
template <class T>
struct PoolKernels {
    void (*max)(const PoolShape& s, const T* x, T* out, std::uint8_t* winner, std::int64_t planes);
    void (*max_gradient)(const PoolShape& s, const T* dout, const std::uint8_t* winner, T* dx, std::int64_t planes, bool stream);
    void (*average)(const PoolShape& s, const T* x, T* out, std::int64_t planes);
    void (*average_gradient)(const PoolShape& s, const T* dout, T* dx, std::int64_t planes, bool stream);
    // out = the mean of each plane of `length` numbers; dx = dout / length all over the plane.
    void (*mean)(const T* x, T* out, std::int64_t planes, std::int64_t length);
    void (*mean_gradient)(const T* dout, T* dx, std::int64_t planes, std::int64_t length, bool stream);
};

}  // namespace handgrad
