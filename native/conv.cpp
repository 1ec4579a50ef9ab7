#include "conv.h"

#include <algorithm>
#include <limits>

#include "conv_plan.h"
#include "dispatch.h"
#include "memory.h"
#include "shifted.h"
#include "threads.h"
#include "winograd.h"

namespace handgrad {

namespace {

// Runs the plan over all images, at most `run` pixels at a time (a multiple of gemm_width):
// `store(image, begin, end, result, slot)` takes the result where it does not lie in place.
template <class T, class Place, class Store>
void run_plan(const ConvPlan& plan, std::int64_t images, const T* x, const T* weights, const Finish<T>& finish,
              const Place& place, const Store& store,
              std::int64_t run = std::numeric_limits<std::int64_t>::max()) {
    const Kernels<T>& k = kernels().of<T>();
    const Scratch<T> packed(as_size(plan.rows * plan.taps + ConvPlan::slack));
    k.conv_pack_weights(packed.get(), weights, plan.rows, plan.taps);
    const std::int64_t padded = plan.padded_size(), share = padded + k.conv_workspace(plan);
    const Scratch<T> workspace(as_size(share * num_threads()));
    for_each_piece(images, plan.pixels(), k.gemm_width, [&](std::int64_t image, std::int64_t begin, std::int64_t end, int slot) {
        T* mine = workspace.get() + slot * share;
        k.conv_pad(plan, x + image * plan.planes * plan.height * plan.width, mine);
        T* to = place(image, slot);
        for (std::int64_t first = begin, last; first < end; first = last) {
            last = run < end - first ? first + run : end;
            k.conv_image(plan, packed.get(), finish, mine, to, first, last, mine + padded);
            store(image, first, last, to, slot);
        }
    });
}

// Pixels of so many filters that stay in the second-level cache until their moments are taken.
template <class T>
std::int64_t pixels_that_stay(std::int64_t filters) {
    constexpr std::int64_t kBytes = 1 << 20, size = sizeof(T);
    const std::int64_t unit = kernels().of<T>().gemm_width;
    return std::max<std::int64_t>(1, kBytes / (filters * unit * size)) * unit;
}

// The pixels of dx that share their taps along one axis: y = first + stride * t for t < count. They see the filter's
// taps a, a + stride, ... and neighbouring rows of dout, so that each phase is a convolution of stride 1.
struct Phase {
    std::int64_t first, count, tap, taps, top;

