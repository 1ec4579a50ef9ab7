// What lies between a convolution and its max-pool where both are computed in one: a few images at a time, for each thread.
#pragma once

#include "conv_plan.h"
#include "kernels/pool.h"
#include "memory.h"

namespace handgrad {

// The convolution's outputs of `images` images, or their gradients, for each thread: they stay in its second-level cache.
class Scores {
  public:
    Scores(const ConvShape& s, std::int64_t images)
        : share_(whole_lines<float>(images * s.f * s.out_h() * s.out_w())), all_(as_size(share_ * num_threads())) {}
    float* of(int slot) const { return all_.get() + slot * share_; }

  private:
    const std::int64_t share_;
    const Scratch<float> all_;
};

// out and winner (N, F, H'', W'') of a pool, from `image` on.
inline void pool_scores(const ConvShape& s, const PoolShape& pool, const float* scores, std::int64_t image, std::int64_t images,
                        float* out, std::uint8_t* winner) {
    const std::int64_t at = image * s.f * pool.out_plane();
    kernels().of<float>().pool().max(pool, scores, out + at, winner + at, images * s.f);
}

// Gradients of a pool's outputs, which go back to the convolution's as they are asked for.
struct Pooled {
    const ConvShape& s;
    const PoolShape& pool;
    const float* dout;
    const std::uint8_t* winner;
    const Scores& scores;

    const float* of(std::int64_t image, std::int64_t images, int slot) const {
        const std::int64_t at = image * s.f * pool.out_plane();
        kernels().of<float>().pool().max_gradient(pool, dout + at, winner + at, scores.of(slot), images * s.f, false);
        return scores.of(slot);
    }
};

}  // namespace handgrad
