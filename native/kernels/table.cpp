// Compiled once per instruction set: gathers its kernels.
#include "table.h"

#include "tuning.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

template <class T>
constexpr Kernels<T> kernels_of() {
    return {
        gemm_workspace<T>,
        gemm<T>,
        gemm_slabs_workspace<T>,
        gemm_slabs<T>,
        Tuning<T>::width,
        column_sums<T>,
        conv_pad<T>,
        conv_pack_weights<T>,
        conv_workspace<T>,
        conv_image<T>,
        conv_weights_workspace<T>,
        conv_weights<T>,
        add_row_sums<T>,
        add_apart<T>,
        elementwise<T>,
        loss<T>,
        norm<T>,
        pool<T>,
        block<T>,
        update<T>,
    };
}

}  // namespace

const KernelTable table{
    fma_probe,
    kernels_of<float>(),
    kernels_of<double>(),
    winograd,
    {},
};

}  // namespace handgrad::HANDGRAD_ISA
