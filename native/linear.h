// Matrix products and sums on all threads.
#pragma once

#include "kernels/gemm.h"

namespace handgrad {

// The product described in kernels/gemm.h. T is float or double.
template <class T>
void gemm(const Gemm<T>& g);

// sums[j] = sum over i of x[i * columns + j].
template <class T>
void column_sums(T* sums, const T* x, std::int64_t rows, std::int64_t columns);

}  // namespace handgrad
