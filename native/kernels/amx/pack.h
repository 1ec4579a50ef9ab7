// Packing: numbers cut into pieces, laid as the tiles want them. Past an edge lie zeros.
//
// A matrix comes with its strides: element (r, c) lies at from[r * row + c * column]. Squares are visited so that
// neighbours in memory follow one another; the next strip of squares is asked for while one is packed, since rows
// may lie far apart and no prefetcher of the machine follows so many of them.
#pragma once

#include "../simd.h"
#include "../tuning.h"
#include "tiles.h"

namespace handgrad::HANDGRAD_ISA {

using S = Simd<float>;

// 16 x 16 numbers as 16 vectors, of which rows x columns are read: for matrices whose rows are not in one piece.
inline void load_square(__m512 (&v)[16], const float* from, int rows, int columns, std::int64_t row, std::int64_t column) {
    alignas(64) float line[16] = {};
    HANDGRAD_UNROLL
    for (int c = 0; c < 16; ++c) {
        v[c] = S::zero();
        if (c >= columns) continue;
        if (row == 1) {
            v[c] = S::load_part(from + c * column, rows);
        } else {
            for (int r = 0; r < rows; ++r) line[r] = from[r * row + c * column];
            v[c] = S::load(line);
        }
    }
    transpose<S>(v);
}

// One tile of the left factor: 16 rows of 32 numbers, of which rows x columns are read.
inline void pack_rows_tile(float* to, const float* from, int rows, int columns, std::int64_t row, std::int64_t column) {
    const int low = within(columns, 16), high = within(columns - 16, 16);
    if (column == 1) {
        for (int r = 0; r < rows; ++r)
            split<Rows>(to + r * 16, S::load_part(from + r * row, low), S::load_part(from + r * row + 16, high));
        for (int r = rows; r < kTile; ++r) split<Rows>(to + r * 16, S::zero(), S::zero());
    } else {
        __m512 a[16], b[16];
        load_square(a, from, rows, low, row, column);
        load_square(b, from + 16 * column, rows, high, row, column);
        for (int r = 0; r < kTile; ++r) split<Rows>(to + r * 16, a[r], b[r]);
    }
}

// Half a tile of the right factor: 8 pairs of rows of 16 numbers, of which rows x columns are read.
inline void pack_pairs_half(float* to, const float* from, int rows, int columns, std::int64_t row, std::int64_t column) {
    if (column == 1) {
        for (int r = 0; r < 16; r += 2)
            split<Pairs>(to + r * 8, r < rows ? S::load_part(from + r * row, columns) : S::zero(),
                         r + 1 < rows ? S::load_part(from + (r + 1) * row, columns) : S::zero());
    } else {
        __m512 v[16];
        load_square(v, from, rows, columns, row, column);
        for (int r = 0; r < 16; r += 2) split<Pairs>(to + r * 8, v[r], v[r + 1]);
    }
}

inline void prefetch_lines(const float* from, int lines, std::int64_t apart) {
    for (int i = 0; i < lines; ++i) _mm_prefetch(from + i * apart, _MM_HINT_T0);
}

// The left factor, m x k, as panels of 32 rows.
inline void pack_rows(float* to, const float* from, std::int64_t m, std::int64_t k, std::int64_t row, std::int64_t column) {
    const std::int64_t steps = steps_of(k), rows = panels_of(m) * kPanel, depth = steps * kStep;
    const auto tile = [=](std::int64_t i, std::int64_t p) {
        pack_rows_tile(to + (i / kPanel * steps + p / kStep) * kStepFloats + i / kTile % 2 * kTileFloats,
                       from + i * row + p * column, within(m - i, kTile), within(k - p, kStep), row, column);
    };
    if (column == 1) {
        for (std::int64_t i = 0; i < rows; i += kTile)
            for (std::int64_t p = 0; p < depth; p += kStep) {
                const float* next = from + (i + kTile) * row + p;
                prefetch_lines(next, within(m - i - kTile, kTile), row);
                prefetch_lines(next + 16, within(m - i - kTile, kTile), row);
                tile(i, p);
            }
    } else {
        for (std::int64_t p = 0; p < depth; p += kStep)
            for (std::int64_t i = 0; i < rows; i += kTile) {
                prefetch_lines(from + i * row + (p + kStep) * column, within(k - p - kStep, kStep), column);
                tile(i, p);
            }
    }
}

// The right factor, k x n, as panels of 32 columns.
inline void pack_pairs(float* to, const float* from, std::int64_t k, std::int64_t n, std::int64_t row, std::int64_t column) {
    constexpr int kSquare = 16;
    const std::int64_t steps = steps_of(k), columns = panels_of(n) * kPanel, depth = steps * kStep;
    const auto half = [=](std::int64_t p, std::int64_t j) {
        pack_pairs_half(to + (j / kPanel * steps + p / kStep) * kStepFloats + j / kTile % 2 * kTileFloats +
                            p / kSquare % 2 * (kTileFloats / 2),
                        from + p * row + j * column, within(k - p, kSquare), within(n - j, kTile), row, column);
    };
    if (column == 1) {
        for (std::int64_t p = 0; p < depth; p += kSquare)
            for (std::int64_t j = 0; j < columns; j += kTile) {
                prefetch_lines(from + (p + kSquare) * row + j, within(k - p - kSquare, kSquare), row);
                half(p, j);
            }
    } else {
        for (std::int64_t j = 0; j < columns; j += kTile)
            for (std::int64_t p = 0; p < depth; p += kSquare) {
                prefetch_lines(from + p * row + (j + kTile) * column, within(n - j - kTile, kTile), column);
                half(p, j);
            }
    }
}

}  // namespace handgrad::HANDGRAD_ISA
