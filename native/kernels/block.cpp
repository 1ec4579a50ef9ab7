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

// Pooling windows whose members' taps are gathered together: rows of taps of all members, and one of zeros for those
// that relu cut. A gradient finds its row without a branch; so many rows stay in the first-level cache.
constexpr std::int64_t kWindowsAtOnce = 32;

template <class T>
std::int64_t sums_row(const ConvPlan& plan) {
    return ceil_div(row_of_taps(plan.taps, plan.run, Simd<T>::lanes), Simd<T>::lanes) * Simd<T>::lanes;
}

template <class T>
void gather_rows(T* to, std::int64_t row, const ConvPlan& plan, const PoolShape& pool, const T* padded,
                 std::int64_t first_window, std::int64_t count) {
    std::int64_t y = first_window / pool.out_width(), x = first_window % pool.out_width();
    for (std::int64_t i = 0; i < count; ++i, to += row) {  // past the row of zeros
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

// sums[f] (V vectors, `sums_row` apart) += gradient of each window times the row of its winner, for F filters.
template <class T, int F, int V>
HANDGRAD_INLINE void add_rows(const T* rows, std::int64_t row, std::int64_t members, const std::uint8_t* winner,
                              std::int64_t windows, const T* gradient, std::int64_t count, T* sums,
                              std::int64_t sums_row) {
    using S = Simd<T>;
    typename S::Vec sum[F][V];
    HANDGRAD_UNROLL
    for (int f = 0; f < F; ++f) {
        HANDGRAD_UNROLL
        for (int v = 0; v < V; ++v) sum[f][v] = S::load(sums + f * sums_row + v * S::lanes);
    }
    for (std::int64_t i = 0; i < count; ++i, rows += (members + 1) * row) {
        HANDGRAD_UNROLL
        for (int f = 0; f < F; ++f) {
            const T* at = rows + winner[f * windows + i] * row;
            const typename S::Vec g = S::splat(gradient[f * kWindowsAtOnce + i]);
            HANDGRAD_UNROLL
            for (int v = 0; v < V; ++v) sum[f][v] = S::fma(g, S::load(at + v * S::lanes), sum[f][v]);
        }
    }
    HANDGRAD_UNROLL
    for (int f = 0; f < F; ++f) {
        HANDGRAD_UNROLL
        for (int v = 0; v < V; ++v) S::store(sums + f * sums_row + v * S::lanes, sum[f][v]);
    }
}

// The same for all vectors of a row, in the widest steps that keep eight sums in registers.
template <class T, int F>
void add_whole_rows(const T* rows, std::int64_t row, std::int64_t members, const std::uint8_t* winner,
                    std::int64_t windows, const T* gradient, std::int64_t count, T* sums) {
    constexpr int lanes = Simd<T>::lanes;
    std::int64_t at = 0;
    const auto step = [&]<int V>() {
        add_rows<T, F, V>(rows + at, row, members, winner, windows, gradient, count, sums + at, row);
        at += V * lanes;
    };
    while (row - at >= 8 / F * lanes) step.template operator()<8 / F>();
    if constexpr (F <= 2)
        if (row - at >= 4 / F * lanes) step.template operator()<4 / F>();
    while (row - at > 0) step.template operator()<1>();
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
    for (std::int64_t j = begin; j < end; j += lanes) {
        const int count = static_cast<int>(least(lanes, end - j));
        if (pools_in_registers<T>(plan, pool)) {
            gather_members(panel, plan, pool, padded, 0, plan.taps, j, count);
            for (std::int64_t f = 0; f < plan.rows; f += kPooledRows)
                pooled_tile_of_rows<T, 4, kPooledRows>(static_cast<int>(least(kPooledRows, plan.rows - f)),
                                                       packed_weights + f * plan.taps, plan.taps, panel, bias + f, count,
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

template <class T>
std::int64_t weights_workspace(const ConvPlan& plan, const PoolShape& pool) {
    return kWindowsAtOnce * (pool.taps() + 1) * sums_row<T>(plan) + 8 * kWindowsAtOnce;
}

template <class T>
void weights(const ConvPlan& plan, const PoolShape& pool, const T* padded, const T* dout,
                    const std::uint8_t* winner, T* sums, T* bias_sums, T* workspace) {
    using S = Simd<T>;
    constexpr int kFilters = 4;
    const std::int64_t windows = pool.out_plane(), members = pool.taps(), row = sums_row<T>(plan);
    T *rows = workspace, *gradient = workspace + kWindowsAtOnce * (members + 1) * row;
    for (T* at = rows; at < gradient; at += S::lanes) S::store(at, S::zero());
    for (std::int64_t first = 0; first < windows; first += kWindowsAtOnce) {
        const std::int64_t count = least(kWindowsAtOnce, windows - first);
        gather_rows(rows, row, plan, pool, padded, first, count);
        for (std::int64_t f = 0; f < plan.rows; f += kFilters) {
            const std::int64_t here = least(kFilters, plan.rows - f), at = f * windows + first;
            for (std::int64_t i = 0; i < here; ++i)
                bias_sums[f + i] += live_gradients(gradient + i * kWindowsAtOnce, dout + at + i * windows,
                                                   winner + at + i * windows, static_cast<int>(count),
                                                   static_cast<T>(members));
            if (here == kFilters)
                add_whole_rows<T, kFilters>(rows, row, members, winner + at, windows, gradient, count, sums + f * row);
            else
                for (std::int64_t i = 0; i < here; ++i)
                    add_whole_rows<T, 1>(rows, row, members, winner + at + i * windows, windows,
                                         gradient + i * kWindowsAtOnce, count, sums + (f + i) * row);
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
