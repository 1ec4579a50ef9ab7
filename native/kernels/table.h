// What every instruction set offers: one entry per kernel.
//
// Kernels compute on the calling thread and allocate nothing: who calls them brings the workspace, and cuts the
// work for the threads. Those that exist for float and double stand in Kernels<T>.
#pragma once

#include <cstdint>

#include "gemm.h"

namespace handgrad {

template <class T>
struct Kernels {
    // How many numbers gemm needs as its workspace.
    std::int64_t (*gemm_workspace)(const Gemm<T>& g);
    // The product described in gemm.h.
    void (*gemm)(const Gemm<T>& g, T* workspace);
    // Columns of C in one tile: a cut between threads at a multiple of it wastes nothing.
    int gemm_width;
    // to[j] = sum over i of from[i * columns + j], for columns from begin to end.
    void (*column_sums)(T* to, const T* from, std::int64_t rows, std::int64_t columns, std::int64_t begin,
                        std::int64_t end);
};

struct KernelTable {
    // Keeps the multiply-add units busy for `rounds` rounds and returns how many floating-point operations that
    // were. Writes one float to `sink`, so that no compiler drops the work.
    std::int64_t (*fma_probe)(std::int64_t rounds, float* sink);
    Kernels<float> f32;
    Kernels<double> f64;

    template <class T>
    const Kernels<T>& of() const {
        if constexpr (sizeof(T) == sizeof(float))
            return f32;
        else
            return f64;
    }
};

}  // namespace handgrad

// For the files that are compiled once per instruction set, with HANDGRAD_ISA as the name of the namespace.
#if defined(HANDGRAD_ISA)
namespace handgrad::HANDGRAD_ISA {

std::int64_t fma_probe(std::int64_t rounds, float* sink);
template <class T>
std::int64_t gemm_workspace(const Gemm<T>& g);
template <class T>
void gemm(const Gemm<T>& g, T* workspace);
template <class T>
void column_sums(T* to, const T* from, std::int64_t rows, std::int64_t columns, std::int64_t begin, std::int64_t end);

extern const KernelTable table;

}  // namespace handgrad::HANDGRAD_ISA
#endif
