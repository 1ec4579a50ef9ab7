// What every instruction set offers: one entry per kernel.
//
// Kernels compute on the calling thread and allocate nothing: who calls them brings the workspace, and cuts the
// work for the threads. Those that exist for float and double stand in Kernels<T>.
#pragma once

#include <cstdint>

#include "block.h"
#include "conv.h"
#include "elementwise.h"
#include "gemm.h"
#include "loss.h"
#include "norm.h"
#include "pool.h"
#include "shifted.h"
#include "update.h"
#include "winograd.h"

namespace handgrad {

template <class T>
struct Kernels {
    // How many numbers gemm needs as its workspace.
    std::int64_t (*gemm_workspace)(const Gemm<T>& g);
    // The product described in gemm.h.
    void (*gemm)(const Gemm<T>& g, T* workspace);
    // The same with C taken a slab at a time: one that is neither added to nor finished.
    std::int64_t (*gemm_slabs_workspace)(const Gemm<T>& g, const Taker<T>& taker);
    void (*gemm_slabs)(const Gemm<T>& g, const Taker<T>& taker, T* workspace);
    // Columns of C in one tile: a cut between threads at a multiple of it wastes nothing.
    int gemm_width;
    // to[j] = sum over i of from[i * columns + j], for columns from begin to end.
    void (*column_sums)(T* to, const T* from, std::int64_t rows, std::int64_t columns, std::int64_t begin,
                        std::int64_t end);

    // Lays an image (planes, height, width) into padded_size() numbers.
    void (*conv_pad)(const ConvPlan& plan, const T* image, T* padded);
    // Packs weights (rows, taps) into as many numbers, for conv_image.
    void (*conv_pack_weights)(T* to, const T* weights, std::int64_t rows, std::int64_t taps);
    std::int64_t (*conv_workspace)(const ConvPlan& plan);
    // Pixels begin..end of the result (rows, pixels); begin is a multiple of gemm_width. Only the bias of rows and
    // relu of `finish` are followed.
    void (*conv_image)(const ConvPlan& plan, const T* packed_weights, const Finish<T>& finish, const T* padded, T* out,
                       std::int64_t begin, std::int64_t end, T* workspace);
    std::int64_t (*conv_weights_workspace)(const ConvPlan& plan);
    // sums (taps, rows) += columns (taps, pixels) times dout (rows, pixels) turned.
    void (*conv_weights)(const ConvPlan& plan, const T* padded, const T* dout, T* sums, T* workspace);
    // to[i] += sum over j of from[i * columns + j].
    void (*add_row_sums)(T* to, const T* from, std::int64_t rows, std::int64_t columns);
    // to[i * step] += from[i] for i < count; nothing else is touched.
    void (*add_apart)(T* to, const T* from, std::int64_t count, std::int64_t step);

    const ElementwiseKernels<T>& (*elementwise)();
    const LossKernels<T>& (*loss)();
    const NormKernels<T>& (*norm)();
    const PoolKernels<T>& (*pool)();
    const BlockKernels<T>& (*block)();
    // The step described in update.h for the numbers from begin to end.
    void (*update)(const Update<T>& u, std::int64_t begin, std::int64_t end);
};

struct KernelTable {
    // Keeps the multiply-add units busy for `rounds` rounds and returns how many floating-point operations that
    // were. Writes one float to `sink`, so that no compiler drops the work.
    std::int64_t (*fma_probe)(std::int64_t rounds, float* sink);
    Kernels<float> f32;
    Kernels<double> f64;
    WinogradKernels winograd;
    ShiftedKernels shifted;  // null but on tiles

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
std::int64_t gemm_slabs_workspace(const Gemm<T>& g, const Taker<T>& taker);
template <class T>
void gemm_slabs(const Gemm<T>& g, const Taker<T>& taker, T* workspace);
template <class T>
void column_sums(T* to, const T* from, std::int64_t rows, std::int64_t columns, std::int64_t begin, std::int64_t end);
template <class T>
void conv_pad(const ConvPlan& plan, const T* image, T* padded);
template <class T>
void conv_pack_weights(T* to, const T* weights, std::int64_t rows, std::int64_t taps);
template <class T>
std::int64_t conv_workspace(const ConvPlan& plan);
template <class T>
void conv_image(const ConvPlan& plan, const T* packed_weights, const Finish<T>& finish, const T* padded, T* out,
                std::int64_t begin, std::int64_t end, T* workspace);
template <class T>
std::int64_t conv_weights_workspace(const ConvPlan& plan);
template <class T>
void conv_weights(const ConvPlan& plan, const T* padded, const T* dout, T* sums, T* workspace);
template <class T>
void add_row_sums(T* to, const T* from, std::int64_t rows, std::int64_t columns);
template <class T>
void add_apart(T* to, const T* from, std::int64_t count, std::int64_t step);
template <class T>
const ElementwiseKernels<T>& elementwise();
template <class T>
const LossKernels<T>& loss();
template <class T>
const NormKernels<T>& norm();
template <class T>
const PoolKernels<T>& pool();
template <class T>
const BlockKernels<T>& block();
extern const WinogradKernels winograd;

template <class T>
void update(const Update<T>& u, std::int64_t begin, std::int64_t end);

extern const KernelTable table;

}  // namespace handgrad::HANDGRAD_ISA
#endif
