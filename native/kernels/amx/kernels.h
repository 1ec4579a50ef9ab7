// The kernels of this folder.
#pragma once

#include "../gemm.h"
#include "../shifted.h"
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

// Numbers in one piece only.
std::int64_t shifted_panels(const ShiftedPlan& plan);
std::int64_t shifted_packed_size(const ShiftedPlan& plan);
void shifted_pack(const ShiftedPlan& plan, const ShiftedFilters& filters, std::int64_t begin, std::int64_t end,
                  float* packed);
std::int64_t shifted_workspace(const ShiftedPlan& plan);
void shifted_forward(const ShiftedPlan& plan, const ShiftedGroup& group, const float* x, const float* packed,
                     const float* bias, bool relu, float* out, float* workspace);
std::int64_t shifted_gradient_size(const ShiftedPlan& plan);
std::int64_t shifted_gradient_workspace(const ShiftedPlan& plan);
void shifted_gradient(const ShiftedPlan& plan, const ShiftedGroup& group, const float* dout, const float* x, float* sums,
                      float* db, float* workspace);
void shifted_unpack(const ShiftedPlan& plan, const float* sums, std::int64_t count, std::int64_t apart, std::int64_t begin,
                    std::int64_t end, float* dw);

}  // namespace handgrad::HANDGRAD_ISA
