// The kernels of a convolution that is pooled before it is stored, and of its backward pass.
#include "block.h"

#include "gather.h"
#include "micro.h"
#include "pack.h"
#include "pooled.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// How the sums of a panel come to be. Windows of four members whose taps fit one block are summed and pooled in
// registers, all others in a buffer: another kind of arithmetic would do that differently, and finish in the same way.
template <class T>
bool pools_in_registers(const ConvPlan& plan, const PoolShape& pool) {
    return pool.taps() == 4 && k_blocks<T>(plan.taps) == 1;
}

// Windows of 2 x 2 over a convolution of stride 1, whose members share most of their pixels.
bool shares_pixels(const ConvPlan& plan, const PoolShape& pool) {
    return pool.window_y == 2 && pool.window_x == 2 && pool.stride_y == 2 && pool.stride_x == 2 && plan.step_x == 1 &&
           plan.step_y == plan.padded_width;
}

template <class T>
PanelOrder<4> order_of(const ConvPlan& plan, bool shared) {
    constexpr std::int64_t lanes = Simd<T>::lanes;
    if (!shared) return {1, 1, plan.taps, 0, 0, 4 * lanes, {0, lanes, 2 * lanes, 3 * lanes}};
    const std::int64_t rows = plan.window_rows(), row = (plan.run + 1) * lanes;
    return {plan.planes, rows, plan.run, (rows + 1) * row, row, lanes, {0, lanes, row, row + lanes}};
}

// sums (rows, columns) = weights (rows, k), packed, times a panel (k, columns); += where `add`.
template <class T>
void multiply_panel(const T* packed_weights, std::int64_t rows, std::int64_t k, const T* panel, std::int64_t columns,
                    T* sums, bool add) {
    constexpr std::int64_t width = Tuning<T>::width;
    const Panels panels(rows);
    for (std::int64_t c = 0; c < columns; c += width)
        for (std::int64_t q = 0; q < panels.count; ++q) {
            const std::int64_t row = panels.begin(q);
            micro_tile<T>(panels.height(q), {k, packed_weights + row * k, 1, panels.height(q), panel + c, columns,
                                             sums + row * columns + c, columns, static_cast<int>(least(width, columns - c)),
                                             add, {}});
        }
}

template <class T>
std::int64_t panel_columns(const PoolShape& pool) {
    return pool.taps() * Simd<T>::lanes;
}

template <class T>
std::int64_t panel_size(const ConvPlan& plan, const PoolShape& pool) {
    return deepest<T>(plan.taps) * panel_columns<T>(pool) + Simd<T>::lanes;
}

// Pooling windows whose members' taps are gathered together, as rows that stay in the first-level cache.
constexpr int kMostWindows = 32;
// Filters whose gradients are added together, at most.
constexpr int kMostFilters = 4;

template <class T>
int windows_at_once(std::int64_t row, std::int64_t members) {
    const std::int64_t fit = kRowsBytes / (members * row * static_cast<std::int64_t>(sizeof(T)));
    return fit < 8 ? 8 : static_cast<int>(least(fit / 8 * 8, kMostWindows));
}

template <class T>
std::int64_t sums_row(const ConvPlan& plan) {
    return ceil_div(row_of_taps(plan.taps, plan.run, Simd<T>::lanes), Simd<T>::lanes) * Simd<T>::lanes;
}

template <class T>
void gather_rows(T* to, std::int64_t row, const ConvPlan& plan, const PoolShape& pool, const T* padded,
                 std::int64_t first_window, std::int64_t count) {
    std::int64_t y = first_window / pool.out_width(), x = first_window % pool.out_width();
    for (std::int64_t i = 0; i < count; ++i) {
        const T* from = padded + y * pool.stride_y * plan.step_y + x * pool.stride_x * plan.step_x;
        for (std::int64_t v = 0; v < pool.window_y; ++v)
            for (std::int64_t u = 0; u < pool.window_x; ++u, to += row)
                gather_taps(to, from + v * plan.step_y + u * plan.step_x, plan.tap, plan.taps, plan.run);
        if (++x == pool.out_width()) {
            x = 0;
            ++y;
        }
    }
}

