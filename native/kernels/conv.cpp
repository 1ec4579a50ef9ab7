// Convolution as a matrix product whose right-hand matrix is gathered panel by panel.
#include "conv.h"

#include "gather.h"
#include "micro.h"
#include "pack.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// Taps that are gathered together: whole runs, about eight panels of them.
std::int64_t taps_at_once(const ConvPlan& plan) {
    const std::int64_t runs = 8 * kRows / plan.run;
    return least(plan.taps, (runs > 0 ? runs : 1) * plan.run);
}

constexpr std::int64_t kPixelsAtOnce = 256;

template <class T>
std::int64_t window_row(const ConvPlan& plan) {
    return taps_at_once(plan) + Simd<T>::lanes;
}

template <class T>
std::int64_t turned_size(const ConvPlan& plan) {
    return kPixelsAtOnce * ceil_div(plan.rows, Tuning<T>::width) * Tuning<T>::width;
}

}  // namespace

template <class T>
void conv_pad(const ConvPlan& plan, const T* image, T* padded) {
    using S = Simd<T>;
    const std::int64_t size = plan.padded_size();
    for (std::int64_t i = 0; i + S::lanes <= size; i += S::lanes) S::store(padded + i, S::zero());
    for (std::int64_t i = size / S::lanes * S::lanes; i < size; ++i) padded[i] = T(0);
    const std::int64_t x0 = plan.left < 0 ? -plan.left : 0, x1 = least(plan.width, plan.padded_width - plan.left);
    const std::int64_t y0 = plan.top < 0 ? -plan.top : 0, y1 = least(plan.height, plan.padded_height - plan.top);
    for (std::int64_t c = 0; c < plan.planes; ++c)
        for (std::int64_t y = y0; y < y1; ++y) {
            const T* from = image + (c * plan.height + y) * plan.width;
            T* to = padded + c * plan.padded_plane() + (y + plan.top) * plan.padded_width + plan.left;
            std::int64_t x = x0;
            for (; x + S::lanes <= x1; x += S::lanes) S::store(to + x, S::load(from + x));
            if (x < x1) S::store_part(to + x, S::load_part(from + x, static_cast<int>(x1 - x)), static_cast<int>(x1 - x));
        }
}

template <class T>
void conv_pack_weights(T* to, const T* weights, std::int64_t rows, std::int64_t taps) {
    const std::int64_t blocks = k_blocks<T>(taps);
    const Panels panels(rows);
    for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t p = taps * block / blocks, k = taps * (block + 1) / blocks - p;
        for (std::int64_t q = 0; q < panels.count; ++q)
            pack_panel(to + p * rows + panels.begin(q) * k, panels.height(q), panels.height(q), k,
                       weights + panels.begin(q) * taps + p, taps, std::int64_t{1});
    }
}

template <class T>
std::int64_t conv_workspace(const ConvPlan& plan) {
    return deepest<T>(plan.taps) * Tuning<T>::width + Simd<T>::lanes;
}

template <class T>
void conv_image(const ConvPlan& plan, const T* packed_weights, const Finish<T>& finish, const T* padded, T* out,
                std::int64_t begin, std::int64_t end, T* workspace) {
    using C = Tuning<T>;
    const std::int64_t blocks = k_blocks<T>(plan.taps), pixels = plan.pixels();
    const Panels panels(plan.rows);
    for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t p = plan.taps * block / blocks, k = plan.taps * (block + 1) / blocks - p;
        for (std::int64_t j = begin; j < end; j += C::width) {
            const int columns = static_cast<int>(least(C::width, end - j));
            gather_pixels(workspace, plan, padded, p, k, j, columns);
            for (std::int64_t q = 0; q < panels.count; ++q) {
                const std::int64_t row = panels.begin(q);
                Tile<T> tile{k, packed_weights + p * plan.rows + row * k, 1, panels.height(q), workspace, C::width,
                             out + row * pixels + j, pixels, columns, block > 0, {}};
                if (block == blocks - 1) {
                    tile.finish.relu = finish.relu;
                    if (finish.row_bias) tile.finish.row_bias = finish.row_bias + row;
                }
                micro_tile<T>(panels.height(q), tile);
            }
        }
    }
}

template <class T>
std::int64_t conv_weights_workspace(const ConvPlan& plan) {
    return turned_size<T>(plan) + kPixelsAtOnce * window_row<T>(plan) + Simd<T>::lanes;
}

