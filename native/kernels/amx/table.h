// What AMX computes in its own way, in float32; all else is taken from the kernels of AVX-512.
#pragma once

#include "../table.h"

namespace handgrad::avx512 {
extern const KernelTable table;
}

// Each puts its kernels into the places of those of AVX-512: numbers in three pieces, two or one.
namespace handgrad::amx {
void install(KernelTable& table);
}
namespace handgrad::amx_high {
void install(KernelTable& table);
}
namespace handgrad::amx_medium {
void install(KernelTable& table);
}
