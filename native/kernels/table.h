// What every instruction set offers: one entry per kernel.
#pragma once

#include <cstdint>

namespace handgrad {

struct KernelTable {
    // Keeps the multiply-add units busy for `rounds` rounds and returns how many floating-point operations that
    // were. Writes one float to `sink`, so that no compiler drops the work.
    std::int64_t (*fma_probe)(std::int64_t rounds, float* sink);
};

}  // namespace handgrad

// For the files that are compiled once per instruction set, with HANDGRAD_ISA as the name of the namespace.
#if defined(HANDGRAD_ISA)
namespace handgrad::HANDGRAD_ISA {

std::int64_t fma_probe(std::int64_t rounds, float* sink);

extern const KernelTable table;

}  // namespace handgrad::HANDGRAD_ISA
#endif
