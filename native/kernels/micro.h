// The innermost loops: a tile of the result in registers, and the choice of a tile's shape at the edges.
#pragma once

#include "gemm.h"
#include "tuning.h"

namespace handgrad::HANDGRAD_ISA {

// Lines of a matrix that is not packed: those at from + v across + p % kLine step + p / kLine run are asked for in step p, for
// v = first, first + by, ... up to last.
template <class T>
struct Lines {
    const T* from = nullptr;
    std::int64_t across = 0, step = 0, run = 0;
    int first = 0, last = 0, by = 1;

    HANDGRAD_INLINE void ask(std::int64_t p) const {
        const T* at = from + p % kLine<T> * step + p / kLine<T> * run;
        for (int v = first; v <= last; v += by) prefetch_read(at + v * across);
    }
};

// One tile: rows x columns of C from rows of A and columns of B.
//   a       element (i, p) at a[i * a_row + p * a_step]; packed panels have a_row = 1, a_step = rows
//   b       row p at b + p * b_step; whole vectors are read, so past `columns` something must lie there
//   c       row i at c + i * c_row; only `columns` numbers of a row are read or written
template <class T>
struct Tile {
    std::int64_t k;
    const T* a;
    std::int64_t a_row, a_step;
    const T* b;
    std::int64_t b_step;
    T* c;
    std::int64_t c_row;
    int columns;
    bool add;
    Finish<T> finish;  // its pointers point at this tile's first row and column
    const T* ahead = nullptr;  // what later tiles read: for every row of this one, `ahead_lines` lines of it are asked for
    int ahead_lines = 0;
    Lines<T> lines = {};       // the same, where B is not packed beforehand: a few lines every step
};

// sum + factor row: what a step adds to a vector of sums.
template <class S>
HANDGRAD_INLINE typename S::Vec plus_product(typename S::Vec sum, typename S::Vec factor, typename S::Vec row) {
#if defined(HANDGRAD_ISA_PAIRS)  // where a float32 holds two numbers of bfloat16: the products of the first and of the second
    if constexpr (sizeof(row[0]) == sizeof(float))
        return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(factor), reinterpret_cast<__m512bh>(row));
#endif
    return S::fma(factor, row, sum);
}

template <class T, int V>
HANDGRAD_INLINE void finish_row(const Tile<T>& t, int row, typename Simd<T>::Vec (&sum)[V]) {
    using S = Simd<T>;
    T* c = t.c + row * t.c_row;
    HANDGRAD_UNROLL
    for (int j = 0; j < V; ++j) {
        const int left = t.columns - j * S::lanes;
        const bool whole = left >= S::lanes;
        T* to = c + j * S::lanes;
        if (t.add) sum[j] = S::add(sum[j], whole ? S::load(to) : S::load_part(to, left));
        if (t.finish.row_bias) sum[j] = S::add(sum[j], S::splat(t.finish.row_bias[row]));
        if (t.finish.column_bias) {
            const T* bias = t.finish.column_bias + j * S::lanes;
            sum[j] = S::add(sum[j], whole ? S::load(bias) : S::load_part(bias, left));
        }
        if (t.finish.relu) sum[j] = S::relu(sum[j]);
        if (whole)
            S::store(to, sum[j]);
        else
            S::store_part(to, sum[j], left);
    }
}

// A whole tile that nothing is added to but C: no questions from row to row.
template <class T, int R, int V>
HANDGRAD_INLINE void store_tile(const Tile<T>& t, typename Simd<T>::Vec (&sums)[R][V]) {
    using S = Simd<T>;
    T* c = t.c;
    HANDGRAD_UNROLL
    for (int i = 0; i < R; ++i, c += t.c_row) {
        HANDGRAD_UNROLL
        for (int j = 0; j < V; ++j) {
            if (t.add) sums[i][j] = S::add(sums[i][j], S::load(c + j * S::lanes));
            S::store(c + j * S::lanes, sums[i][j]);
        }
    }
}

// A panel of A comes from the second-level cache; so many steps before it is used it is asked for. So are rows of B that
// are read in place: where they lie so far apart, a page holds only a few, and the machine follows no further by itself.
inline constexpr int kStepsAhead = 12;
inline constexpr std::int64_t kFarBytes = 1024;
// C, and what later tiles read, is farther away. It is asked for a row of the tile at a time, every so many steps: all
// at once, the requests would hold the few buffers (16) through which the panels come into the first-level cache.
inline constexpr int kStepsBetween = 8;

