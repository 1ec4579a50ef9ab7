// NumPy's generator PCG64, drawn from at any place of its sequence: O'Neill, "PCG: a family of simple fast space-efficient
// statistically good algorithms for random number generation" (2014).
//
// Its state is a whole number of 128 bits, s <- s M + c; a draw is the two halves of the new s, one flipped by the other
// and turned by its top six bits. n steps in one are s <- s M^n + c (1 + M + ... + M^(n-1)), so threads begin where they
// like, and lanes go side by side: each takes as many steps at once as there are lanes.
#pragma once

#include "elementwise.h"
#include "simd.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace handgrad::HANDGRAD_ISA {

HANDGRAD_INLINE std::uint64_t upper_product(std::uint64_t a, std::uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 Whole;
    return static_cast<std::uint64_t>(static_cast<Whole>(a) * b >> 64);
#else
    return __umulh(a, b);
#endif
}

HANDGRAD_INLINE Wide operator*(Wide a, Wide b) {
    return {upper_product(a.low, b.low) + a.low * b.high + a.high * b.low, a.low * b.low};
}

HANDGRAD_INLINE Wide operator+(Wide a, Wide b) {
    const std::uint64_t low = a.low + b.low;
    return {a.high + b.high + (low < a.low), low};
}

// s <- s factor + term: some steps of the generator in one.
struct Steps {
    Wide factor, term;
    HANDGRAD_INLINE Wide from(Wide s) const { return s * factor + term; }
    HANDGRAD_INLINE Steps then(const Steps& next) const { return {factor * next.factor, next.from(term)}; }
};

HANDGRAD_INLINE Steps steps_of(const Pcg64& rng, std::uint64_t count) {
    Steps all{{0, 1}, {0, 0}}, power{{0x2360ed051fc65da4, 0x4385df649fccf645}, rng.increment};
    for (; count > 0; count /= 2, power = power.then(power))
        if (count % 2 == 1) all = all.then(power);
    return all;
}

// Draws in groups of `kDraws` that follow one another, the first of them `skipped` draws after the generator's next.
constexpr int kDraws = 16;

#if defined(HANDGRAD_ISA_AVX512)

class Draws {
  public:
    HANDGRAD_INLINE Draws(const Pcg64& rng, std::uint64_t skipped) {
        const Steps one = steps_of(rng, 1), group = steps_of(rng, kDraws);
        alignas(64) std::uint64_t high[kDraws], low[kDraws];
        Wide s = steps_of(rng, skipped).from(rng.state);
        for (int i = 0; i < kDraws; ++i) {
            s = one.from(s);
            high[i] = s.high;
            low[i] = s.low;
        }
        for (int v = 0; v < 2; ++v) state_[v] = {_mm512_load_si512(high + 8 * v), _mm512_load_si512(low + 8 * v)};
        factor_ = {_mm512_set1_epi64(whole(group.factor.high)), _mm512_set1_epi64(whole(group.factor.low))};
        term_ = {_mm512_set1_epi64(whole(group.term.high)), _mm512_set1_epi64(whole(group.term.low))};
    }

    // Bit i tells whether draw i of the next group is at least `bound`.
    HANDGRAD_INLINE unsigned at_least(std::uint64_t bound) {
        const __m512i least = _mm512_set1_epi64(whole(bound));
        unsigned bits = 0;
        HANDGRAD_UNROLL
        for (int v = 0; v < 2; ++v) {
            const Lanes s = state_[v];
            const __m512i draw = _mm512_rorv_epi64(_mm512_xor_si512(s.high, s.low), _mm512_srli_epi64(s.high, 58));
            bits |= static_cast<unsigned>(_mm512_cmpge_epu64_mask(draw, least)) << 8 * v;
            state_[v] = next(s);
        }
        return bits;
    }

  private:
    struct Lanes {
        __m512i high, low;
    };
    static HANDGRAD_INLINE long long whole(std::uint64_t bits) { return static_cast<long long>(bits); }

    // The product of the low halves is put together from those of their halves, as by hand.
    HANDGRAD_INLINE Lanes next(const Lanes& s) const {
        const __m512i s1 = _mm512_srli_epi64(s.low, 32), f1 = _mm512_srli_epi64(factor_.low, 32);
        const __m512i p00 = _mm512_mul_epu32(s.low, factor_.low), p01 = _mm512_mul_epu32(s.low, f1);
        const __m512i p10 = _mm512_mul_epu32(s1, factor_.low), p11 = _mm512_mul_epu32(s1, f1);
        const __m512i t = _mm512_add_epi64(p10, _mm512_srli_epi64(p00, 32));
        const __m512i u = _mm512_add_epi64(p01, _mm512_and_si512(t, _mm512_set1_epi64(0xffffffff)));
        const __m512i upper = _mm512_add_epi64(_mm512_add_epi64(p11, _mm512_srli_epi64(t, 32)), _mm512_srli_epi64(u, 32));
        const __m512i lower = _mm512_mask_blend_epi32(0x5555, _mm512_slli_epi64(u, 32), p00);
        const __m512i across = _mm512_add_epi64(_mm512_mullo_epi64(s.low, factor_.high), _mm512_mullo_epi64(s.high, factor_.low));
        const __m512i low = _mm512_add_epi64(lower, term_.low), high = _mm512_add_epi64(_mm512_add_epi64(upper, across), term_.high);
        const __mmask8 carry = _mm512_cmplt_epu64_mask(low, lower);
        return {_mm512_mask_add_epi64(high, carry, high, _mm512_set1_epi64(1)), low};
    }

    Lanes state_[2], factor_, term_;
};

#else

class Draws {
  public:
    HANDGRAD_INLINE Draws(const Pcg64& rng, std::uint64_t skipped) : group_(steps_of(rng, kLanes)) {
        const Steps one = steps_of(rng, 1);
        Wide s = steps_of(rng, skipped).from(rng.state);
        for (int i = 0; i < kLanes; ++i) state_[i] = s = one.from(s);
    }

    // Bit i tells whether draw i of the next group is at least `bound`.
    HANDGRAD_INLINE unsigned at_least(std::uint64_t bound) {
        unsigned bits = 0;
        HANDGRAD_UNROLL
        for (int i = 0; i < kDraws; ++i) {
            Wide& s = state_[i % kLanes];
            const std::uint64_t mixed = s.high ^ s.low, turn = s.high >> 58;
            const std::uint64_t draw = mixed >> turn | mixed << ((64 - turn) & 63);
            bits |= static_cast<unsigned>(draw >= bound) << i;
            s = group_.from(s);
        }
        return bits;
    }

  private:
    static constexpr int kLanes = 4;  // products of one wait for each other, those of four do not
    Wide state_[kLanes];
    Steps group_;
};

#endif

}  // namespace handgrad::HANDGRAD_ISA
