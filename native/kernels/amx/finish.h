// From sums on the tiles to results in their place.
#pragma once

#include "../gemm.h"
#include "../simd.h"
#include "pack.h"

namespace handgrad::HANDGRAD_ISA {

// Adds to what lies at `to` for `add`, finishes and stores rows x columns of 32 x 32 sums; returns whether all of
// them are finite before relu.
inline bool finish_sums(const float* sums, int rows, int columns, const Finish<float>& finish, bool add, float* to,
                        std::int64_t to_row) {
    const int halves[2] = {within(columns, 16), within(columns - 16, 16)};
    __mmask16 odd = 0;
    for (int half = 0; half < 2; ++half, sums += 16, to += 16) {
        const int n = halves[half];
        const __m512 bias = finish.column_bias ? S::load_part(finish.column_bias + half * 16, n) : S::zero();
        for (int r = 0; r < rows; ++r) {
            __m512 v = S::load(sums + r * kPanel);
            if (add) v = S::add(v, S::load_part(to + r * to_row, n));
            if (finish.row_bias) v = S::add(v, S::splat(finish.row_bias[r]));
            v = S::add(v, bias);
            odd |= _mm512_fpclass_ps_mask(v, 0x99);  // infinite or no number
            if (finish.relu) v = S::relu(v);
            S::store_part(to + r * to_row, v, n);
        }
    }
    return odd == 0;
}

}  // namespace handgrad::HANDGRAD_ISA
