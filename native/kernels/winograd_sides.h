// The transforms of Winograd's convolution: products with the small matrices of winograd.h, a vector of channels or filters
// at a time.
#pragma once

#include "simd.h"

namespace handgrad::HANDGRAD_ISA {

using S = Simd<float>;
using Vec = S::Vec;

HANDGRAD_INLINE Vec times(float factor, Vec a) { return S::mul(S::splat(factor), a); }
HANDGRAD_INLINE Vec plus_times(Vec a, float factor, Vec b) { return S::fma(S::splat(factor), b, a); }

// One side of B^T d B.
HANDGRAD_INLINE void input_side(const Vec (&d)[6], Vec (&o)[6]) {
    o[0] = plus_times(plus_times(d[4], -5, d[2]), 4, d[0]);
    const Vec a = plus_times(d[4], -4, d[2]), b = plus_times(d[3], -4, d[1]);
    o[1] = S::add(a, b);
    o[2] = S::sub(a, b);
    const Vec c = S::sub(d[4], d[2]), e = times(2, S::sub(d[3], d[1]));
    o[3] = S::add(c, e);
    o[4] = S::sub(c, e);
    o[5] = plus_times(plus_times(d[5], -5, d[3]), 4, d[1]);
}

// One side of A^T m A.
HANDGRAD_INLINE void output_side(const Vec (&m)[6], Vec (&o)[4]) {
    const Vec a = S::add(m[1], m[2]), b = S::sub(m[1], m[2]), c = S::add(m[3], m[4]), d = S::sub(m[3], m[4]);
    o[0] = S::add(m[0], S::add(a, c));
    o[1] = plus_times(b, 2, d);
    o[2] = plus_times(a, 4, c);
    o[3] = S::add(m[5], plus_times(b, 8, d));
}

// One side of A dy A^T.
HANDGRAD_INLINE void gradient_side(const Vec (&d)[4], Vec (&o)[6]) {
    const Vec even = S::add(d[0], d[2]), odd = S::add(d[1], d[3]);
    const Vec even2 = plus_times(d[0], 4, d[2]), odd2 = plus_times(times(2, d[1]), 8, d[3]);
    o[0] = d[0];
    o[1] = S::add(even, odd);
    o[2] = S::sub(even, odd);
    o[3] = S::add(even2, odd2);
    o[4] = S::sub(even2, odd2);
    o[5] = d[3];
}

// One side of G g G^T.
HANDGRAD_INLINE void filter_side(const Vec (&g)[3], Vec (&o)[6]) {
    const Vec ends = S::add(g[0], g[2]), far = plus_times(times(1.0f / 24, g[0]), 1.0f / 6, g[2]);
    o[0] = times(0.25f, g[0]);
    o[1] = times(-1.0f / 6, S::add(ends, g[1]));
    o[2] = times(-1.0f / 6, S::sub(ends, g[1]));
    o[3] = plus_times(far, 1.0f / 12, g[1]);
    o[4] = plus_times(far, -1.0f / 12, g[1]);
    o[5] = g[2];
}

// One side of G^T du G.
HANDGRAD_INLINE void filter_gradient_side(const Vec (&u)[6], Vec (&o)[3]) {
    const Vec near = S::add(u[1], u[2]), far = S::add(u[3], u[4]);
    const Vec near_odd = S::sub(u[2], u[1]), far_odd = S::sub(u[3], u[4]);
    o[0] = plus_times(plus_times(times(0.25f, u[0]), -1.0f / 6, near), 1.0f / 24, far);
    o[1] = plus_times(times(1.0f / 6, near_odd), 1.0f / 12, far_odd);
    o[2] = plus_times(plus_times(u[5], -1.0f / 6, near), 1.0f / 6, far);
}

// Both sides: `load(i, j)` gives the tile's numbers, `store(i, j, v)` takes the results.
template <int In, int Out, void (*side)(const Vec (&)[In], Vec (&)[Out]), class Load, class Store>
HANDGRAD_INLINE void both_sides(const Load& load, const Store& store) {
    Vec half[Out][In];
    HANDGRAD_UNROLL
    for (int j = 0; j < In; ++j) {
        Vec column[In], turned[Out];
        HANDGRAD_UNROLL
        for (int i = 0; i < In; ++i) column[i] = load(i, j);
        side(column, turned);
        HANDGRAD_UNROLL
        for (int i = 0; i < Out; ++i) half[i][j] = turned[i];
    }
    HANDGRAD_UNROLL
    for (int i = 0; i < Out; ++i) {
        Vec row[Out];
        side(half[i], row);
        HANDGRAD_UNROLL
        for (int j = 0; j < Out; ++j) store(i, j, row[j]);
    }
}

}  // namespace handgrad::HANDGRAD_ISA
