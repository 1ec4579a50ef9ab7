// The matrix product of one thread: blocks that fit the caches, packed into panels, tile by tile.
#include "gemm.h"

#include "micro.h"
#include "pack.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// How the micro-kernel comes by B.
enum class Way {
    block,  // packed, a block for many rows of A
    panel,  // turned on the way: packed, a panel just before it is multiplied, while the next one is asked for
    place   // where it lies: rows in one piece, for few rows of A
};

template <class T>
Way way_of(const Gemm<T>& g) {
    using C = Tuning<T>;
    if (g.b_column == 1) return Panels(g.m).count < C::panels_to_pack ? Way::place : Way::block;
    return g.b_row == 1 && g.m <= 2 * C::m_block ? Way::panel : Way::block;
}

// Rows of A that are multiplied together: all of them where B is not packed for them beforehand, but read or turned on the way.
template <class T>
std::int64_t rows_at_once(const Gemm<T>& g) {
    return way_of(g) == Way::block ? least(g.m, Tuning<T>::m_block) : g.m;
}

// Into how many blocks k is cut. Short ones where several panels of A read B in place: all but the first then find it in the
// first-level cache.
template <class T>
std::int64_t blocks_along_k(const Gemm<T>& g) {
    const bool again = way_of(g) == Way::place && Panels(g.m).count > 1 && g.k > kInPlace;
    return again ? ceil_div(g.k, kInPlace) : k_blocks<T>(g.k);
}

// One block: m x n of C from k of A and B. The panels of B: those of a packed block lie one after another, those that are
// read in place are `width` apart in every row. The last of these is always packed, so that nothing past B is read.
template <class T>
struct Block {
    using C = Tuning<T>;
    const Gemm<T>& g;
    T *packed_a, *packed_b;
    Way way;
    std::int64_t i, j, p, m, n, k;  // where it begins, and its size
    bool first, last;               // along k

    const T* b_at() const { return g.b + p * g.b_row + j * g.b_column; }
    bool packs(std::int64_t column) const { return way != Way::place || column + C::width > n; }
    T* packed_panel(std::int64_t column) const { return packed_b + (way == Way::block ? column * k : 0); }

    // Where numbers of a step along k lie side by side, a few steps are packed for all panels before the next few: memory
    // is read in long runs, one for each step, and written in pieces of several lines.
    static constexpr std::int64_t steps_at_once = 8;

    void pack_b(std::int64_t begin, std::int64_t end) const {
        const std::int64_t at_once = g.b_column == 1 ? steps_at_once : k;
        const std::int64_t next = g.b_column == 1 ? at_once * g.b_row : C::width * g.b_column;
        for (std::int64_t step = 0; step < k; step += at_once)
            for (std::int64_t c = begin; c < end; c += C::width)
                pack_panel(packed_panel(c) + step * C::width, C::width, static_cast<int>(least(C::width, n - c)),
                           least(at_once, k - step), b_at() + c * g.b_column + step * g.b_row, g.b_column, g.b_row, next);
    }

    void pack_a(const Panels& panels) const {
        const T* from = g.a + i * g.a_row + p * g.a_column;
        const std::int64_t at_once = g.a_row == 1 ? steps_at_once : k;
        for (std::int64_t step = 0; step < k; step += at_once)
            for (std::int64_t q = 0; q < panels.count; ++q) {
                const std::int64_t row = panels.begin(q);
                const int height = panels.height(q);
                pack_panel(packed_a + row * k + step * height, height, height, least(at_once, k - step),
                           from + row * g.a_row + step * g.a_column, g.a_row, g.a_column,
                           g.a_row == 1 ? at_once * g.a_column : height * g.a_row);
            }
    }

    // The panel of B after column c is brought nearer by the tiles of this one, a share each.
    void ask_ahead(Tile<T>& tile, const Panels& panels, std::int64_t c, std::int64_t q) const {
        const std::int64_t next = c + C::width;
        if (way == Way::block) {
            if (next < n) ask_for_share<T>(tile, packed_panel(next), k * C::width, panels.count, q);
            return;
        }
        const T* from = next < n ? b_at() + next * g.b_column : last ? nullptr : b_at() + k * g.b_row;
        const int first = static_cast<int>(q), by = static_cast<int>(panels.count);
        if (way == Way::place)  // a row begins within a line, and reaches into one more
            tile.lines = {from, kLine<T>, g.b_row, kLine<T> * g.b_row, first, kVectors, by};
        else
            tile.lines = {from, kLine<T> * g.b_column, g.b_column, kLine<T>, first, kVectors - 1, by};
    }

