#include "shifted.h"

#include <algorithm>

#include "conv_plan.h"
#include "dispatch.h"
#include "memory.h"
#include "pooled_scores.h"
#include "threads.h"

namespace handgrad {

namespace {

// Fewer channels waste the tiles.
constexpr std::int64_t kFewestChannels = 16;
// Staged images of a group: they share the second-level cache with a panel of filters and the sums.
constexpr std::int64_t kStagedBytes = 1 << 18;

// What is staged together: images until they fill their share of the cache, but some groups for each thread; of large
// images, and where there are fewer images than threads, bands of rows.
ShiftedPlan plan_for(ShiftedPlan p, std::int64_t images) {
    const std::int64_t threads = num_threads();
    p.band = p.out_height;
    const std::int64_t row_bytes = p.row() * ceil_div(std::max(p.channels, p.filters), 32) * 64;
    const std::int64_t rows = std::max<std::int64_t>(1, kStagedBytes / row_bytes), own = p.height + p.pad_y;
    p.images = std::clamp<std::int64_t>(rows / own, 1, std::max<std::int64_t>(1, images / threads));
    if (p.images > 1) return p;
    p.band = std::clamp<std::int64_t>(rows, std::min<std::int64_t>(4, p.out_height), p.out_height);
    if (images < threads) p.band = std::min(p.band, ceil_div(p.out_height * images, threads));
    return p;
}

ShiftedPlan forward_plan_of(const ConvShape& s) {
    return plan_for({s.c, s.h, s.w, s.f, s.out_h(), s.out_w(), s.hh, s.ww, s.pad_y, s.pad_x}, s.n);
}

// dx is dout convolved with the filters turned round.
ShiftedPlan backward_plan_of(const ConvShape& s) {
    return plan_for({s.f, s.out_h(), s.out_w(), s.c, s.h, s.w, s.hh, s.ww, s.hh - 1 - s.pad_y, s.ww - 1 - s.pad_x}, s.n);
}

ShiftedFilters forward_filters(const ConvShape& s, const float* w) { return {w, s.hh * s.ww, s.c * s.hh * s.ww, false}; }
ShiftedFilters backward_filters(const ConvShape& s, const float* w) { return {w, s.c * s.hh * s.ww, s.hh * s.ww, true}; }

std::int64_t bands(const ShiftedPlan& p) { return ceil_div(p.out_height, p.band); }
std::int64_t groups(const ShiftedPlan& p, std::int64_t images) { return ceil_div(images, p.images) * bands(p); }

// body(first image, group, slot) for all groups, on all threads.
template <class Body>
void for_each_group(const ShiftedPlan& p, std::int64_t images, const Body& body) {
    parallel_for(groups(p, images), 1, [&](std::int64_t begin, std::int64_t end, int slot) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t image = i / bands(p) * p.images, row = i % bands(p) * p.band;
            body(image, ShiftedGroup{std::min(p.images, images - image), row, std::min(p.band, p.out_height - row)}, slot);
        }
    });
}

// from(first image, group, slot) and to(...) are where a group's images and outputs lie; done(...) comes after its outputs.
template <class From, class To, class Done>
void convolve(const ShiftedPlan& p, std::int64_t images, const From& from, const ShiftedFilters& filters, const float* bias,
              bool relu, const To& to, const Done& done) {
    const ShiftedKernels& k = kernels().shifted;
    const Scratch<float> packed(as_size(k.packed_size(p)));
    parallel_for(k.panels(p), 1, [&](std::int64_t begin, std::int64_t end, int) {
        k.pack(p, filters, begin, end, packed.get());
    });
    const std::int64_t share = whole_lines<float>(k.workspace(p));
    const Scratch<float> workspace(as_size(share * num_threads()));
    for_each_group(p, images, [&](std::int64_t image, const ShiftedGroup& group, int slot) {
        k.forward(p, group, from(image, group, slot), packed.get(), bias, relu, to(image, group, slot),
                  workspace.get() + slot * share);
        done(image, group, slot);
    });
}

void nothing(std::int64_t, const ShiftedGroup&, int) {}

