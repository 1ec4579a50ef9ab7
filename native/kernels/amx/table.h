// What AMX computes in its own way, in float32; all else is taken from the kernels of AVX-512.
#pragma once

#include "../table.h"

namespace handgrad::avx512 {
extern const KernelTable table;
}

namespace handgrad::amx {

template <class T>
std::int64_t gemm_workspace(const Gemm<T>& g);
template <class T>
void gemm(const Gemm<T>& g, T* workspace);

}  // namespace handgrad::amx
