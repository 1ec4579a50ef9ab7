// Measures what the machine can reach at best.
#pragma once

namespace handgrad {

// Single-precision multiply-adds of all threads with the kernels in use, as GFLOP/s: the best of the bursts that
// fit into `seconds`. Throws std::invalid_argument unless 0 < seconds <= 60.
double fma_gflops(double seconds);

}  // namespace handgrad