// from(...) as above, of dout and of x.
template <class FromDout, class FromX>
void sum_gradient(const ConvShape& s, const ShiftedPlan& p, const FromDout& dout, const FromX& x, float* dw, float* db) {
    const ShiftedKernels& k = kernels().shifted;
    const std::int64_t parts = std::min<std::int64_t>(num_threads(), groups(p, s.n));
    const std::int64_t size = k.gradient_size(p), part = size + whole_lines<float>(s.f);
    const std::int64_t share = whole_lines<float>(k.gradient_workspace(p));
    const Scratch<float> sums(as_size(part * parts)), workspace(as_size(share * parts));
    parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end, int) {
        std::fill(sums.get() + begin * part, sums.get() + end * part, 0.0f);
    });
    for_each_group(p, s.n, [&](std::int64_t image, const ShiftedGroup& group, int slot) {
        float* const mine = sums.get() + slot * part;
        k.gradient(p, group, dout(image, group, slot), x(image, group, slot), mine, mine + size, workspace.get() + slot * share);
    });
    parallel_for(k.panels(p), 1, [&](std::int64_t begin, std::int64_t end, int) {
        k.unpack(p, sums.get(), parts, part, begin, end, dw);
    });
    sum_parts<float>(sums.get() + size, part, parts, s.f, db);
}

// Gradients of a group, as convolve asks for them.
auto unpooled(const Pooled& pooled) {
    return [&](std::int64_t image, const ShiftedGroup& group, int slot) { return pooled.of(image, group.images, slot); };
}

}  // namespace

bool shifted_takes(const ConvShape& s) {
    const ShiftedKernels& k = kernels().shifted;
    if (k.forward == nullptr || s.stride_y != 1 || s.stride_x != 1) return false;
    if (s.pad_y >= s.hh || s.pad_x >= s.ww || s.n == 0) return false;
    return std::min(s.c, s.f) >= kFewestChannels;
}

void shifted_forward(const ConvShape& s, const float* x, const float* w, const float* b, bool relu, float* out,
                     const ChannelMoments& moments) {
    const ShiftedPlan p = forward_plan_of(s);
    const std::int64_t pixels = p.out_height * p.out_width;
    OutputMoments<float> of_outputs({s.n, s.f, pixels}, moments);
    convolve(p, s.n, in_batch(x, s.c * s.h * s.w), forward_filters(s, w), b, relu, in_batch(out, s.f * pixels),
             [&](std::int64_t image, const ShiftedGroup& group, int slot) {
                 const std::int64_t begin = group.first * p.out_width, end = begin + group.rows * p.out_width;
                 for (std::int64_t i = image; i < image + group.images; ++i)
                     of_outputs.add(slot, out + i * s.f * pixels, begin, end);
             });
    of_outputs.finish(out);
}

void shifted_backward_x(const ConvShape& s, const float* dout, const float* w, float* dx) {
    convolve(backward_plan_of(s), s.n, in_batch(dout, s.f * s.out_h() * s.out_w()), backward_filters(s, w), nullptr, false,
             in_batch(dx, s.c * s.h * s.w), nothing);
}

void shifted_backward_w(const ConvShape& s, const float* dout, const float* x, float* dw, float* db) {
    sum_gradient(s, forward_plan_of(s), in_batch(dout, s.f * s.out_h() * s.out_w()), in_batch(x, s.c * s.h * s.w), dw, db);
}

bool shifted_pool_takes(const ConvShape& s, const PoolShape& pool) {
    return pool.taps() <= 256 && shifted_takes(s) && forward_plan_of(s).whole() && backward_plan_of(s).whole();
}

void shifted_pool_forward(const ConvShape& s, const PoolShape& pool, const float* x, const float* w, const float* b, float* out,
                          std::uint8_t* winner) {
    const ShiftedPlan p = forward_plan_of(s);
    const Scores scores(s, p.images);
    convolve(p, s.n, in_batch(x, s.c * s.h * s.w), forward_filters(s, w), b, false,
             [&](std::int64_t, const ShiftedGroup&, int slot) { return scores.of(slot); },
             [&](std::int64_t image, const ShiftedGroup& group, int slot) {
                 pool_scores(s, pool, scores.of(slot), image, group.images, out, winner);
             });
}

void shifted_pool_backward_x(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                             const float* w, float* dx) {
    const ShiftedPlan p = backward_plan_of(s);
    const Scores scores(s, p.images);
    const Pooled pooled{s, pool, dout, winner, scores};
    convolve(p, s.n, unpooled(pooled), backward_filters(s, w), nullptr, false,
             in_batch(dx, s.c * s.h * s.w), nothing);
}

void shifted_pool_backward_w(const ConvShape& s, const PoolShape& pool, const float* dout, const std::uint8_t* winner,
                             const float* x, float* dw, float* db) {
    const ShiftedPlan p = forward_plan_of(s);
    const Scores scores(s, p.images);
    const Pooled pooled{s, pool, dout, winner, scores};
    sum_gradient(s, p, unpooled(pooled), in_batch(x, s.c * s.h * s.w), dw, db);
}

}  // namespace handgrad