    Phase(std::int64_t a, std::int64_t side, std::int64_t window, std::int64_t stride, std::int64_t pad) : tap(a) {
        first = ((a - pad) % stride + stride) % stride;
        count = first < side ? (side - first + stride - 1) / stride : 0;
        taps = a < window ? (window - a + stride - 1) / stride : 0;
        top = taps - 1 - (first + pad - a) / stride;
    }
};

// The filters turned for a phase: (C, F * taps of the phase), taps in reverse.
template <class T>
void turn_filters(const ConvShape& s, const T* w, const Phase& py, const Phase& px, T* to) {
    for (std::int64_t c = 0; c < s.c; ++c)
        for (std::int64_t f = 0; f < s.f; ++f)
            for (std::int64_t i = py.taps - 1; i >= 0; --i)
                for (std::int64_t j = px.taps - 1; j >= 0; --j)
                    *to++ = w[((f * s.c + c) * s.hh + py.tap + i * s.stride_y) * s.ww + px.tap + j * s.stride_x];
}

// Puts a phase's result (C, pixels) to its place among the others; without a result, zeros.
template <class T>
void spread(const ConvShape& s, const Phase& py, const Phase& px, std::int64_t begin, std::int64_t end,
            const T* from, T* dx) {
    const std::int64_t pixels = py.count * px.count;
    for (std::int64_t c = 0; c < s.c; ++c)
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t y = py.first + i / px.count * s.stride_y, x = px.first + i % px.count * s.stride_x;
            dx[(c * s.h + y) * s.w + x] = from ? from[c * pixels + i] : T(0);
        }
}

template <class T>
void backward_x_phase(const ConvShape& s, const Phase& py, const Phase& px, const T* dout, const T* w, T* dx) {
    const std::int64_t image_size = s.c * s.h * s.w, pixels = py.count * px.count;
    if (pixels == 0) return;
    if (py.taps == 0 || px.taps == 0) {
        for (std::int64_t image = 0; image < s.n; ++image)
            spread<T>(s, py, px, 0, pixels, nullptr, dx + image * image_size);
        return;
    }
    Planned made;
    ConvPlan& p = made.plan;
    p.planes = s.f, p.height = s.out_h(), p.width = s.out_w();
    p.padded_height = py.count + py.taps - 1, p.padded_width = px.count + px.taps - 1;
    p.top = py.top, p.left = px.top;
    p.out_height = py.count, p.out_width = px.count;
    p.step_y = p.padded_width, p.step_x = 1;
    p.rows = s.c;
    made.set_taps(py.taps, px.taps);
    const Scratch<T> turned(as_size(p.rows * p.taps));
    turn_filters(s, w, py, px, turned.get());
    const bool in_place = s.stride_y == 1 && s.stride_x == 1;
    const Scratch<T> apart(as_size(in_place ? 0 : num_threads() * s.c * pixels));
    run_plan<T>(
        p, s.n, dout, turned.get(), {},
        [&](std::int64_t image, int slot) {
            return in_place ? dx + image * image_size : apart.get() + slot * s.c * pixels;
        },
        [&](std::int64_t image, std::int64_t begin, std::int64_t end, const T* result, int) {
            if (!in_place) spread(s, py, px, begin, end, result, dx + image * image_size);
        });
}

// Whether the shares of windows are quicker than the phases. Measured: these gather dout once for each tap, and C rows
// hardly fill the micro-kernel; those are written and read again for each of the windows that a pixel lies in.
bool few_shares(const ConvShape& s) {
    const std::int64_t window = s.hh * s.ww, strides = s.stride_y * s.stride_x;
    return s.c <= 8 || window <= strides || s.c * window <= 80 * strides;
}

// dx += the shares of windows (C, HH, WW, rows, W'), which end in output rows y0 .. y0 + rows.
template <class T>
void add_windows(const ConvShape& s, const T* shares, std::int64_t y0, std::int64_t rows, T* dx) {
    const std::int64_t columns = s.out_w();
    const auto add = kernels().of<T>().add_apart;
    for (std::int64_t tap = 0; tap < s.c * s.hh * s.ww; ++tap) {
        const std::int64_t c = tap / (s.hh * s.ww), i = tap / s.ww % s.hh, j = tap % s.ww;
        // The columns whose pixel x * stride + j - pad lies in the image.
        const std::int64_t before = s.pad_x - j, first = before > 0 ? (before + s.stride_x - 1) / s.stride_x : 0;
        const std::int64_t past = s.w - 1 + before, last = past < 0 ? 0 : std::min(columns, past / s.stride_x + 1);
        for (std::int64_t r = 0; r < rows; ++r, shares += columns) {
            const std::int64_t y = (y0 + r) * s.stride_y + i - s.pad_y;
            if (y < 0 || y >= s.h) continue;
            if (first < last)
                add(dx + (c * s.h + y) * s.w - before + first * s.stride_x, shares + first, last - first, s.stride_x);
        }
    }
}

// The gradient of x where there are few channels: the shares of all windows, (C HH WW, F) x (F, pixels), are a product
// with rows enough for the micro-kernel; then they are added to their pixels.
template <class T>
void windows_backward_x(const ConvShape& s, const T* dout, const T* w, T* dx) {
    constexpr std::int64_t kShares = 1 << 15;  // at once, in the second-level cache
    const Kernels<T>& k = kernels().of<T>();
    const std::int64_t taps = s.c * s.hh * s.ww, columns = s.out_w(), pixels = s.out_h() * columns;
    const std::int64_t most = std::clamp(kShares / (taps * columns), std::int64_t(1), s.out_h());
    const auto product = [&](std::int64_t rows, const T* from, T* to) {
        return Gemm<T>{taps, rows * columns, s.f, w, 1, taps, from, pixels, 1, to, rows * columns, false, {}};
    };
    std::int64_t share = 0;
    for (std::int64_t rows : {most, s.out_h() % most})
        if (rows > 0) share = std::max(share, whole_lines<T>(k.gemm_workspace(product(rows, dout, dx))));
    const std::int64_t shares = whole_lines<T>(taps * most * columns), image_size = s.c * s.h * s.w;
    const Scratch<T> workspace(as_size((shares + share) * num_threads()));
    parallel_for(s.n, 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        T* const mine = workspace.get() + slot * (shares + share);
        for (std::int64_t image = begin; image < end; ++image) {
            T* const to = dx + image * image_size;
            std::fill_n(to, image_size, T(0));
            for (std::int64_t y = 0; y < s.out_h(); y += most) {
                const std::int64_t rows = std::min(most, s.out_h() - y);
                k.gemm(product(rows, dout + image * s.f * pixels + y * columns, mine), mine + shares);
                add_windows(s, mine, y, rows, to);
            }
        }
    });
}

// dw (rows, taps) = the sum of `count` parts (taps, rows) and db likewise, which lie `share` apart.
template <class T>
void gather_parts(const T* parts, std::int64_t share, std::int64_t count, const ConvPlan& plan, T* dw, T* db) {
    const std::int64_t rows = plan.rows, taps = plan.taps;
    constexpr std::int64_t kSquare = 16;  // turns in squares, so that both sides stay in the cache
    parallel_for((rows + kSquare - 1) / kSquare, std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(1, taps)), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t f0 = begin * kSquare; f0 < std::min(rows, end * kSquare); f0 += kSquare)
            for (std::int64_t t0 = 0; t0 < taps; t0 += kSquare)
                for (std::int64_t f = f0; f < std::min(rows, f0 + kSquare); ++f)
                    for (std::int64_t t = t0; t < std::min(taps, t0 + kSquare); ++t) {
                        T sum = parts[t * rows + f];
                        for (std::int64_t part = 1; part < count; ++part) sum += parts[part * share + t * rows + f];
                        dw[f * taps + t] = sum;
                    }
    });
    sum_parts(parts + taps * rows, share, count, rows, db);
}

