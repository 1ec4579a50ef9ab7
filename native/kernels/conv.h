// What a convolution is asked for, as a product; the same for every instruction set.
#pragma once

#include <cstdint>

#include "gemm.h"

namespace handgrad {

// One image as the right-hand matrix of a product, without that matrix: column j is an output pixel, row p one tap
// of the window in one channel, and the element lies at  padded[tap[p] + offset of j].
//
//     result (rows x pixels) = weights (rows x taps) * columns (taps x pixels)
//
//   planes, height, width         the image as it comes
//   padded_height, padded_width   the image as it is read: laid with its corner at (top, left), zeros around it,
//                                 what falls outside cut off
//   tap, taps                     where each row begins; taps come in runs of `run` neighbours
//   out_height, out_width         the pixels; (y, x) is offset y * step_y + x * step_x
struct ConvPlan {
    std::int64_t planes = 0, height = 0, width = 0;
    std::int64_t padded_height = 0, padded_width = 0, top = 0, left = 0;
    const std::int64_t* tap = nullptr;
    std::int64_t taps = 0, run = 1;
    std::int64_t out_height = 0, out_width = 0, step_y = 0, step_x = 0;
    std::int64_t rows = 0;

    std::int64_t pixels() const { return out_height * out_width; }
    std::int64_t window_rows() const { return taps / (planes * run); }
    std::int64_t padded_plane() const { return padded_height * padded_width; }
    // Kernels read whole vectors: so many numbers beyond the end of the padded image must be readable.
    static constexpr std::int64_t slack = 64;
    // A multiple of `slack`, so that what a workspace holds behind the image is aligned too.
    std::int64_t padded_size() const { return (planes * padded_plane() + 2 * slack - 1) / slack * slack; }
};

}  // namespace handgrad
