// Packing: copies a panel into the order in which the innermost loop reads it.
#pragma once

#include "simd.h"

namespace handgrad::HANDGRAD_ISA {

// to[p * width + r] = from[r * row + p * step] for r < rows, 0 for rows <= r < width, for p < k.
// Nothing is written past to[k * width]. Where rows or steps lie side by side, what lies `ahead` numbers after what is read is
// asked for, unless that is 0: a matrix is packed in runs too short for the machine to foresee the next one.

template <class T>
inline void pack_one_by_one(T* to, int width, int rows, std::int64_t k, const T* from, std::int64_t row,
                            std::int64_t step) {
    for (std::int64_t p = 0; p < k; ++p, to += width, from += step) {
        for (int r = 0; r < rows; ++r) to[r] = from[r * row];
        for (int r = rows; r < width; ++r) to[r] = T(0);
    }
}

// Rows side by side (row = 1): one copy for each p.
template <class T>
inline void pack_copy(T* to, int width, int rows, std::int64_t k, const T* from, std::int64_t step, std::int64_t ahead) {
    using S = Simd<T>;
    for (std::int64_t p = 0; p < k; ++p, to += width, from += step)
        for (int r = 0; r < width; r += S::lanes) {
            if (ahead != 0) prefetch_read(from + ahead + r);
            const int here = width - r < S::lanes ? width - r : S::lanes;
            const int there = rows - r < 0 ? 0 : rows - r < here ? rows - r : here;
            if (there == S::lanes)
                S::store(to + r, S::load(from + r));
            else
                S::store_part(to + r, S::load_part(from + r, there), here);
        }
}

// Each row in one piece (step = 1): squares of lanes x lanes are turned in registers.
template <class T>
inline void pack_turn(T* to, int width, int rows, std::int64_t k, const T* from, std::int64_t row, std::int64_t ahead) {
    using S = Simd<T>;
    for (std::int64_t p = 0; p < k; p += S::lanes) {
        const int deep = k - p < S::lanes ? static_cast<int>(k - p) : S::lanes;
        for (int r = 0; r < width; r += S::lanes) {
            typename S::Vec v[S::lanes];
            const T* at = from + r * row + p;
            HANDGRAD_UNROLL
            for (int i = 0; i < S::lanes; ++i) {
                if (r + i >= rows)
                    v[i] = S::zero();
                else
                    v[i] = deep == S::lanes ? S::load(at + i * row) : S::load_part(at + i * row, deep);
                if (ahead != 0 && r + i < rows) prefetch_read(at + i * row + ahead);
            }
            transpose<S>(v);
            T* out = to + p * width + r;
            const int wide = width - r;
            HANDGRAD_UNROLL
            for (int i = 0; i < S::lanes; ++i) {
                if (i < deep) {
                    if (wide >= S::lanes)
                        S::store(out + i * width, v[i]);
                    else
                        S::store_part(out + i * width, v[i], wide);
                }
            }
        }
    }
}

template <class T>
inline void pack_panel(T* to, int width, int rows, std::int64_t k, const T* from, std::int64_t row,
                       std::int64_t step, std::int64_t ahead = 0) {
    if (row == 1)
        pack_copy(to, width, rows, k, from, step, ahead);
    else if (step == 1)
        pack_turn(to, width, rows, k, from, row, ahead);
    else
        pack_one_by_one(to, width, rows, k, from, row, step);
}

}  // namespace handgrad::HANDGRAD_ISA
