#include "linear.h"

#include <algorithm>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace handgrad {

namespace {

// Below this many multiply-adds, waking a thread takes longer than it saves.
constexpr double kSmall = 1e6;

// C cut into rows x columns pieces, one for each thread.
struct Grid {
    int rows = 1, columns = 1;
};

// Each piece packs its own rows of A and columns of B: the fewer of both together, the less is packed twice.
Grid grid_for(std::int64_t m, std::int64_t n, int width, int threads) {
    Grid best;
    double least = 0;
    for (int rows = 1; rows <= threads; ++rows) {
        if (threads % rows != 0) continue;
        const int columns = threads / rows;
        if (rows > m || (columns - 1) * static_cast<std::int64_t>(width) >= n) continue;
        const double packed = static_cast<double>(m) / rows + static_cast<double>(n) / columns;
        if (least == 0 || packed <= least) {
            least = packed;
            best = {rows, columns};
        }
    }
    return best;
}

// Piece i of `count` along `length`, cut at multiples of `unit`.
std::int64_t cut(std::int64_t length, std::int64_t unit, int i, int count) {
    const std::int64_t units = (length + unit - 1) / unit;
    return std::min(length, units * i / count * unit);
}

template <class T>
Gemm<T> piece_of(const Gemm<T>& g, const Grid& grid, int width, int number) {
    const int row = number / grid.columns, column = number % grid.columns;
    const std::int64_t i = cut(g.m, 1, row, grid.rows), j = cut(g.n, width, column, grid.columns);
    Gemm<T> piece = g;
    piece.m = cut(g.m, 1, row + 1, grid.rows) - i;
    piece.n = cut(g.n, width, column + 1, grid.columns) - j;
    piece.a += i * g.a_row;
    piece.b += j * g.b_column;
    piece.c += i * g.c_row + j;
    if (g.finish.row_bias) piece.finish.row_bias += i;
    if (g.finish.column_bias) piece.finish.column_bias += j;
    return piece;
}

}  // namespace

template <class T>
void gemm(const Gemm<T>& g) {
    const Kernels<T>& k = kernels().of<T>();
    const double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
    const Grid grid = work < kSmall ? Grid{} : grid_for(g.m, g.n, k.gemm_width, num_threads());
    const int pieces = grid.rows * grid.columns;
    std::int64_t share = 0;
    for (int i = 0; i < pieces; ++i) share = std::max(share, k.gemm_workspace(piece_of(g, grid, k.gemm_width, i)));
    const Scratch<T> workspace(static_cast<std::size_t>(share * pieces));
    parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i)
            k.gemm(piece_of(g, grid, k.gemm_width, static_cast<int>(i)),
                   workspace.get() + i * share);
    });
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