// sums[f] (V vectors, `row` apart) += gradient of each window times the row of its winner, for F filters. Where relu cut the
// window, its gradient is 0 and its winner's row the one after its own.
template <class T, int F, int V>
HANDGRAD_INLINE void add_rows(const T* rows, std::int64_t row, std::int64_t members, const std::uint8_t* winner,
                              std::int64_t windows, const T* gradient, std::int64_t count, T* sums) {
    using S = Simd<T>;
    typename S::Vec sum[F][V];
    HANDGRAD_UNROLL
    for (int f = 0; f < F; ++f) {
        HANDGRAD_UNROLL
        for (int v = 0; v < V; ++v) sum[f][v] = S::load(sums + f * row + v * S::lanes);
    }
    for (std::int64_t i = 0; i < count; ++i, rows += members * row) {
        HANDGRAD_UNROLL
        for (int f = 0; f < F; ++f) {
            const T* at = rows + winner[f * windows + i] * row;
            const typename S::Vec g = S::splat(gradient[f * kMostWindows + i]);
            HANDGRAD_UNROLL
            for (int v = 0; v < V; ++v) sum[f][v] = S::fma(g, S::load(at + v * S::lanes), sum[f][v]);
        }
    }
    HANDGRAD_UNROLL
    for (int f = 0; f < F; ++f) {
        HANDGRAD_UNROLL
        for (int v = 0; v < V; ++v) S::store(sums + f * row + v * S::lanes, sum[f][v]);
    }
}

// The same for `vectors` of a row, V at the most.
template <class T, int F, int V>
void add_vectors(std::int64_t vectors, const T* rows, std::int64_t row, std::int64_t members, const std::uint8_t* winner,
                 std::int64_t windows, const T* gradient, std::int64_t count, T* sums) {
    if constexpr (V > 1) {
        if (vectors < V) return add_vectors<T, F, V - 1>(vectors, rows, row, members, winner, windows, gradient, count, sums);
    }
    add_rows<T, F, V>(rows, row, members, winner, windows, gradient, count, sums);
}

// The same for all vectors of a row, cut evenly into steps whose sums stay in registers.
template <class T, int F>
void add_whole_rows(const T* rows, std::int64_t row, std::int64_t members, const std::uint8_t* winner,
                    std::int64_t windows, const T* gradient, std::int64_t count, T* sums) {
    constexpr int lanes = Simd<T>::lanes, most = kWinnerSums / (F < 2 ? 2 : F);
    const std::int64_t vectors = row / lanes, steps = ceil_div(vectors, most);
    for (std::int64_t step = 0; step < steps; ++step) {
        const std::int64_t begin = vectors * step / steps, end = vectors * (step + 1) / steps;
        add_vectors<T, F, most>(end - begin, rows + begin * lanes, row, members, winner, windows, gradient, count,
                                sums + begin * lanes);
    }
}

template <class T>
std::int64_t workspace(const ConvPlan& plan, const PoolShape& pool) {
    return panel_size<T>(plan, pool) + plan.rows * panel_columns<T>(pool);
}

template <class T>
void pack_weights(T* to, const ConvPlan& plan, const PoolShape& pool, const T* weights) {
    if (!pools_in_registers<T>(plan, pool)) return conv_pack_weights(to, weights, plan.rows, plan.taps);
    for (std::int64_t f = 0; f < plan.rows; f += kPooledRows) {
        const int rows = static_cast<int>(least(kPooledRows, plan.rows - f));
        pack_panel(to + f * plan.taps, rows, rows, plan.taps, weights + f * plan.taps, plan.taps, std::int64_t{1});
    }
}

