#include "block.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>

#include "conv_plan.h"
#include "dispatch.h"
#include "memory.h"
#include "shifted.h"
#include "threads.h"
#include "winograd.h"

namespace handgrad {

namespace {

// Gradients of so many bytes are unpooled at a time for dx, so that they are still in the cache when they are read.
constexpr std::int64_t kUnpooledBytes = 2 << 20;

// Kernels look rows up by them.
void demand_members(const std::uint8_t* winner, std::int64_t count, std::int64_t members) {
    const auto most = static_cast<std::uint8_t>(members);
    std::uint8_t found = 0;
    for (std::int64_t i = 0; i < count; ++i) found = std::max(found, winner[i]);
    if (found > most) throw std::invalid_argument("winner must be whole numbers from 0 to " + std::to_string(members));
}

// to (images, F, H', W') = the gradient of the convolution's output.
template <class T>
void unpool(const ConvPlan& plan, const PoolShape& pool, std::int64_t images, const T* dout, const std::uint8_t* winner,
            T* to) {
    const std::int64_t pooled = plan.rows * pool.out_plane(), full = plan.rows * plan.pixels();
    parallel_for(images, 1, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
            demand_members(winner + i * pooled, pooled, pool.taps());
            kernels().of<T>().block().unpool(plan, pool, dout + i * pooled, winner + i * pooled, to + i * full);
        }
    });
}

// Each thread's sums over its images: weights (F, row), then biases (F,). Returns whether all of x is finite.
template <class T>
bool sum_images(const ConvShape& s, const ConvPlan& plan, const PoolShape& pool, const T* dout,
                const std::uint8_t* winner, const T* x, const T* shift, std::int64_t row, std::int64_t share, T* sums) {
    const BlockKernels<T>& k = kernels().of<T>().block();
    const std::int64_t padded = plan.padded_size(), work = padded + k.weights_workspace(plan, pool);
    const std::int64_t image_size = s.c * s.h * s.w, pooled = plan.rows * pool.out_plane();
    const Scratch<T> workspace(as_size(num_threads() * work));
    std::atomic<bool> finite{true};
    parallel_for(s.n, 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        T *mine = workspace.get() + slot * work, *part = sums + slot * share;
        for (std::int64_t i = begin; i < end; ++i) {
            if (!k.all_finite(x + i * image_size, image_size)) finite = false;
            if (!finite) return;
            demand_members(winner + i * pooled, pooled, pool.taps());
            kernels().of<T>().conv_pad(plan, x + i * image_size, mine);
            shift_planes(plan, shift, mine);
            k.weights(plan, pool, mine, dout + i * pooled, winner + i * pooled, part, part + plan.rows * row,
                             mine + padded);
        }
    });
    return finite;
}

}  // namespace

bool conv_relu_pool_takes(const PoolShape& pool) {
    return pool.stride_y >= pool.window_y && pool.stride_x >= pool.window_x && pool.taps() <= kMostPooled;
}

bool conv_relu_pool_pays(const ConvShape& s, const PoolShape& pool, bool single) {
    return conv_relu_pool_takes(pool) && !(single && winograd_takes(s));
}

template <class T>
void conv_relu_pool_forward(const ConvShape& s, const PoolShape& pool, const T* x, const T* w, const T* b, T* out,
                            std::uint8_t* winner) {
    const BlockKernels<T>& k = kernels().of<T>().block();
    const Planned made = forward_plan(s);
    const ConvPlan& plan = made.plan;
    const Scratch<T> packed(as_size(plan.rows * plan.taps + ConvPlan::slack));
    k.pack_weights(packed.get(), plan, pool, w);
    const std::int64_t padded = plan.padded_size(), share = padded + k.workspace(plan, pool);
    const Scratch<T> workspace(as_size(share * num_threads()));
    for_each_piece(s.n, pool.out_plane(), k.lanes,
                   [&](std::int64_t image, std::int64_t begin, std::int64_t end, int slot) {
                       T* mine = workspace.get() + slot * share;
                       const std::int64_t at = image * plan.rows * pool.out_plane();
                       kernels().of<T>().conv_pad(plan, x + image * s.c * s.h * s.w, mine);
                       k.image(plan, pool, packed.get(), b, mine, out + at, winner + at, begin, end, mine + padded);
                   });
}

template <class T>
void conv_relu_pool_backward_x(const ConvShape& s, const PoolShape& pool, const T* dout, const std::uint8_t* winner,
                               const T* w, T* dx) {
    const Planned made = forward_plan(s);
    const ConvPlan& plan = made.plan;
    const std::int64_t full = plan.rows * plan.pixels(), pooled = plan.rows * pool.out_plane();
    const std::int64_t fit = kUnpooledBytes / std::max<std::int64_t>(1, full * static_cast<std::int64_t>(sizeof(T)));
    const std::int64_t together = std::min(s.n, std::max<std::int64_t>(1, fit) * num_threads());
    const Scratch<T> unpooled(as_size(together * full));
    for (std::int64_t i = 0; i < s.n; i += together) {
        ConvShape some = s;
        some.n = std::min(together, s.n - i);
        unpool(plan, pool, some.n, dout + i * pooled, winner + i * pooled, unpooled.get());
        conv_backward_x<T>(some, unpooled.get(), w, dx + i * s.c * s.h * s.w);
    }
}

