// Which instruction set the kernels use, and how many digits of float32 they owe: chosen once, visibly.
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

// How exact float32 products are: all digits, unless the caller lets kernels leave out the last third of them where
// that is quicker (2^-16 of a product instead of 2^-24), or the last two (2^-8), which only kernels of AMX do; at low precision
// kernels of AVX-512 with bfloat16 may also transform what they round so.
enum class Precision { highest, high, medium, low };
Precision precision();
const char* precision_name();

// Throws std::invalid_argument for what is none of these names.
void set_precision(const std::string& name);

// Reads HANDGRAD_PRECISION; does nothing where it is unset or empty. Throws std::invalid_argument.
void set_precision_from_environment();

}  // namespace handgrad
