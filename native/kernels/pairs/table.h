// What CPUs with AVX-512 and its bfloat16 compute in their own way at low precision; all else is taken from the kernels of AVX-512.
#pragma once

#include "../table.h"

namespace handgrad::avx512 {
extern const KernelTable table;
}

namespace handgrad::pairs {
// Puts its kernels into the places of those of AVX-512.
void install(KernelTable& table);
}