template <class T>
void image(const ConvPlan& plan, const PoolShape& pool, const T* packed_weights, const T* bias, const T* padded,
                  T* out, std::uint8_t* winner, std::int64_t begin, std::int64_t end, T* workspace) {
    constexpr int lanes = Simd<T>::lanes;
    const std::int64_t blocks = k_blocks<T>(plan.taps), columns = panel_columns<T>(pool), windows = pool.out_plane();
    T *panel = workspace, *sums = workspace + panel_size<T>(plan, pool);
    const bool shared = shares_pixels(plan, pool);
    const PanelOrder<4> order = order_of<T>(plan, shared);
    for (std::int64_t j = begin; j < end; j += lanes) {
        const int count = static_cast<int>(least(lanes, end - j));
        if (pools_in_registers<T>(plan, pool)) {
            if (shared)
                gather_shared(panel, plan, pool, padded, j, count);
            else
                gather_members(panel, plan, pool, padded, 0, plan.taps, j, count);
            for (std::int64_t f = 0; f < plan.rows; f += kPooledRows)
                pooled_tile_of_rows<T, 4, kPooledRows>(static_cast<int>(least(kPooledRows, plan.rows - f)),
                                                       packed_weights + f * plan.taps, order, panel, bias + f, count,
                                                       out + f * windows + j, winner + f * windows + j, windows);
            continue;
        }
        for (std::int64_t block = 0; block < blocks; ++block) {
            const std::int64_t p = plan.taps * block / blocks, k = plan.taps * (block + 1) / blocks - p;
            gather_members(panel, plan, pool, padded, p, k, j, count);
            multiply_panel(packed_weights + p * plan.rows, plan.rows, k, panel, columns, sums, block > 0);
        }
        finish_rows(static_cast<int>(pool.taps()), sums, plan.rows, bias, count, out + j, winner + j, windows);
    }
}

// Asks for `count` numbers: the machine does not foresee short runs that lie far apart.
template <class N>
HANDGRAD_INLINE void ask_for(const N* from, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += kLine<N>) prefetch_read(from + i);
}

template <class T>
std::int64_t weights_workspace(const ConvPlan& plan, const PoolShape& pool) {
    const std::int64_t row = sums_row<T>(plan);
    return (windows_at_once<T>(row, pool.taps()) * pool.taps() + 1) * row + kMostFilters * kMostWindows;
}

template <class T>
void weights(const ConvPlan& plan, const PoolShape& pool, const T* padded, const T* dout,
                    const std::uint8_t* winner, T* sums, T* bias_sums, T* workspace) {
    using S = Simd<T>;
    const std::int64_t windows = pool.out_plane(), members = pool.taps(), row = sums_row<T>(plan);
    const std::int64_t at_once = windows_at_once<T>(row, members);
    const std::int64_t filters = row / S::lanes <= kWinnerSums / kMostFilters ? kMostFilters : kMostFilters / 2;
    T *rows = workspace, *gradient = workspace + (at_once * members + 1) * row;
    for (T* at = rows; at < gradient; at += S::lanes) S::store(at, S::zero());
    for (std::int64_t first = 0; first < windows; first += at_once) {
        const std::int64_t count = least(at_once, windows - first);
        gather_rows(rows, row, plan, pool, padded, first, count);
        const std::int64_t next = first + at_once < windows ? at_once : plan.rows * windows - first;  // in the next image
        for (std::int64_t f = 0; f < plan.rows; f += filters) {
            const std::int64_t here = least(filters, plan.rows - f), at = f * windows + first;
            for (std::int64_t i = 0; i < here; ++i) {
                ask_for(dout + at + i * windows + next, at_once);
                ask_for(winner + at + i * windows + next, at_once);
                bias_sums[f + i] += live_gradients(gradient + i * kMostWindows, dout + at + i * windows,
                                                   winner + at + i * windows, static_cast<int>(count),
                                                   static_cast<T>(members));
            }
            if (here == kMostFilters)
                add_whole_rows<T, kMostFilters>(rows, row, members, winner + at, windows, gradient, count, sums + f * row);
            else if (here == kMostFilters / 2)
                add_whole_rows<T, kMostFilters / 2>(rows, row, members, winner + at, windows, gradient, count, sums + f * row);
            else
                for (std::int64_t i = 0; i < here; ++i)
                    add_whole_rows<T, 1>(rows, row, members, winner + at + i * windows, windows,
                                         gradient + i * kMostWindows, count, sums + (f + i) * row);
        }
    }
}

