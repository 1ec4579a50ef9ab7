// What the machine can run: instruction sets, and how many CPUs are ours.
#pragma once

#include <string>
#include <vector>

namespace handgrad {

// From the plainest to the widest; `generic` is what the compiler targets by default.
enum class Isa { generic, neon, avx2, avx512, amx };

const char* isa_name(Isa isa);

// Does this CPU run it, and does the operating system save its registers?
bool cpu_runs(Isa isa);

// Does it have instructions of AVX-512 that multiply pairs of bfloat16 (Zen 4, Cooper Lake and later)?
bool cpu_multiplies_pairs();

// Names of the vector extensions that are usable here: "avx2", "fma", "avx512f", ...
std::vector<std::string> cpu_features();

}  // namespace handgrad
