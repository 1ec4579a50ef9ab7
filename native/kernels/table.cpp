// Compiled once per instruction set: gathers its kernels.
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

const KernelTable table{
    fma_probe,
};

}  // namespace handgrad::HANDGRAD_ISA
