// How a convolution is planned and cut for the threads, and how the moments of its outputs are joined.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "conv.h"
#include "dispatch.h"
#include "kernels/conv.h"
#include "norm.h"
#include "threads.h"

namespace handgrad {

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
inline std::size_t as_size(std::int64_t n) { return static_cast<std::size_t>(n); }

// A plan with the taps that it points at.
struct Planned {
    ConvPlan plan;
    std::vector<std::int64_t> taps;

    // planes x rows x columns taps, `row` and `column` apart.
    void set_taps(std::int64_t rows, std::int64_t columns) {
        for (std::int64_t c = 0; c < plan.planes; ++c)
            for (std::int64_t i = 0; i < rows; ++i)
                for (std::int64_t j = 0; j < columns; ++j)
                    taps.push_back(c * plan.padded_plane() + i * plan.padded_width + j);
        plan.tap = taps.data();
        plan.taps = static_cast<std::int64_t>(taps.size());
        plan.run = columns;
    }
};

// The forward pass.
inline Planned forward_plan(const ConvShape& s) {
    Planned made;
    ConvPlan& p = made.plan;
    p.planes = s.c, p.height = s.h, p.width = s.w;
    p.padded_height = s.h + 2 * s.pad_y, p.padded_width = s.w + 2 * s.pad_x;
    p.top = s.pad_y, p.left = s.pad_x;
    p.out_height = s.out_h(), p.out_width = s.out_w();
    p.step_y = s.stride_y * p.padded_width, p.step_x = s.stride_x;
    p.rows = s.f;
    made.set_taps(s.hh, s.ww);
    return made;
}

// Takes `shift` (planes) off a padded image, the zeros around it included; null takes off nothing.
template <class T>
void shift_planes(const ConvPlan& plan, const T* shift, T* padded) {
    if (shift == nullptr) return;
    for (std::int64_t c = 0; c < plan.planes; ++c)
        for (std::int64_t i = 0; i < plan.padded_plane(); ++i) padded[c * plan.padded_plane() + i] -= shift[c];
}

// The moments of each filter's outputs (N, F, pixels), where they are wanted: of pieces of an image while these are still in
// the caches, or, where an image has few pixels, of all outputs in the end.
template <class T>
class OutputMoments {
  public:
    OutputMoments(const NormShape& outputs, const ChannelMoments& wanted)
        : outputs_(outputs),
          wanted_(wanted),
          running_(as_size(by_piece() ? num_threads() : 0), RunningMoments(outputs.c)) {}

    bool by_piece() const { return wanted_.mean && outputs_.inner >= kWide; }

    // Joins pixels begin..end of an image, `result` its outputs (F, pixels).
    void add(int slot, const T* result, std::int64_t begin, std::int64_t end) {
        if (!by_piece()) return;
        const auto take = kernels().of<T>().norm().moments;
        running_[as_size(slot)].add(static_cast<double>(end - begin), [&](std::int64_t f, double* mean, double* squares) {
            take(result + f * outputs_.inner + begin, 1, 0, end - begin, mean, squares);
        });
    }

    void finish(const T* out) {
        if (!wanted_.mean) return;
        if (!by_piece()) return channel_moments<T>(outputs_, out, wanted_.mean, wanted_.squares);
        for (std::size_t slot = 1; slot < running_.size(); ++slot) running_[0].add(running_[slot]);
        running_[0].copy(wanted_);
    }

  private:
    NormShape outputs_;
    ChannelMoments wanted_;
    std::vector<RunningMoments> running_;  // of each thread
};

// Where images or their outputs lie: one behind the other in the whole batch. For functions that ask for an image and more.
auto in_batch(auto* first, std::int64_t image_size) {
    return [=](std::int64_t image, const auto&...) { return first + image * image_size; };
}

// to (length) = the sum of `count` parts, which lie `share` apart.
template <class T>
void sum_parts(const T* parts, std::int64_t share, std::int64_t count, std::int64_t length, T* to) {
    for (std::int64_t i = 0; i < length; ++i) {
        to[i] = parts[i];
        for (std::int64_t part = 1; part < count; ++part) to[i] += parts[part * share + i];
    }
}

// Images in pieces for the threads: whole images where there are enough of them, else parts of their `length` results,
// which begin at multiples of `unit`. Calls piece(image, begin, end, slot).
template <class Piece>
void for_each_piece(std::int64_t images, std::int64_t length, std::int64_t unit, const Piece& piece) {
    if (images == 0) return;
    const std::int64_t threads = num_threads(), units = (length + unit - 1) / unit;
    const std::int64_t parts = std::min(units, images >= threads ? 1 : (threads + images - 1) / images);
    parallel_for(images * parts, 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t part = i % parts;
            piece(i / parts, units * part / parts * unit, std::min(length, units * (part + 1) / parts * unit), slot);
        }
    });
}

}  // namespace handgrad
