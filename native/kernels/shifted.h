// Convolution of stride 1 as a sum of products, one for each tap: the staged image, shifted by the tap, times the tap's
// filters. Nothing is gathered, for a shift is an offset.
//
//   staged image, pad 1: every row is followed by zeros, which are the left border of the next row too, and images by
//   rows of zeros, so that position q of the outputs reads position q + i row() + j for tap (i, j)
//
//       0 0 0 0 0            outputs   q = y row() + x      a tap (i, j) = (1, 2)
//       0 x x x x                      0 1 2 3 .             . . . . .
//       0 x x x x                      5 6 7 8 .             . . 0 1 2
//       0 0 0 0 0  ...                 (. is left out)       3 . 5 6 7
//
// Only the tiles of AMX compute it so: its products are quick enough to waste some on positions that are left out.
#pragma once

#include <cstdint>

namespace handgrad {

struct ShiftedPlan {
    std::int64_t channels = 0, height = 0, width = 0;  // of an image
    std::int64_t filters = 0, out_height = 0, out_width = 0;
    std::int64_t window_y = 0, window_x = 0, pad_y = 0, pad_x = 0;  // pad < window
    std::int64_t images = 1;  // that are staged together
    std::int64_t band = 0;    // rows of outputs that are staged together: all of them, or those of a single image

    bool whole() const { return band == out_height; }
    std::int64_t taps() const { return window_y * window_x; }
    std::int64_t row() const { return width + pad_x; }
    // From one staged image to the next.
    std::int64_t pitch() const { return row() * (whole() ? height + pad_y : band + window_y - 1); }
    // Positions of an image's outputs, from the first to the last.
    std::int64_t outputs(std::int64_t rows) const { return (rows - 1) * row() + out_width; }
    // Positions that the last tap of the last, perhaps half empty, tile may read.
    std::int64_t positions() const { return images * pitch() + window_y * row() + window_x + 64; }
};

// A group: `images` images from `x` on, `rows` rows of their outputs from `first` on.
struct ShiftedGroup {
    std::int64_t images, first, rows;
};

// Filters as they lie: those of channel c and filter f from w + c channel + f filter on, tap after tap, or backwards.
struct ShiftedFilters {
    const float* w;
    std::int64_t channel, filter;
    bool backwards;
};

struct ShiftedKernels {
    std::int64_t (*packed_size)(const ShiftedPlan& plan);
    std::int64_t (*panels)(const ShiftedPlan& plan);
    void (*pack)(const ShiftedPlan& plan, const ShiftedFilters& filters, std::int64_t begin, std::int64_t end, float* packed);
    // out (images, filters, out_height, out_width), the rows of the group; x is the first image of the group.
    std::int64_t (*workspace)(const ShiftedPlan& plan);
    void (*forward)(const ShiftedPlan& plan, const ShiftedGroup& group, const float* x, const float* packed,
                    const float* bias, bool relu, float* out, float* workspace);
    // sums += the group's share of the filters' gradient, in panels, of gradient_size; db += that of the biases.
    std::int64_t (*gradient_size)(const ShiftedPlan& plan);
    std::int64_t (*gradient_workspace)(const ShiftedPlan& plan);
    void (*gradient)(const ShiftedPlan& plan, const ShiftedGroup& group, const float* dout, const float* x, float* sums,
                     float* db, float* workspace);
    // dw (filters, channels, taps) from `count` sums, which lie `apart`, for panels begin..end of filters.
    void (*unpack)(const ShiftedPlan& plan, const float* sums, std::int64_t count, std::int64_t apart, std::int64_t begin,
                   std::int64_t end, float* dw);
};

}  // namespace handgrad