template <class T>
void conv_relu_pool_backward_w(const ConvShape& s, const PoolShape& pool, const T* dout, const std::uint8_t* winner,
                               const T* x, const T* shift, T* dw, T* db) {
    const Planned made = forward_plan(s);
    const ConvPlan& plan = made.plan;
    const std::int64_t row = kernels().of<T>().block().sums_row(plan);
    const std::int64_t share = whole_lines<T>(plan.rows * (row + 1));
    const Scratch<T> sums(as_size(num_threads() * share));
    std::fill_n(sums.get(), num_threads() * share, T(0));
    if (!sum_images(s, plan, pool, dout, winner, x, shift, row, share, sums.get())) {
        // 0 times what is not finite is not 0: every pixel counts. What is finite then, no shift would change.
        const Scratch<T> unpooled(as_size(s.n * plan.rows * plan.pixels()));
        unpool(plan, pool, s.n, dout, winner, unpooled.get());
        return conv_backward_w<T>(s, unpooled.get(), x, dw, db);
    }
    const auto total = [&](std::int64_t at) {
        T sum = sums.get()[at];
        for (int part = 1; part < num_threads(); ++part) sum += sums.get()[part * share + at];
        return sum;
    };
    for (std::int64_t f = 0; f < plan.rows; ++f) {
        for (std::int64_t tap = 0; tap < plan.taps; ++tap) dw[f * plan.taps + tap] = total(f * row + tap);
        db[f] = total(plan.rows * row + f);
    }
}

namespace {

// The mean of each channel, roughly: the sums of an image are rounded to T.
template <class T>
void channel_means(const ConvShape& s, const T* x, T* means) {
    const std::int64_t parts = std::max<std::int64_t>(1, std::min<std::int64_t>(s.n, num_threads()));
    const Scratch<T> of_image(as_size(parts * s.c));
    const Scratch<double> sums(as_size(parts * s.c));
    std::fill_n(sums.get(), parts * s.c, 0.0);
    parallel_for(s.n, 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        T* mine = of_image.get() + slot * s.c;
        for (std::int64_t i = begin; i < end; ++i) {
            std::fill_n(mine, s.c, T(0));
            kernels().of<T>().add_row_sums(mine, x + i * s.c * s.h * s.w, s.c, s.h * s.w);
            for (std::int64_t c = 0; c < s.c; ++c) sums.get()[slot * s.c + c] += mine[c];
        }
    });
    for (std::int64_t c = 0; c < s.c; ++c) {
        double sum = 0;
        for (std::int64_t part = 0; part < parts; ++part) sum += sums.get()[part * s.c + c];
        means[c] = static_cast<T>(sum / static_cast<double>(std::max<std::int64_t>(1, s.n * s.h * s.w)));
    }
}

}  // namespace

template <class T>
void conv_moments(const ConvShape& s, const T* x, T* shift, double* products) {
    const BlockKernels<T>& k = kernels().of<T>().block();
    const Planned made = forward_plan(s);
    const ConvPlan& plan = made.plan;
    channel_means(s, x, shift);
    const std::int64_t padded = plan.padded_size(), work = padded + k.moments_workspace(plan);
    const std::int64_t row = k.moments_row(plan), all = plan.taps + 1, share = all * row;
    const Scratch<T> workspace(as_size(num_threads() * work));
    const Scratch<double> sums(as_size(num_threads() * share));
    std::fill_n(sums.get(), num_threads() * share, 0.0);
    parallel_for(s.n, 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        T* mine = workspace.get() + slot * work;
        for (std::int64_t i = begin; i < end; ++i) {
            kernels().of<T>().conv_pad(plan, x + i * s.c * s.h * s.w, mine);
            shift_planes(plan, shift, mine);
            k.moments(plan, mine, sums.get() + slot * share, mine + padded);
        }
    });
    for (std::int64_t i = 0; i < all; ++i)
        for (std::int64_t j = i; j < all; ++j) {
            double sum = 0;
            for (int part = 0; part < num_threads(); ++part) sum += sums.get()[part * share + i * row + j];
            products[i * all + j] = products[j * all + i] = sum;
        }
}

bool conv_pool_takes(const ConvShape& s, const PoolShape& pool) {
    return shifted_takes(s) ? shifted_pool_takes(s, pool) : winograd_pool_takes(s, pool);
}

void conv_pool_forward(const ConvShape& s, const PoolShape& pool, const float* x, const float* w, const float* b, float* out,
                       std::uint8_t* winner) {
    (shifted_takes(s) ? shifted_pool_forward : winograd_pool_forward)(s, pool, x, w, b, out, winner);
}

void conv_pool_backward_x(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                          const float* w, float* dx) {
    (shifted_takes(s) ? shifted_pool_backward_x : winograd_pool_backward_x)(s, pool, dout, winner, w, dx);
}

void conv_pool_backward_w(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                          const float* x, float* dw, float* db) {
    (shifted_takes(s) ? shifted_pool_backward_w : winograd_pool_backward_w)(s, pool, dout, winner, x, dw, db);
}

#define HANDGRAD_FOR(T)                                                                                                   \
    template void conv_relu_pool_forward(const ConvShape&, const PoolShape&, const T*, const T*, const T*, T*,           \
                                         std::uint8_t*);                                                                 \
    template void conv_relu_pool_backward_x(const ConvShape&, const PoolShape&, const T*, const std::uint8_t*, const T*, \
                                            T*);                                                                         \
    template void conv_relu_pool_backward_w(const ConvShape&, const PoolShape&, const T*, const std::uint8_t*, const T*, \
                                            const T*, T*, T*);                                                           \
    template void conv_moments(const ConvShape&, const T*, T*, double*);
HANDGRAD_FOR(float)
HANDGRAD_FOR(double)

}  // namespace handgrad
