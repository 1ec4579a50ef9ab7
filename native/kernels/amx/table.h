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

std::int64_t winograd_packed_size(const WinogradPlan& plan);
void winograd_pack_filters(const WinogradPlan& plan, const float* u, std::int64_t begin, std::int64_t end, float* packed);
std::int64_t winograd_products_workspace(const WinogradPlan& plan);
void winograd_products(const WinogradPlan& plan, const float* v, const float* packed, std::int64_t tiles, float* m,
                       float* workspace);
void winograd_filter_products(const WinogradPlan& plan, const float* v, const float* m, std::int64_t tiles, bool add,
                              float* du, float* workspace);

}  // namespace handgrad::amx