// `relu_out` and `shift` as in conv_relu_backward_w, or null.
template <class T>
void direct_backward_w(const ConvShape& s, const T* dout, const T* relu_out, const T* x, const T* shift, T* dw, T* db) {
    const Kernels<T>& k = kernels().of<T>();
    const Planned made = forward_plan(s);
    const ConvPlan& plan = made.plan;
    const std::int64_t sums = plan.taps * plan.rows, share = whole_lines<T>(sums + plan.rows), padded = plan.padded_size();
    const std::int64_t parts = std::max<std::int64_t>(1, std::min<std::int64_t>(s.n, num_threads()));
    const std::int64_t image_size = plan.rows * plan.pixels(), cut = relu_out ? whole_lines<T>(image_size) : 0;
    const std::int64_t work = whole_lines<T>(padded + cut + k.conv_weights_workspace(plan));
    const Scratch<T> result(as_size(parts * share)), workspace(as_size(parts * work));
    std::fill_n(result.get(), parts * share, T(0));
    parallel_for(s.n, 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        T *part = result.get() + slot * share, *mine = workspace.get() + slot * work;
        for (std::int64_t image = begin; image < end; ++image) {
            const T* gradient = dout + image * image_size;
            if (relu_out) {
                T* to = mine + padded;
                k.elementwise().activation_gradient(Activation::relu, to, gradient, relu_out + image * image_size, T(0),
                                                    image_size, false);
                gradient = to;
            }
            k.add_row_sums(part + sums, gradient, plan.rows, plan.pixels());
            k.conv_pad(plan, x + image * s.c * s.h * s.w, mine);
            shift_planes(plan, shift, mine);
            k.conv_weights(plan, mine, gradient, part, mine + padded + cut);
        }
    });
    gather_parts(result.get(), share, parts, plan, dw, db);
}

}  // namespace

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* b, bool relu, T* out, const ChannelMoments& moments) {
    if constexpr (sizeof(T) == sizeof(float)) {
        if (shifted_takes(s)) return shifted_forward(s, x, w, b, relu, out, moments);
        if (winograd_takes(s)) return winograd_forward(s, x, w, b, relu, out, moments);
    }
    const Planned made = forward_plan(s);
    const std::int64_t pixels = made.plan.pixels();
    OutputMoments<T> of_outputs({s.n, s.f, pixels}, moments);
    run_plan<T>(
        made.plan, s.n, x, w, {b, nullptr, relu}, [&](std::int64_t image, int) { return out + image * s.f * pixels; },
        [&](std::int64_t, std::int64_t begin, std::int64_t end, const T* result, int slot) {
            of_outputs.add(slot, result, begin, end);
        },
        of_outputs.by_piece() ? pixels_that_stay<T>(s.f) : pixels);
    of_outputs.finish(out);
}

template <class T>
void conv_backward_x(const ConvShape& s, const T* dout, const T* w, T* dx) {
    if constexpr (sizeof(T) == sizeof(float)) {
        if (shifted_takes(s)) return shifted_backward_x(s, dout, w, dx);
        if (winograd_takes(s)) return winograd_backward_x(s, dout, w, dx);
    }
    if (few_shares(s)) return windows_backward_x(s, dout, w, dx);
    for (std::int64_t y = 0; y < s.stride_y; ++y)
        for (std::int64_t x = 0; x < s.stride_x; ++x)
            backward_x_phase(s, Phase(y, s.h, s.hh, s.stride_y, s.pad_y), Phase(x, s.w, s.ww, s.stride_x, s.pad_x),
                             dout, w, dx);
}

template <class T>
void conv_backward_w(const ConvShape& s, const T* dout, const T* x, T* dw, T* db) {
    if constexpr (sizeof(T) == sizeof(float)) {
        if (shifted_takes(s)) return shifted_backward_w(s, dout, x, dw, db);
        if (winograd_takes(s)) return winograd_backward_w(s, dout, x, dw, db);
    }
    direct_backward_w<T>(s, dout, nullptr, x, nullptr, dw, db);
}

template <class T>
void conv_relu_backward_w(const ConvShape& s, const T* dout, const T* out, const T* x, const T* shift, T* dw, T* db) {
    direct_backward_w(s, dout, out, x, shift, dw, db);
}

#define HANDGRAD_FOR(T)                                                                           \
    template void conv_forward(const ConvShape&, const T*, const T*, const T*, bool, T*, const ChannelMoments&); \
    template void conv_backward_x(const ConvShape&, const T*, const T*, T*);                      \
    template void conv_backward_w(const ConvShape&, const T*, const T*, T*, T*);                  \
    template void conv_relu_backward_w(const ConvShape&, const T*, const T*, const T*, const T*, T*, T*);
HANDGRAD_FOR(float)
HANDGRAD_FOR(double)

}  // namespace handgrad
