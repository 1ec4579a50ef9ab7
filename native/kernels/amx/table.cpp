// Compiled once per number of pieces: puts its kernels into the table.
#include "table.h"

#include "kernels.h"

namespace handgrad::HANDGRAD_ISA {

void install(KernelTable& t) {
    t.f32.gemm_workspace = tiles_gemm_workspace;
    t.f32.gemm = tiles_gemm;
#if HANDGRAD_PIECES == 1  // too few digits for Winograd's transforms, and so quick that products may be wasted
    t.shifted = {shifted_packed_size,   shifted_panels,             shifted_pack,     shifted_workspace, shifted_forward,
                 shifted_gradient_size, shifted_gradient_workspace, shifted_gradient, shifted_unpack};
#else
    t.winograd.tiles_at_once = 128;  // the filters would come too slowly for tiles
    t.winograd.packed_size = winograd_packed_size;
    t.winograd.pack_filters = winograd_pack_filters;
    t.winograd.products_workspace = winograd_products_workspace;
    t.winograd.products = winograd_products;
    t.winograd.filter_products = winograd_filter_products;
#endif
}

}  // namespace handgrad::HANDGRAD_ISA
