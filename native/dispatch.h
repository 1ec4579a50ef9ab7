// Which instruction set the kernels use: chosen once, visibly.
#pragma once

#include <string>
#include <vector>

#include "cpu.h"
#include "kernels/table.h"

namespace handgrad {

// Compiled in and runnable here, from the plainest to the widest.
std::vector<Isa> usable_isas();

// The kernels in use: the widest set unless another was asked for. Asked once per call of substance.
const KernelTable& kernels();
Isa isa();
std::string isa_reason();

// Throws std::invalid_argument for a name that is not among usable_isas().
void set_isa(const std::string& name);

// Reads HANDGRAD_ISA; does nothing where it is unset or empty. Throws std::invalid_argument.
void set_isa_from_environment();

}  // namespace handgrad
