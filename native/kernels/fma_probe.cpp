// The multiply-add rate that a kernel cannot exceed.
#include "simd.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// Two units with a latency of 4 or 5 cycles need 8 to 10 independent sums to stay busy; 12 of them, a factor
// and a term still fit in the 16 registers of AVX2.
constexpr int kSums = 12;

}  // namespace

std::int64_t fma_probe(std::int64_t rounds, float* sink) {
    using S = Simd<float>;
    S::Vec sums[kSums];
    for (int i = 0; i < kSums; ++i) sums[i] = S::splat(static_cast<float>(i));
    // Sums go to term / (1 - factor) = 1: neither infinities nor denormal numbers slow them down.
    const S::Vec factor = S::splat(0.5f), term = S::splat(0.5f);
    for (std::int64_t round = 0; round < rounds; ++round)
        for (int i = 0; i < kSums; ++i) sums[i] = S::fma(sums[i], factor, term);
    for (int i = 1; i < kSums; ++i) sums[0] = S::add(sums[0], sums[i]);
    *sink = S::sum(sums[0]);
    return rounds * kSums * S::lanes * 2;
}

}  // namespace handgrad::HANDGRAD_ISA