// A tile of exactly R rows and more than V - 1 vectors. kPacked promises a_row = 1; only kAsks asks for `lines`.
template <class T, int R, int V, bool kPacked, bool kAsks>
void micro(const Tile<T>& t) {
    using S = Simd<T>;
    typename S::Vec sums[R][V];
    HANDGRAD_UNROLL
    for (int i = 0; i < R; ++i) {
        HANDGRAD_UNROLL
        for (int j = 0; j < V; ++j) sums[i][j] = S::zero();
    }
    const T *a = t.a, *b = t.b;
    const std::int64_t a_row = kPacked ? 1 : t.a_row;
    const bool far = t.b_step * static_cast<std::int64_t>(sizeof(T)) > kFarBytes;
    std::int64_t p = 0;
    const auto step = [&]() HANDGRAD_INLINED {
        if constexpr (kAsks) {
            t.lines.ask(p);
            ++p;
        }
        if constexpr (kPacked) {
            prefetch_read(a + kStepsAhead * R);
            if constexpr (R > kLine<T>) prefetch_read(a + kStepsAhead * R + kLine<T>);
        }
        if (far && !kAsks) {
            prefetch_read(b + kStepsAhead * t.b_step);
            prefetch_read(b + kStepsAhead * t.b_step + V * S::lanes - 1);
        }
        typename S::Vec row[V];
        HANDGRAD_UNROLL
        for (int j = 0; j < V; ++j) row[j] = S::load(b + j * S::lanes);
        HANDGRAD_UNROLL
        for (int i = 0; i < R; ++i) {
            const typename S::Vec factor = S::splat(a[i * a_row]);
            HANDGRAD_UNROLL
            for (int j = 0; j < V; ++j) sums[i][j] = plus_product<S>(sums[i][j], factor, row[j]);
        }
        a += t.a_step;
        b += t.b_step;
    };
    std::int64_t left = t.k;
    const std::int64_t between = least(left / R, kStepsBetween);
    const T *c = t.c, *ahead = t.ahead;
    for (int i = 0; i < R; ++i, c += t.c_row) {
        HANDGRAD_UNROLL
        for (int j = 0; j < V; ++j) prefetch(c + j * S::lanes);
        prefetch(c + V * S::lanes - 1);  // a row that begins within a line reaches into one more
        for (int line = 0; line < t.ahead_lines; ++line, ahead += kLine<T>) prefetch_read(ahead);
        for (const std::int64_t until = left - between; left > until; --left) step();
    }
    for (; left > 0; --left) step();
    if (t.columns == V * S::lanes && t.finish.nothing()) return store_tile<T, R, V>(t, sums);
    HANDGRAD_UNROLL
    for (int i = 0; i < R; ++i) finish_row<T, V>(t, i, sums[i]);
}

template <class T, int V, bool kPacked, bool kAsks, int R = kRows>
inline void micro_of_rows(int rows, const Tile<T>& t) {
    if constexpr (R > 1) {
        if (rows < R) return micro_of_rows<T, V, kPacked, kAsks, R - 1>(rows, t);
    }
    micro<T, R, V, kPacked, kAsks>(t);
}

// A tile of 1..kRows rows and 1..width columns: the smallest shape that holds it.
template <class T, bool kPacked = true, bool kAsks = false>
inline void micro_tile(int rows, const Tile<T>& t) {
    static_assert(kVectors == 2);
    if (t.columns > Simd<T>::lanes)
        micro_of_rows<T, 2, kPacked, kAsks>(rows, t);
    else
        micro_of_rows<T, 1, kPacked, false>(rows, t);
}

// `count` rows in panels of nearly one height, none above kRows: a last panel of few rows would waste the units.
struct Panels {
    explicit Panels(std::int64_t rows)
        : count((rows + kRows - 1) / kRows),
          low(count > 0 ? static_cast<int>(rows / count) : 0),
          higher(rows - low * count) {}
    std::int64_t begin(std::int64_t i) const { return i * low + (i < higher ? i : higher); }
    int height(std::int64_t i) const { return low + (i < higher ? 1 : 0); }
    std::int64_t count;   // of panels
    int low;              // the height of most
    std::int64_t higher;  // so many at the beginning have one row more
};

// Tile `number` of `count` asks for its share of what is multiplied next, `size` numbers in one piece.
template <class T>
HANDGRAD_INLINE void ask_for_share(Tile<T>& tile, const T* next, std::int64_t size, std::int64_t count, std::int64_t number) {
    const std::int64_t lines = ceil_div(size, kLine<T> * count * kRows);
    tile.ahead = next + number * kRows * lines * kLine<T>;
    tile.ahead_lines = static_cast<int>(lines);
}

}  // namespace handgrad::HANDGRAD_ISA
