// Tiles of outputs of Winograd's convolution, in registers: what of them lies in the image, and its moments.
#pragma once

#include "tuning.h"
#include "winograd.h"
#include "winograd_sides.h"

namespace handgrad::HANDGRAD_ISA {

// What of a tile lies in the image.
struct Inside {
    Inside(const WinogradPlan& plan, std::int64_t tile)
        : high(static_cast<int>(least(4, plan.out_height - tile / plan.tiles_x * 4))),
          wide(static_cast<int>(least(4, plan.out_width - tile % plan.tiles_x * 4))) {}
    int pixels() const { return high * wide; }
    int high, wide;
};

// body(pixel, way) for what lies in the image: of four ways that do not wait for one another.
template <class Body>
HANDGRAD_INLINE void for_each_pixel(const Inside& in, const Body& body) {
    if (in.pixels() == 16) {
        HANDGRAD_UNROLL
        for (int p = 0; p < 16; ++p) body(p, p % 4);
        return;
    }
    for (int i = 0; i < in.high; ++i)
        for (int j = 0; j < in.wide; ++j) body(4 * i + j, j);
}

HANDGRAD_INLINE Vec total(const Vec (&way)[4]) { return S::add(S::add(way[0], way[1]), S::add(way[2], way[3])); }

// Tiles side by side, from `first` on, and what their outputs count for beside those before them.
struct Strip {
    Strip(const WinogradPlan& plan, std::int64_t from, std::int64_t tiles_here, std::int64_t before)
        : first(from), tiles(tiles_here) {
        for (std::int64_t tile = 0; tile < tiles; ++tile) count += Inside(plan, first + tile).pixels();
        share = static_cast<float>(count) / static_cast<float>(before + count);
        weight = static_cast<float>(before) * share;
    }
    std::int64_t first, tiles, count = 0;
    float share, weight;
};

// Joins a strip's outputs of filters f .. f + lanes (Chan, Golub and LeVeque, 1979). A lane is a filter, so nothing is
// added across lanes; a strip is seen from its first output, so that little cancels, and its mean from the centre.
template <int Tiles>
void join_outputs(const WinogradPlan& plan, const Vec (&y)[Tiles][16], const Strip& strip, std::int64_t f,
                  const TileMoments& to) {
    Vec sum[4] = {S::zero(), S::zero(), S::zero(), S::zero()}, squares[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
    const Vec near = y[0][0];
    for (std::int64_t tile = 0; tile < strip.tiles; ++tile)
        for_each_pixel(Inside(plan, strip.first + tile), [&](int p, int way) HANDGRAD_INLINED {
            const Vec d = S::sub(y[tile][p], near);
            sum[way] = S::add(sum[way], d);
            squares[way] = S::fma(d, d, squares[way]);
        });
    const bool begins = to.count == 0;
    if (begins) S::store(to.centre + f, near);
    const Vec own_sum = total(sum), own_mean = times(1 / static_cast<float>(strip.count), own_sum);
    const Vec own_squares = S::sub(total(squares), S::mul(own_sum, own_mean));
    const Vec mean = begins ? S::zero() : S::load(to.mean + f);
    const Vec apart = S::sub(S::add(S::sub(near, S::load(to.centre + f)), own_mean), mean);
    S::store(to.mean + f, plus_times(mean, strip.share, apart));
    const Vec all = S::add(begins ? S::zero() : S::load(to.squares + f), own_squares);
    S::store(to.squares + f, plus_times(all, strip.weight, S::mul(apart, apart)));
}

}  // namespace handgrad::HANDGRAD_ISA
