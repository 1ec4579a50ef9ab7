#include "dispatch.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <stdexcept>

#include "kernels/amx/table.h"
#include "kernels/pairs/table.h"

namespace handgrad {

// Each set's kernels, from its own compilation of kernels/table.cpp.
namespace generic {
extern const KernelTable table;
}
namespace neon {
extern const KernelTable table;
}
namespace avx2 {
extern const KernelTable table;
}
namespace avx512 {
extern const KernelTable table;
}

namespace {

#if defined(HANDGRAD_WITH_AVX512)
[[maybe_unused]] KernelTable on_top_of_avx512(void (*install)(KernelTable&)) {
    KernelTable table = avx512::table;
    install(table);
    return table;
}

const KernelTable& avx512_table() {
#if defined(HANDGRAD_WITH_PAIRS)
    static const KernelTable in_pairs = on_top_of_avx512(pairs::install);
    if (precision() == Precision::low && cpu_multiplies_pairs()) return in_pairs;
#endif
    return avx512::table;
}
#endif

#if defined(HANDGRAD_WITH_AMX)
const KernelTable& amx_table() {
    static const KernelTable highest = on_top_of_avx512(amx::install), high = on_top_of_avx512(amx_high::install),
                             medium = on_top_of_avx512(amx_medium::install);
    switch (precision()) {
        case Precision::highest: return highest;
        case Precision::high: return high;
        default: return medium;
    }
}
#endif

struct Compiled {
    Isa isa;
    const KernelTable& (*kernels)();
};

// From the plainest to the widest.
constexpr Compiled kCompiled[] = {
    {Isa::generic, []() -> const KernelTable& { return generic::table; }},
#if defined(HANDGRAD_WITH_NEON)
    {Isa::neon, []() -> const KernelTable& { return neon::table; }},
#endif
#if defined(HANDGRAD_WITH_AVX2)
    {Isa::avx2, []() -> const KernelTable& { return avx2::table; }},
#endif
#if defined(HANDGRAD_WITH_AVX512)
    {Isa::avx512, avx512_table},
#endif
#if defined(HANDGRAD_WITH_AMX)
    {Isa::amx, amx_table},
#endif
};

enum class Asker { nobody, caller, environment };

std::atomic<const Compiled*> in_use{nullptr};
std::atomic<Asker> asker{Asker::nobody};

std::atomic<Precision> precision_in_use{Precision::highest};

// In the order of Precision.
constexpr const char* kPrecisions[] = {"highest", "high", "medium", "low"};

void choose_precision(const char* argument, const std::string& name) {
    const auto found = std::find(std::begin(kPrecisions), std::end(kPrecisions), name);
    if (found == std::end(kPrecisions))
        throw std::invalid_argument(std::string(argument) + " must be highest, high, medium or low, got '" + name + "'");
    precision_in_use.store(static_cast<Precision>(found - kPrecisions), std::memory_order_relaxed);
}

const Compiled* widest() {
    const Compiled* best = kCompiled;
    for (const Compiled& compiled : kCompiled)
        if (cpu_runs(compiled.isa)) best = &compiled;
    return best;
}

const Compiled& current() {
    const Compiled* choice = in_use.load(std::memory_order_acquire);
    if (choice == nullptr) in_use.store(choice = widest(), std::memory_order_release);
    return *choice;
}

std::string usable_names() {
    std::string names;
    for (const Isa usable : usable_isas()) names += (names.empty() ? "" : ", ") + std::string(isa_name(usable));
    return names;
}

void choose(const char* argument, const std::string& name, Asker who) {
    for (const Compiled& compiled : kCompiled)
        if (name == isa_name(compiled.isa) && cpu_runs(compiled.isa)) {
            in_use.store(&compiled, std::memory_order_release);
            asker.store(who, std::memory_order_relaxed);
            return;
        }
    throw std::invalid_argument(std::string(argument) + " must be one of " + usable_names() +
                                " on this machine, got '" + name + "'");
}

}  // namespace

std::vector<Isa> usable_isas() {
    std::vector<Isa> usable;
    for (const Compiled& compiled : kCompiled)
        if (cpu_runs(compiled.isa)) usable.push_back(compiled.isa);
    return usable;
}

const KernelTable& kernels() { return current().kernels(); }

Isa isa() { return current().isa; }

std::string isa_reason() {
    switch (asker.load(std::memory_order_relaxed)) {
        case Asker::environment: return "asked for by HANDGRAD_ISA";
        case Asker::caller: return "asked for by set_isa";
        case Asker::nobody: break;
    }
    return "the widest of " + usable_names() + ", which this build has and this machine runs";
}

void set_isa(const std::string& name) { choose("isa", name, Asker::caller); }

void set_isa_from_environment() {
    const char* name = std::getenv("HANDGRAD_ISA");
    if (name != nullptr && *name != '\0') choose("HANDGRAD_ISA", name, Asker::environment);
}

Precision precision() { return precision_in_use.load(std::memory_order_relaxed); }

const char* precision_name() { return kPrecisions[static_cast<int>(precision())]; }

void set_precision(const std::string& name) { choose_precision("precision", name); }

void set_precision_from_environment() {
    const char* name = std::getenv("HANDGRAD_PRECISION");
    if (name != nullptr && *name != '\0') choose_precision("HANDGRAD_PRECISION", name);
}

}  // namespace handgrad
