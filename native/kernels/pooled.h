// From sums of a panel in the order of pooling to maxima and winners, and back from winners to gradients.
#pragma once

#include "block.h"
#include "simd.h"

namespace handgrad::HANDGRAD_ISA {

// Lane i of member[m] is member m of window i, a sum without its bias. For the first `count` windows: out[i] = relu(bias
// + the maximum), winner[i] = its member, or `M` where relu cut it. The first NaN of a window is its maximum.
template <class T, int M>
HANDGRAD_INLINE void finish_windows(const typename Simd<T>::Vec (&member)[M], T bias, int count, T* out,
                                    std::uint8_t* winner) {
    using S = Simd<T>;
    const typename S::Vec add = S::splat(bias);
    typename S::Vec best = S::add(member[0], add), first = S::zero();
    HANDGRAD_UNROLL
    for (int m = 1; m < M; ++m) {
        const typename S::Vec next = S::add(member[m], add);
        const typename S::Mask better = S::both(S::above(next, best), S::number(best));
        best = S::pick(better, next, best);
        first = S::pick(better, S::splat(static_cast<T>(m)), first);
    }
    first = S::pick(S::above(best, S::zero()), first, S::splat(static_cast<T>(M)));
    S::store_part(out, S::relu(best), count);
    S::store_bytes(winner, first, count);
}

// The same for sums that lie in memory, (rows, M * lanes); rows of out and winner lie `row` apart.
template <class T, int M>
inline void finish_rows(const T* sums, std::int64_t rows, const T* bias, int count, T* out, std::uint8_t* winner,
                        std::int64_t row) {
    using S = Simd<T>;
    for (std::int64_t f = 0; f < rows; ++f, sums += M * S::lanes) {
        typename S::Vec member[M];
        HANDGRAD_UNROLL
        for (int m = 0; m < M; ++m) member[m] = S::load(sums + m * S::lanes);
        finish_windows<T, M>(member, bias[f], count, out + f * row, winner + f * row);
    }
}

template <class T, int M = kMostPooled>
inline void finish_rows(int members, const T* sums, std::int64_t rows, const T* bias, int count, T* out,
                        std::uint8_t* winner, std::int64_t row) {
    if constexpr (M > 1) {
        if (members < M) return finish_rows<T, M - 1>(members, sums, rows, bias, count, out, winner, row);
    }
    finish_rows<T, M>(sums, rows, bias, count, out, winner, row);
}

// Where a panel holds what a tap needs: taps are planes x rows x run, member m of tap (c, v, u) is the vector at
// c plane_step + v row_step + u tap_step + member[m].
template <int M>
struct PanelOrder {
    std::int64_t planes, rows, run, plane_step, row_step, tap_step, member[M];
};

// R rows of weights times a panel of windows of M members, finished in registers.
template <class T, int R, int M>
inline void pooled_tile(const T* weights, const PanelOrder<M>& order, const T* panel, const T* bias, int count, T* out,
                        std::uint8_t* winner, std::int64_t row) {
    using S = Simd<T>;
    typename S::Vec sums[R][M];
    HANDGRAD_UNROLL
    for (int i = 0; i < R; ++i) {
        HANDGRAD_UNROLL
        for (int m = 0; m < M; ++m) sums[i][m] = S::zero();
    }
    for (std::int64_t c = 0; c < order.planes; ++c)
        for (std::int64_t v = 0; v < order.rows; ++v) {
            const T* at = panel + c * order.plane_step + v * order.row_step;
            for (std::int64_t u = 0; u < order.run; ++u, at += order.tap_step, weights += R) {
                typename S::Vec pixels[M];
                HANDGRAD_UNROLL
                for (int m = 0; m < M; ++m) pixels[m] = S::load(at + order.member[m]);
                HANDGRAD_UNROLL
                for (int i = 0; i < R; ++i) {
                    const typename S::Vec factor = S::splat(weights[i]);
                    HANDGRAD_UNROLL
                    for (int m = 0; m < M; ++m) sums[i][m] = S::fma(factor, pixels[m], sums[i][m]);
                }
            }
        }
    HANDGRAD_UNROLL
    for (int i = 0; i < R; ++i) finish_windows<T, M>(sums[i], bias[i], count, out + i * row, winner + i * row);
}

template <class T, int M, int R>
inline void pooled_tile_of_rows(int rows, const T* weights, const PanelOrder<M>& order, const T* panel, const T* bias,
                                int count, T* out, std::uint8_t* winner, std::int64_t row) {
    if constexpr (R > 1) {
        if (rows < R) return pooled_tile_of_rows<T, M, R - 1>(rows, weights, order, panel, bias, count, out, winner, row);
    }
    pooled_tile<T, R, M>(weights, order, panel, bias, count, out, winner, row);
}

// to[i] = dout[i] where a member won, else 0; returns the sum. Whole vectors are written.
template <class T>
HANDGRAD_INLINE T live_gradients(T* to, const T* dout, const std::uint8_t* winner, int count, T members) {
    using S = Simd<T>;
    typename S::Vec sum = S::zero();
    const typename S::Vec none = S::splat(members);
    for (int i = 0; i < count; i += S::lanes) {
        const int n = count - i < S::lanes ? count - i : S::lanes;
        const typename S::Vec g = S::pick(S::above(none, S::load_bytes(winner + i, n)), S::load_part(dout + i, n), S::zero());
        S::store(to + i, g);
        sum = S::add(sum, g);
    }
    return S::sum(sum);
}

}  // namespace handgrad::HANDGRAD_ISA
