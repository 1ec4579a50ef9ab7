// Convolution, bias, relu and max-pool in one; the same for every instruction set.
//
// The convolution's output is never stored. A window of the pool leaves its maximum and, in a byte, which of its taps
// that was, counted in row-major order (the first on a tie); `taps()` stands for none: relu cut the maximum, so no
// gradient passes. The pool's windows do not overlap: each pixel belongs to one of them or to none.
#pragma once

#include <cstdint>

#include "conv.h"
#include "pool.h"

namespace handgrad {

inline constexpr std::int64_t kMostPooled = 16;  // taps of a pool's window

// The pool's planes are the plan's output.
template <class T>
struct BlockKernels {
    // Windows that are pooled together: pieces for threads begin at multiples of it.
    int lanes;
    std::int64_t (*workspace)(const ConvPlan& plan, const PoolShape& pool);
    // Packs weights (rows, taps) into as many numbers, for `image`.
    void (*pack_weights)(T* to, const ConvPlan& plan, const PoolShape& pool, const T* weights);
    // Windows begin..end of out and winner (rows, windows).
    void (*image)(const ConvPlan& plan, const PoolShape& pool, const T* packed_weights, const T* bias, const T* padded,
                  T* out, std::uint8_t* winner, std::int64_t begin, std::int64_t end, T* workspace);
    // The length of a row of the sums of `weights`, at least the plan's taps.
    std::int64_t (*sums_row)(const ConvPlan& plan);
    std::int64_t (*weights_workspace)(const ConvPlan& plan, const PoolShape& pool);
    // sums (rows, sums_row) += the gradients of dout (rows, windows) times the taps that won; bias_sums (rows) += their
    // sums. Only where the image is finite: what did not win is not touched, though 0 times NaN were NaN.
    void (*weights)(const ConvPlan& plan, const PoolShape& pool, const T* padded, const T* dout,
                    const std::uint8_t* winner, T* sums, T* bias_sums, T* workspace);
    // to (rows, pixels) = dout (rows, windows) where a pixel won, else 0.
    void (*unpool)(const ConvPlan& plan, const PoolShape& pool, const T* dout, const std::uint8_t* winner, T* to);
    bool (*all_finite)(const T* x, std::int64_t count);

    // sums (taps + 1, moments_row) += the products of all pairs of taps, and of each with 1, over all pixels; only the
    // half above the diagonal, and it, are of use.
    std::int64_t (*moments_row)(const ConvPlan& plan);
    std::int64_t (*moments_workspace)(const ConvPlan& plan);
    void (*moments)(const ConvPlan& plan, const T* padded, double* sums, T* workspace);
};

}  // namespace handgrad