template <class T>
void conv_weights(const ConvPlan& plan, const T* padded, const T* dout, T* sums, T* workspace) {
    using C = Tuning<T>;
    const std::int64_t pixels = plan.pixels(), row = window_row<T>(plan), at_once = taps_at_once(plan);
    T *turned = workspace, *windows = workspace + turned_size<T>(plan);
    for (std::int64_t pixel = 0; pixel < pixels; pixel += kPixelsAtOnce) {
        const std::int64_t k = least(kPixelsAtOnce, pixels - pixel);
        for (std::int64_t f = 0; f < plan.rows; f += C::width)
            pack_panel(turned + f * k, C::width, static_cast<int>(least(C::width, plan.rows - f)), k,
                       dout + f * pixels + pixel, pixels, std::int64_t{1});
        for (std::int64_t tap = 0; tap < plan.taps; tap += at_once) {
            const std::int64_t count = least(at_once, plan.taps - tap);
            gather_windows(windows, row, plan, padded, tap, count, pixel, k);
            const Panels panels(count);
            for (std::int64_t f = 0; f < plan.rows; f += C::width)
                for (std::int64_t q = 0; q < panels.count; ++q)
                    micro_tile<T>(panels.height(q),
                                  {k, windows + panels.begin(q), 1, row, turned + f * k, C::width,
                                   sums + (tap + panels.begin(q)) * plan.rows + f, plan.rows,
                                   static_cast<int>(least(C::width, plan.rows - f)), true, {}});
        }
    }
}

template <class T>
void add_row_sums(T* to, const T* from, std::int64_t rows, std::int64_t columns) {
    using S = Simd<T>;
    for (std::int64_t i = 0; i < rows; ++i, from += columns) {
        typename S::Vec sums[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
        std::int64_t j = 0;
        for (; j + 4 * S::lanes <= columns; j += 4 * S::lanes) {
            HANDGRAD_UNROLL
            for (int q = 0; q < 4; ++q) sums[q] = S::add(sums[q], S::load(from + j + q * S::lanes));
        }
        for (; j < columns; j += S::lanes)
            sums[0] = S::add(sums[0], S::load_part(from + j, static_cast<int>(least(S::lanes, columns - j))));
        to[i] += S::sum(S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3])));
    }
}

template <class T>
void add_apart(T* to, const T* from, std::int64_t count, std::int64_t step) {
    using S = Simd<T>;
    if (step > 2) {
        for (std::int64_t i = 0; i < count; ++i) to[i * step] += from[i];
        return;
    }
    for (std::int64_t i = 0; i < count; i += S::lanes, to += step * S::lanes) {
        const int n = static_cast<int>(least(S::lanes, count - i));
        const typename S::Vec v = load_some<S>(from + i, n);
        const auto add = [](T* at, typename S::Vec share, int here) HANDGRAD_INLINED {
            if (here > 0) store_some<S>(at, S::add(load_some<S>(at, here), share), here);
        };
        if (step == 1) {
            add(to, v, n);
        } else {  // a 0 for each number between
            add(to, S::zip_low(v, S::zero()), static_cast<int>(least(S::lanes, 2 * n - 1)));
            add(to + S::lanes, S::zip_high(v, S::zero()), static_cast<int>(least(S::lanes, 2 * n - 1 - S::lanes)));
        }
    }
}

#define HANDGRAD_FOR(T)                                                                                               \
    template void conv_pad(const ConvPlan&, const T*, T*);                                                            \
    template void conv_pack_weights(T*, const T*, std::int64_t, std::int64_t);                                        \
    template std::int64_t conv_workspace<T>(const ConvPlan&);                                                         \
    template void conv_image(const ConvPlan&, const T*, const Finish<T>&, const T*, T*, std::int64_t, std::int64_t, T*); \
    template std::int64_t conv_weights_workspace<T>(const ConvPlan&);                                                 \
    template void conv_weights(const ConvPlan&, const T*, const T*, T*, T*);                                          \
    template void add_row_sums(T*, const T*, std::int64_t, std::int64_t);                                             \
    template void add_apart(T*, const T*, std::int64_t, std::int64_t);
HANDGRAD_FOR(float)
HANDGRAD_FOR(double)

}  // namespace handgrad::HANDGRAD_ISA
