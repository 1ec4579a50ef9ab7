// Pooling of narrow images, whose rows of windows would leave most of a vector idle: a lane is a plane instead. So many planes
// are turned into an array with a vector for each pixel, pooled pixel by pixel, and turned back.
#pragma once

#include "apart.h"
#include "pool.h"
#include "simd.h"
#include "tuning.h"

namespace handgrad::HANDGRAD_ISA {

// Whether rows have so few windows, and planes so few pixels.
template <class T>
bool fits_lanes(const PoolShape& s) {
    return s.plane() <= kNarrowPixels && s.out_width() <= kNarrowWindows && 2 * s.out_width() <= Simd<T>::lanes;
}

// Turns one member of an array as `transpose` does.
template <class S, class Part>
HANDGRAD_INLINE void turn_member(Part (&all)[S::lanes], typename S::Vec Part::*member) {
    typename S::Vec v[S::lanes];
    HANDGRAD_UNROLL
    for (int i = 0; i < S::lanes; ++i) v[i] = all[i].*member;
    transpose<S>(v);
    HANDGRAD_UNROLL
    for (int i = 0; i < S::lanes; ++i) all[i].*member = v[i];
}

// Pixel p of plane i of `planes`, at most a lane each, becomes lane i of vector p. Asks for the planes behind them.
template <class T>
void to_lanes(const T* x, std::int64_t pixels, int planes, T* to) {
    using S = Simd<T>;
    by_lanes<S>(pixels, [=](std::int64_t p, int n) HANDGRAD_INLINED {
        typename S::Vec v[S::lanes];
        for (int i = 0; i < S::lanes; ++i) {
            prefetch_read(x + (S::lanes + i) * pixels + p);
            v[i] = i < planes ? load_some<S>(x + i * pixels + p, n) : S::zero();
        }
        transpose<S>(v);
        for (int i = 0; i < n; ++i) S::store(to + (p + i) * S::lanes, v[i]);
    });
}

// And back.
template <class T>
void from_lanes(const T* from, std::int64_t pixels, int planes, T* x) {
    using S = Simd<T>;
    by_lanes<S>(pixels, [=](std::int64_t p, int n) HANDGRAD_INLINED {
        typename S::Vec v[S::lanes];
        for (int i = 0; i < S::lanes; ++i) v[i] = i < n ? S::load(from + (p + i) * S::lanes) : S::zero();
        transpose<S>(v);
        for (int i = 0; i < planes; ++i) {
            prefetch(x + (S::lanes + i) * pixels + p);
            store_some<S>(x + i * pixels + p, v[i], n);
        }
    });
}

// The first pixel of one window after another, row by row.
struct Windows {
    const PoolShape& shape;
    std::int64_t x = 0, y = 0;
    HANDGRAD_INLINE std::int64_t next() {
        const std::int64_t pixel = y * shape.stride_y * shape.width + x * shape.stride_x;
        if (++x == shape.out_width()) x = 0, ++y;
        return pixel;
    }
};

// body(distance in numbers from the first tap, tap) for the taps of a window of Y x X, or any size (0).
template <class S, int Y, int X, class Body>
HANDGRAD_INLINE void for_taps(const PoolShape& s, const Body& body) {
    const std::int64_t row = s.width * S::lanes;
    if constexpr (Y > 0) {
        HANDGRAD_UNROLL
        for (int tap = 0; tap < Y * X; ++tap) body(tap / X * row + tap % X * S::lanes, tap);
    } else {
        int tap = 0;
        for (std::int64_t r = 0; r < s.window_y; ++r)
            for (std::int64_t c = 0; c < s.window_x; ++c, ++tap) body(r * row + c * S::lanes, tap);
    }
}

template <int Y, int X, class T, class Fold>
void pool_lanes(const PoolShape& s, const T* x, std::int64_t planes, const Fold fold) {
    using S = Simd<T>;
    alignas(64) T pixels[kNarrowPixels * S::lanes];
    const std::int64_t outs = s.out_plane();
    for (std::int64_t first = 0; first < planes; first += S::lanes) {
        const int count = within(planes - first, S::lanes);
        to_lanes(x + first * s.plane(), s.plane(), count, pixels);
        Windows at{s};
        by_lanes<S>(outs, [&](std::int64_t o, int n) HANDGRAD_INLINED {
            typename Fold::Part parts[S::lanes]{};
            for (int k = 0; k < n; ++k) {
                const T* const from = pixels + at.next() * S::lanes;
                auto part = fold.at(S::load(from), 0);
                for_taps<S, Y, X>(s, [&](std::int64_t distance, int tap) HANDGRAD_INLINED {
                    if (tap > 0) part = fold.joined(part, fold.at(S::load(from + distance), tap));
                });
                parts[k] = part;
            }
            fold.turn(parts);
            for (int i = 0; i < count; ++i) fold.store((first + i) * outs + o, parts[i], n);
        });
    }
}

template <class T, class Fold>
void pool_in_lanes(const PoolShape& s, const T* x, std::int64_t planes, const Fold& fold) {
    if (s.window_y == 2 && s.window_x == 2) return pool_lanes<2, 2>(s, x, planes, fold);
    if (s.window_y == 3 && s.window_x == 3) return pool_lanes<3, 3>(s, x, planes, fold);
    pool_lanes<0, 0>(s, x, planes, fold);
}

// The gradient: share.of(share.load(at, n), tap) is what a tap of outputs at .. at + n gets.
template <int Y, int X, class T, class Share>
void spread_lanes(const PoolShape& s, T* dx, std::int64_t planes, const Share share) {
    using S = Simd<T>;
    alignas(64) T pixels[kNarrowPixels * S::lanes];
    const std::int64_t outs = s.out_plane();
    for (std::int64_t first = 0; first < planes; first += S::lanes) {
        const int count = within(planes - first, S::lanes);
        clear(pixels, s.plane() * S::lanes);
        Windows at{s};
        by_lanes<S>(outs, [&](std::int64_t o, int n) HANDGRAD_INLINED {
            decltype(share.load(0, 0)) loaded[S::lanes]{};
            for (int i = 0; i < count; ++i) loaded[i] = share.load((first + i) * outs + o, n);
            share.turn(loaded);
            for (int k = 0; k < n; ++k) {
                T* const to = pixels + at.next() * S::lanes;
                const auto given = loaded[k];
                for_taps<S, Y, X>(s, [&](std::int64_t distance, int tap) HANDGRAD_INLINED {
                    S::store(to + distance, S::add(S::load(to + distance), share.of(given, tap)));
                });
            }
        });
        from_lanes(pixels, s.plane(), count, dx + first * s.plane());
    }
}

template <class T, class Share>
void spread_in_lanes(const PoolShape& s, T* dx, std::int64_t planes, const Share& share) {
    if (s.window_y == 2 && s.window_x == 2) return spread_lanes<2, 2>(s, dx, planes, share);
    if (s.window_y == 3 && s.window_x == 3) return spread_lanes<3, 3>(s, dx, planes, share);
    spread_lanes<0, 0>(s, dx, planes, share);
}

}  // namespace handgrad::HANDGRAD_ISA
