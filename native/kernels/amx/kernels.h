// The kernels of this folder.
#pragma once

#include "../gemm.h"
#include "../winograd.h"

namespace handgrad::HANDGRAD_ISA {

std::int64_t tiles_gemm_workspace(const Gemm<float>& g);
void tiles_gemm(const Gemm<float>& g, float* workspace);

std::int64_t winograd_packed_size(const WinogradPlan& plan);
void winograd_pack_filters(const WinogradPlan& plan, const float* u, std::int64_t begin, std::int64_t end, float* packed);
std::int64_t winograd_products_workspace(const WinogradPlan& plan);
void winograd_products(const WinogradPlan& plan, const float* v, const float* packed, std::int64_t tiles, float* m,
                       float* workspace);
void winograd_filter_products(const WinogradPlan& plan, const float* v, const float* m, std::int64_t tiles, bool add,
                              float* du, float* workspace);

}  // namespace handgrad::HANDGRAD_ISA
