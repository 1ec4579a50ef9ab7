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
    Vec sums[kSums];
    for (int i = 0; i < kSums; ++i) sums[i] = splat(static_cast<float>(i));
    // Sums go to term / (1 - factor) = 1: neither infinities nor denormal numbers slow them down.
    const Vec factor = splat(0.5f), term = splat(0.5f);
    for (std::int64_t round = 0; round < rounds; ++round)
        for (int i = 0; i < kSums; ++i) sums[i] = fma(sums[i], factor, term);
    for (int i = 1; i < kSums; ++i) sums[0] = add(sums[0], sums[i]);
    float lanes[kLanes];
    store(lanes, sums[0]);
    *sink = lanes[0];
    return rounds * kSums * kLanes * 2;
}

}  // namespace handgrad::HANDGRAD_ISA
