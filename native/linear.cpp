#include "linear.h"

#include <algorithm>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace handgrad {

namespace {

// Below this many multiply-adds, waking a thread takes longer than it saves.
constexpr double kSmall = 1e6;
// Depths are cut at multiples of this.
constexpr std::int64_t kShallow = 256;

// The product cut into rows x columns x depth pieces, one for each thread. Pieces of one depth make sums of their own,
// which are added afterwards.
struct Grid {
    int rows = 1, columns = 1, depth = 1;
    int pieces() const { return rows * columns * depth; }
};

// Each piece packs its own rows of A and columns of B, and sums of several depths are written and read once more: the
// fewer numbers all in all, the better. Of two that are alike the one with fewer rows: what is packed of B goes through the
// third-level cache, blocks of A stay in the second.
template <class T>
Grid grid_for(const Gemm<T>& g, int width, int threads) {
    const auto m = static_cast<double>(g.m), n = static_cast<double>(g.n), k = static_cast<double>(g.k);
    Grid best;
    double least = 0;
    for (int rows = 1; rows <= threads; ++rows)
        for (int columns = 1; rows * columns <= threads; ++columns) {
            if (threads % (rows * columns) != 0) continue;
            const int depth = threads / (rows * columns);
            if (rows > g.m || (columns - 1) * static_cast<std::int64_t>(width) >= g.n) continue;
            if (depth > 1 && (g.add || g.k < depth * kShallow)) continue;
            const double touched = (m / rows + n / columns) * k / depth + (depth > 1 ? 2 * m * n * (depth + 1) / threads : 0);
            if (least == 0 || touched < least) {
                least = touched;
                best = {rows, columns, depth};
            }
        }
    return best;
}

// Piece i of `count` along `length`, cut at multiples of `unit`.
std::int64_t cut(std::int64_t length, std::int64_t unit, int i, int count) {
    const std::int64_t units = (length + unit - 1) / unit;
    return std::min(length, units * i / count * unit);
}

// A piece; with several depths its sums go to `apart`, a matrix like C for each depth, and are not finished.
template <class T>
Gemm<T> piece_of(const Gemm<T>& g, const Grid& grid, int width, int number, T* apart) {
    const int layer = number / (grid.rows * grid.columns), place = number % (grid.rows * grid.columns);
    const int row = place / grid.columns, column = place % grid.columns;
    const std::int64_t i = cut(g.m, 1, row, grid.rows), j = cut(g.n, width, column, grid.columns);
    const std::int64_t p = cut(g.k, kShallow, layer, grid.depth);
    Gemm<T> piece = g;
    if (grid.depth > 1) {
        piece.c = apart + layer * g.m * g.n;
        piece.c_row = g.n;
        piece.finish = {};
    }
    piece.m = cut(g.m, 1, row + 1, grid.rows) - i;
    piece.n = cut(g.n, width, column + 1, grid.columns) - j;
    piece.k = cut(g.k, kShallow, layer + 1, grid.depth) - p;
    piece.a += i * g.a_row + p * g.a_column;
    piece.b += j * g.b_column + p * g.b_row;
    piece.c += i * piece.c_row + j;
    if (piece.finish.row_bias) piece.finish.row_bias += i;
    if (piece.finish.column_bias) piece.finish.column_bias += j;
    return piece;
}

// C = the sums of `depth` layers, finished.
template <class T>
void add_layers(const Gemm<T>& g, const T* layers, int depth) {
    parallel_for(g.m, std::max<std::int64_t>(1, 16384 / g.n), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
            T* c = g.c + i * g.c_row;
            const T row_bias = g.finish.row_bias ? g.finish.row_bias[i] : T(0);
            std::copy_n(layers + i * g.n, g.n, c);
            for (int layer = 1; layer < depth; ++layer) {
                const T* from = layers + (layer * g.m + i) * g.n;
                for (std::int64_t j = 0; j < g.n; ++j) c[j] += from[j];
            }
            for (std::int64_t j = 0; j < g.n; ++j) {
                c[j] += row_bias + (g.finish.column_bias ? g.finish.column_bias[j] : T(0));
                if (g.finish.relu && c[j] <= T(0)) c[j] = T(0);
            }
        }
    });
}

}  // namespace

template <class T>
void gemm(const Gemm<T>& g) {
    const Kernels<T>& k = kernels().of<T>();
    const double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
    const Grid grid = work < kSmall ? Grid{} : grid_for(g, k.gemm_width, num_threads());
    const std::int64_t sums = grid.depth > 1 ? whole_lines<T>(grid.depth * g.m * g.n) : 0;
    const auto piece = [&](std::int64_t i, T* apart) { return piece_of(g, grid, k.gemm_width, static_cast<int>(i), apart); };
    std::int64_t share = 0;
    for (int i = 0; i < grid.pieces(); ++i) share = std::max(share, k.gemm_workspace(piece(i, g.c)));
    share = whole_lines<T>(share);
    const Scratch<T> workspace(static_cast<std::size_t>(sums + share * grid.pieces()));
    T *const apart = workspace.get(), *const own = apart + sums;
    parallel_for(grid.pieces(), 1, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) k.gemm(piece(i, apart), own + i * share);
    });
    if (grid.depth > 1) add_layers(g, apart, grid.depth);
}

template <class T>
void column_sums(T* sums, const T* x, std::int64_t rows, std::int64_t columns) {
    const auto sum = kernels().of<T>().column_sums;
    const std::int64_t grain = std::max<std::int64_t>(64, 65536 / std::max<std::int64_t>(1, rows));
    parallel_for(columns, grain,
                 [&](std::int64_t begin, std::int64_t end, int) { sum(sums, x, rows, columns, begin, end); });
}

template void gemm(const Gemm<float>&);
template void gemm(const Gemm<double>&);
template void column_sums(float*, const float*, std::int64_t, std::int64_t);
template void column_sums(double*, const double*, std::int64_t, std::int64_t);

}  // namespace handgrad