template <class T>
void unpool(const ConvPlan& plan, const PoolShape& pool, const T* dout, const std::uint8_t* winner, T* to) {
    using S = Simd<T>;
    const std::int64_t pixels = plan.pixels();
    for (std::int64_t f = 0; f < plan.rows; ++f, to += pixels) {
        std::int64_t i = 0;
        for (; i + S::lanes <= pixels; i += S::lanes) S::store(to + i, S::zero());
        for (; i < pixels; ++i) to[i] = T(0);
        for (std::int64_t y = 0; y < pool.out_height(); ++y)
            for (std::int64_t x = 0; x < pool.out_width(); ++x, ++dout, ++winner)
                if (*winner < pool.taps())
                    to[(y * pool.stride_y + *winner / pool.window_x) * plan.out_width + x * pool.stride_x +
                       *winner % pool.window_x] = *dout;
    }
}

template <class T>
bool all_finite(const T* x, std::int64_t count) {
    using S = Simd<T>;
    typename S::Vec sum = S::zero();  // x * 0 is 0, or no number
    for (std::int64_t i = 0; i < count; i += S::lanes)
        sum = S::fma(S::load_part(x + i, static_cast<int>(least(S::lanes, count - i))), S::zero(), sum);
    const T total = S::sum(sum);
    return total == total;
}

// Pixels whose products are summed in T, before those sums are added in double.
constexpr std::int64_t kPixelsAtOnce = 128;

template <class T>
std::int64_t moments_row(const ConvPlan& plan) {
    const std::int64_t written = row_of_taps(plan.taps, plan.run, Simd<T>::lanes), needed = plan.taps + 1;
    return ceil_div(written > needed ? written : needed, Simd<T>::lanes) * Simd<T>::lanes;
}

template <class T>
std::int64_t moments_workspace(const ConvPlan& plan) {
    return (kPixelsAtOnce + plan.taps + 1) * moments_row<T>(plan) + Tuning<T>::width;
}

template <class T>
void moments(const ConvPlan& plan, const T* padded, double* sums, T* workspace) {
    using C = Tuning<T>;
    const std::int64_t row = moments_row<T>(plan), all = plan.taps + 1;
    T *rows = workspace, *products = workspace + kPixelsAtOnce * row;
    for (std::int64_t i = 0; i < moments_workspace<T>(plan); ++i) workspace[i] = T(0);
    const Panels panels(all);
    for (std::int64_t pixel = 0; pixel < plan.pixels(); pixel += kPixelsAtOnce) {
        const std::int64_t k = least(kPixelsAtOnce, plan.pixels() - pixel);
        gather_windows(rows, row, plan, padded, 0, plan.taps, pixel, k);
        for (std::int64_t i = 0; i < k; ++i) rows[i * row + plan.taps] = T(1);
        for (std::int64_t q = 0; q < panels.count; ++q) {
            const std::int64_t i = panels.begin(q);
            for (std::int64_t j = i / C::width * C::width; j < row; j += C::width)
                micro_tile<T>(panels.height(q), {k, rows + i, 1, row, rows + j, row, products + i * row + j, row,
                                                 static_cast<int>(least(C::width, row - j)), false, {}});
        }
        for (std::int64_t i = 0; i < all * row; ++i) sums[i] += products[i];
    }
}

}  // namespace

template <class T>
const BlockKernels<T>& block() {
    static constexpr BlockKernels<T> all{
        Simd<T>::lanes, workspace<T>,         pack_weights<T>, image<T>,         sums_row<T>,
        weights_workspace<T>, weights<T>, unpool<T>,   all_finite<T>,
        moments_row<T>, moments_workspace<T>, moments<T>,
    };
    return all;
}

template const BlockKernels<float>& block();
template const BlockKernels<double>& block();

}  // namespace handgrad::HANDGRAD_ISA
