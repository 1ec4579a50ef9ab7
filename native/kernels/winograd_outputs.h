// Strips of tiles of Winograd's outputs, a vector of filters for each pixel: their moments, and how they leave.
#pragma once

#include "pack.h"
#include "tuning.h"
#include "winograd.h"
#include "winograd_sides.h"

namespace handgrad::HANDGRAD_ISA {

// Tiles side by side leave together, as many as fill a vector of pixels: scattered parts of a line in planes that are a power of
// two apart cost as much as the products.
template <int Side>
inline constexpr int kStrip = S::lanes > Side ? S::lanes / Side : 1;

// Tiles side by side, from `first` on, what of them lies in the image, and what it counts for beside the `before` outputs there
// were. Pixels lie row by row.
struct Strip {
    Strip(const WinogradPlan& plan, std::int64_t first, std::int64_t many, std::int64_t before)
        : tiles(many),
          top(first / plan.tiles_x * plan.side),
          left(first % plan.tiles_x * plan.side),
          high(least(plan.side, plan.out_height - top)),
          wide(least(plan.side * many, plan.out_width - left)),
          share(static_cast<float>(pixels()) / static_cast<float>(before + pixels())),
          weight(static_cast<float>(before) * share) {}
    std::int64_t pixels() const { return high * wide; }
    std::int64_t tiles, top, left, high, wide;
    float share, weight;
};

HANDGRAD_INLINE Vec total(const Vec (&way)[4]) { return S::add(S::add(way[0], way[1]), S::add(way[2], way[3])); }

// Joins a strip's outputs of filters f .. f + lanes (Chan, Golub and LeVeque, 1979). A lane is a filter, so nothing is
// added across lanes; a strip is seen from its first output, so that little cancels, and its mean from the centre.
inline void join_outputs(const Vec* y, const Strip& strip, std::int64_t f, const TileMoments& to) {
    Vec sum[4] = {S::zero(), S::zero(), S::zero(), S::zero()}, squares[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
    const Vec near = y[0];
    const auto take = [&](std::int64_t p, int way) HANDGRAD_INLINED {
        const Vec d = S::sub(y[p], near);
        sum[way] = S::add(sum[way], d);
        squares[way] = S::fma(d, d, squares[way]);
    };
    std::int64_t p = 0;
    for (; p + 4 <= strip.pixels(); p += 4) {
        HANDGRAD_UNROLL
        for (int way = 0; way < 4; ++way) take(p + way, way);
    }
    for (; p < strip.pixels(); ++p) take(p, 0);
    const bool begins = to.count == 0;
    if (begins) S::store(to.centre + f, near);
    const Vec own_sum = total(sum), own_mean = S::mul(S::splat(1 / static_cast<float>(strip.pixels())), own_sum);
    const Vec own_squares = S::sub(total(squares), S::mul(own_sum, own_mean));
    const Vec mean = begins ? S::zero() : S::load(to.mean + f);
    const Vec apart = S::sub(S::add(S::sub(near, S::load(to.centre + f)), own_mean), mean);
    S::store(to.mean + f, S::fma(S::splat(strip.share), apart, mean));
    const Vec all = S::add(begins ? S::zero() : S::load(to.squares + f), own_squares);
    S::store(to.squares + f, S::fma(S::splat(strip.weight), S::mul(apart, apart), all));
}

// Pixels of a strip to the filters' planes: row by row, or where it is as wide as the image all of them in one piece. What lies
// behind y's pixels may be read.
inline void store_strip(const WinogradPlan& plan, const Vec* y, const Strip& strip, std::int64_t filters, float* out) {
    const std::int64_t plane = plan.out_height * plan.out_width;
    const std::int64_t run = strip.wide == plan.out_width ? strip.pixels() : strip.wide;
    float* to = out + strip.top * plan.out_width + strip.left;
    for (std::int64_t begin = 0; begin < strip.pixels(); begin += run, to += plan.out_width)
        for (std::int64_t p = 0; p < run; p += S::lanes) {
            Vec v[S::lanes];
            HANDGRAD_UNROLL
            for (int i = 0; i < S::lanes; ++i) v[i] = y[begin + p + i];
            transpose<S>(v);
            const int count = static_cast<int>(least(S::lanes, run - p));
            HANDGRAD_UNROLL
            for (int f = 0; f < S::lanes; ++f)
                if (f < filters) {
                    store_some<S>(to + p + f * plane, v[f], count);
                    prefetch(to + p + (f + S::lanes) * plane);  // of the next filters, which come at once
                }
        }
}

}  // namespace handgrad::HANDGRAD_ISA
