// Gathering the windows of a convolution from the padded image: as panels of pixels side by side, in the order of rows
// or in that of pooling, and as rows of taps.
#pragma once

#include "block.h"
#include "conv.h"
#include "tuning.h"

namespace handgrad::HANDGRAD_ISA {

// Consecutive places of one row of the image.
struct Run {
    std::int64_t from;  // offset in the padded image
    int to, length;     // place in the panel
};

// Where places lie in the padded image: rows of `width` of them, `step_y` and `step_x` apart.
struct Places {
    std::int64_t width, step_y, step_x;
};

// Cuts places first..first + count into runs; returns how many.
inline int cut_into_runs(const Places& places, std::int64_t first, int count, Run* runs) {
    int number = 0;
    std::int64_t y = first / places.width, x = first % places.width;
    for (int done = 0; done < count; ++number, ++y, x = 0) {
        const int length = static_cast<int>(least(places.width - x, count - done));
        runs[number] = {y * places.step_y + x * places.step_x, done, length};
        done += length;
    }
    return number;
}

// to[i] = from[i * step] for i < n; whole vectors are written, so what follows must be written later or be free.
template <class T>
HANDGRAD_INLINE void copy_run(T* to, const T* from, int n, std::int64_t step) {
    using S = Simd<T>;
    if (step == 1)
        for (int i = 0; i < n; i += S::lanes) S::store(to + i, S::load(from + i));
    else if (step == 2)
        for (int i = 0; i < n; i += S::lanes) {
            const T* at = from + 2 * i;
            const bool whole = n - i >= S::lanes;  // else the second half may lie past the slack
            S::store(to + i, S::evens(S::load(at), whole || n - i > S::lanes / 2 ? S::load(at + S::lanes) : S::zero()));
        }
    else
        for (int i = 0; i < n; ++i) to[i] = from[i * step];
}

// A panel of the right-hand matrix: taps first_tap..first_tap + k as rows, `count` pixels side by side.
template <class T>
inline void gather_pixels(T* to, const ConvPlan& plan, const T* padded, std::int64_t first_tap, std::int64_t k,
                          std::int64_t first_pixel, int count) {
    Run runs[Tuning<T>::width];
    const int number = cut_into_runs({plan.out_width, plan.step_y, plan.step_x}, first_pixel, count, runs);
    for (std::int64_t p = first_tap; p < first_tap + k; ++p, to += Tuning<T>::width) {
        const T* from = padded + plan.tap[p];
        for (int r = 0; r < number; ++r) copy_run(to + runs[r].to, from + runs[r].from, runs[r].length, plan.step_x);
    }
}

// The same for up to `lanes` pooling windows: a vector for each member of the windows, so that a window's members
// stand in one lane.
template <class T>
inline void gather_members(T* to, const ConvPlan& plan, const PoolShape& pool, const T* padded, std::int64_t first_tap,
                           std::int64_t k, std::int64_t first_window, int count) {
    using S = Simd<T>;
    Run runs[S::lanes];
    const Places places{pool.out_width(), pool.stride_y * plan.step_y, pool.stride_x * plan.step_x};
    const int number = cut_into_runs(places, first_window, count, runs), members = static_cast<int>(pool.taps());
    std::int64_t member[kMostPooled];
    for (int m = 0; m < members; ++m) member[m] = m / pool.window_x * plan.step_y + m % pool.window_x * plan.step_x;
    const bool pairs = number == 1 && count == S::lanes && places.step_x == 2;  // the usual panel
    for (std::int64_t p = first_tap; p < first_tap + k; ++p) {
        const T* from = padded + plan.tap[p];
        if (pairs)
            for (int m = 0; m < members; ++m, to += S::lanes) {
                const T* at = from + runs[0].from + member[m];
                S::store(to, S::evens(S::load(at), S::load(at + S::lanes)));
            }
        else
            for (int m = 0; m < members; ++m, to += S::lanes)
                for (int r = 0; r < number; ++r)
                    copy_run(to + runs[r].to, from + runs[r].from + member[m], runs[r].length, places.step_x);
    }
}

// The panel of up to `lanes` pooling windows of 2 x 2 over a convolution of stride 1: neighbouring taps share pixels, so each
// pixel is gathered once. A vector for every pixel that a window's members see: planes x rows + 1 x run + 1, where `rows` and
// `run` are the height and width of the convolution's window.
template <class T>
inline void gather_shared(T* to, const ConvPlan& plan, const PoolShape& pool, const T* padded, std::int64_t first_window,
                          int count) {
    using S = Simd<T>;
    Run runs[S::lanes];
    const int number = cut_into_runs({pool.out_width(), 2 * plan.step_y, 2}, first_window, count, runs);
    const bool usual = number == 1 && count == S::lanes;
    const std::int64_t columns = plan.run + 1, rows = plan.window_rows() + 1;
    for (std::int64_t c = 0; c < plan.planes; ++c)
        for (std::int64_t y = 0; y < rows; ++y) {
            const T* from = padded + c * plan.padded_plane() + y * plan.step_y;
            std::int64_t x = 0;
            for (; usual && x + 1 < columns; x += 2, to += 2 * S::lanes) {
                const T* at = from + runs[0].from + x;
                const typename S::Vec low = S::load(at), high = S::load(at + S::lanes);
                S::store(to, S::evens(low, high));
                S::store(to + S::lanes, S::odds(low, high));
            }
            for (; x < columns; ++x, to += S::lanes)
                for (int r = 0; r < number; ++r) copy_run(to + runs[r].to, from + runs[r].from + x, runs[r].length, 2);
        }
}

// One window of the convolution as a row: to[p] = from[tap[p]] for k taps in whole runs. So many numbers are written:
inline std::int64_t row_of_taps(std::int64_t k, std::int64_t run, int lanes) {
    return k - run + (run <= 4 ? 4 : run <= 8 ? 8 : ceil_div(run, lanes) * lanes);
}

template <class T>
HANDGRAD_INLINE void gather_taps(T* to, const T* from, const std::int64_t* tap, std::int64_t k, std::int64_t run) {
    using S = Simd<T>;
    if (run <= 4)
        for (std::int64_t p = 0; p < k; p += run) memcpy(to + p, from + tap[p], 4 * sizeof(T));
    else if (run <= 8)
        for (std::int64_t p = 0; p < k; p += run) memcpy(to + p, from + tap[p], 8 * sizeof(T));
    else
        for (std::int64_t p = 0; p < k; p += run)
            for (std::int64_t j = 0; j < run; j += S::lanes) S::store(to + p + j, S::load(from + tap[p] + j));
}

// Windows as rows: to[pixel * row + p] = tap first_tap + p of that pixel, for k taps that begin and end with runs.
template <class T>
inline void gather_windows(T* to, std::int64_t row, const ConvPlan& plan, const T* padded, std::int64_t first_tap,
                           std::int64_t k, std::int64_t first_pixel, std::int64_t count) {
    std::int64_t y = first_pixel / plan.out_width, x = first_pixel % plan.out_width;
    for (std::int64_t i = 0; i < count; ++i, to += row) {
        gather_taps(to, padded + y * plan.step_y + x * plan.step_x, plan.tap + first_tap, k, plan.run);
        if (++x == plan.out_width) {
            x = 0;
            ++y;
        }
    }
}

}  // namespace handgrad::HANDGRAD_ISA
