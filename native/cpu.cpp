#include "cpu.h"

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#define HANDGRAD_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace handgrad {

const char* isa_name(Isa isa) {
    switch (isa) {
        case Isa::generic: return "generic";
        case Isa::neon: return "neon";
        case Isa::avx2: return "avx2";
        case Isa::avx512: return "avx512";
        case Isa::amx: return "amx";
    }
    return "unknown";
}

namespace {

struct Features {
    bool neon = false;
    bool avx = false, fma = false, avx2 = false;
    bool avx512f = false, avx512bw = false, avx512dq = false, avx512vl = false;
    bool avx512_bf16 = false;
    bool amx_tile = false, amx_bf16 = false;
};

#if defined(HANDGRAD_X86)

struct Registers {
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    Registers r;
#if defined(_MSC_VER)
    int out[4];
    __cpuid(out, 0);
    if (static_cast<std::uint32_t>(out[0]) < leaf) return r;
    __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
    r = {static_cast<std::uint32_t>(out[0]), static_cast<std::uint32_t>(out[1]),
         static_cast<std::uint32_t>(out[2]), static_cast<std::uint32_t>(out[3])};
#else
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);  // leaves zeros for an unknown leaf
#endif
    return r;
}

// Which register files the operating system saves; valid only where cpuid reports OSXSAVE.
std::uint64_t saved_state() {
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    std::uint32_t low, high;  // the instruction itself: the intrinsic needs a compiler flag of its own
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

// Linux gives tile registers to a process that asks, once and for all its threads.
bool tiles_granted() {
#if defined(__linux__)
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
    return false;
#endif
}

Features detect() {
    const auto bit = [](std::uint32_t word, int index) { return ((word >> index) & 1u) != 0; };
    const Registers basic = cpuid(1), extended = cpuid(7);
    const std::uint64_t saved = bit(basic.ecx, 27) ? saved_state() : 0;  // bit 27: OSXSAVE
    const bool ymm = (saved & 0x06) == 0x06;                // xmm and the upper halves of ymm
    const bool zmm = ymm && (saved & 0xe0) == 0xe0;         // mask registers and both parts of zmm
    Features f;
    f.avx = ymm && bit(basic.ecx, 28);
    f.fma = ymm && bit(basic.ecx, 12);
    f.avx2 = ymm && bit(extended.ebx, 5);
    f.avx512f = zmm && bit(extended.ebx, 16);
    f.avx512dq = zmm && bit(extended.ebx, 17);
    f.avx512bw = zmm && bit(extended.ebx, 30);
    f.avx512vl = zmm && bit(extended.ebx, 31);
    f.avx512_bf16 = zmm && extended.eax >= 1 && bit(cpuid(7, 1).eax, 5);  // eax: the last subleaf there is
    const bool tiles = zmm && (saved & 0x60000) == 0x60000 && bit(extended.edx, 24) && tiles_granted();
    f.amx_tile = tiles;
    f.amx_bf16 = tiles && bit(extended.edx, 22);
    return f;
}

#else

Features detect() {
    Features f;
#if defined(__aarch64__) || defined(_M_ARM64)
    f.neon = true;  // part of the base of 64-bit Arm
#endif
    return f;
}

#endif

const Features& features() {
    static const Features found = detect();
    return found;
}

}  // namespace

bool cpu_runs(Isa isa) {
    const Features& f = features();
    switch (isa) {
        case Isa::generic: return true;
        case Isa::neon: return f.neon;
        case Isa::avx2: return f.avx2 && f.fma;
        case Isa::avx512: return f.avx2 && f.fma && f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl;
        case Isa::amx: return cpu_runs(Isa::avx512) && f.amx_tile && f.amx_bf16;
    }
    return false;
}

bool cpu_multiplies_pairs() { return cpu_runs(Isa::avx512) && features().avx512_bf16; }

std::vector<std::string> cpu_features() {
    const Features& f = features();
    const struct {
        const char* name;
        bool usable;
    } all[] = {{"neon", f.neon},         {"avx", f.avx},           {"fma", f.fma},
               {"avx2", f.avx2},         {"avx512f", f.avx512f},   {"avx512bw", f.avx512bw},
               {"avx512dq", f.avx512dq}, {"avx512vl", f.avx512vl}, {"avx512_bf16", f.avx512_bf16}, {"amx_tile", f.amx_tile},
               {"amx_bf16", f.amx_bf16}};
    std::vector<std::string> names;
    for (const auto& feature : all)
        if (feature.usable) names.emplace_back(feature.name);
    return names;
}

}  // namespace handgrad