    template <class After>
    void multiply(const Panels& panels, const After& after) const {
        for (std::int64_t c = 0; c < n; c += C::width) {
            if (way != Way::block && packs(c)) pack_b(c, c + C::width);
            for (std::int64_t q = 0; q < panels.count; ++q) {
                const std::int64_t row = panels.begin(q);
                Tile<T> tile{k, packed_a + row * k, 1, panels.height(q), packed_panel(c), C::width,
                             g.c + (i + row) * g.c_row + j + c, g.c_row, static_cast<int>(least(C::width, n - c)),
                             g.add || !first, {}};
                if (!packs(c)) {
                    tile.b = b_at() + c;
                    tile.b_step = g.b_row;
                }
                if (last) {
                    tile.finish.relu = g.finish.relu;
                    if (g.finish.row_bias) tile.finish.row_bias = g.finish.row_bias + i + row;
                    if (g.finish.column_bias) tile.finish.column_bias = g.finish.column_bias + j + c;
                }
                ask_ahead(tile, panels, c, q);
                if (tile.lines.from)
                    micro_tile<T, true, true>(panels.height(q), tile);
                else
                    micro_tile<T>(panels.height(q), tile);
                after(c / C::width * panels.count + q);
            }
        }
    }
};

}  // namespace

template <class T>
std::int64_t gemm_workspace(const Gemm<T>& g) {
    using C = Tuning<T>;
    const std::int64_t columns = way_of(g) == Way::block ? ceil_div(least(g.n, C::n_block), C::width) * C::width : C::width;
    return deepest<T>(g.k) * (rows_at_once(g) + columns);
}

template <class T>
void gemm(const Gemm<T>& g, T* workspace) {
    using C = Tuning<T>;
    const std::int64_t blocks_k = blocks_along_k(g), blocks_m = g.m > 0 ? ceil_div(g.m, rows_at_once(g)) : 0;
    Block<T> block{g, workspace, workspace + deepest<T>(g.k) * rows_at_once(g), way_of(g),
                   0, 0, 0, 0, 0, 0, false, false};
    for (block.j = 0; block.j < g.n; block.j += C::n_block) {
        block.n = least(C::n_block, g.n - block.j);
        for (std::int64_t kb = 0; kb < blocks_k; ++kb) {
            block.p = g.k * kb / blocks_k;
            block.k = g.k * (kb + 1) / blocks_k - block.p;
            block.first = kb == 0;
            block.last = kb == blocks_k - 1;
            if (block.way == Way::block) block.pack_b(0, block.n);
            for (std::int64_t mb = 0; mb < blocks_m; ++mb) {
                block.i = g.m * mb / blocks_m;
                block.m = g.m * (mb + 1) / blocks_m - block.i;
                const Panels panels(block.m);
                block.pack_a(panels);
                block.multiply(panels, [](std::int64_t) {});
            }
        }
    }
}

template <class T>
std::int64_t gemm_slabs_workspace(const Gemm<T>& g, const Taker<T>& taker) {
    using C = Tuning<T>;
    return g.k * (ceil_div(g.n, C::width) * C::width + taker.rows);
}

template <class T>
void gemm_slabs(const Gemm<T>& g, const Taker<T>& taker, T* workspace) {
    using C = Tuning<T>;
    Gemm<T> slab = g;
    T* const packed_a = workspace + g.k * ceil_div(g.n, C::width) * C::width;
    Block<T> block{slab, packed_a, workspace, Way::block, 0, 0, 0, 0, g.n, g.k, true, true};
    block.pack_b(0, g.n);
    const std::int64_t slabs = ceil_div(g.m, taker.rows);
    for (std::int64_t s = 0; s < slabs; ++s) {
        slab.a = g.a + s * taker.rows * g.a_row;
        slab.c = g.c + s % 2 * taker.rows * g.n;
        block.m = least(taker.rows, g.m - s * taker.rows);
        const Panels panels(block.m);
        block.pack_a(panels);
        const std::int64_t tiles = ceil_div(g.n, C::width) * panels.count;
        block.multiply(panels, [&](std::int64_t tile) {
            if (s > 0) taker.take(taker.context, s - 1, tile, tiles);
        });
    }
    if (slabs > 0) taker.take(taker.context, slabs - 1, 0, 1);
}

template std::int64_t gemm_slabs_workspace(const Gemm<float>&, const Taker<float>&);
template std::int64_t gemm_slabs_workspace(const Gemm<double>&, const Taker<double>&);
template void gemm_slabs(const Gemm<float>&, const Taker<float>&, float*);
template void gemm_slabs(const Gemm<double>&, const Taker<double>&, double*);
template std::int64_t gemm_workspace(const Gemm<float>&);
template std::int64_t gemm_workspace(const Gemm<double>&);
template void gemm(const Gemm<float>&, float*);
template void gemm(const Gemm<double>&, double*);

}  // namespace handgrad::HANDGRAD_ISA
