// The numbers that depend on the machine, in one place.
#pragma once

#include "simd.h"

namespace handgrad::HANDGRAD_ISA {

// The tile of the result that lives in registers is kRows x (kVectors * lanes). The sums, a row of B and a factor
// of A must fit: AVX-512 and Arm have 32 registers, the others 16.
#if defined(HANDGRAD_ISA_AVX512)
inline constexpr int kRows = 14;  // 28 sums: 2 units x 4 cycles of latency need 8, more need fewer loads each
#elif defined(HANDGRAD_ISA_NEON)
inline constexpr int kRows = 12;
#else
inline constexpr int kRows = 6;
#endif
inline constexpr int kVectors = 2;
// The same for windows of four members, a vector each: rows that are pooled in registers.
inline constexpr int kPooledRows = kRows >= 12 ? 6 : 2;
// Vectors of sums that stay in registers while gradients are added to them, and bytes of the rows that they add, which stay in
// the first-level cache.
inline constexpr int kWinnerSums = kRows >= 12 ? 20 : 8;
inline constexpr std::int64_t kRowsBytes = 40 << 10;

// Pooling takes a lane for a plane rather than for a window where rows have so few windows, at most, and fill half a vector:
// more windows took as long side by side. All lanes of so many pixels, 16 KB, stay in the first-level cache.
inline constexpr std::int64_t kNarrowWindows = 5, kNarrowPixels = 256;

inline constexpr std::int64_t kLineBytes = 64;
// Numbers in a cache line.
template <class T>
inline constexpr std::int64_t kLine = kLineBytes / static_cast<std::int64_t>(sizeof(T));

// Where B is read in place, k is cut so short that a panel of B (128 bytes a step), the next one and a block of A share the
// first-level cache.
inline constexpr std::int64_t kInPlace = 96;

template <class T>
struct Tuning {
    static constexpr int width = kVectors * Simd<T>::lanes;
#if defined(HANDGRAD_ISA_AVX512)
    // A panel of A and one of B come from the second-level cache at 17 of its 64 bytes a cycle, so they need not fit the
    // first-level one, and long ones visit C less often: float64 alone lost 3 % at half of this.
    static constexpr int k_block = 512;
    static constexpr int k_most = 768;  // rather one block of this length than two that visit C twice
    // A block of A, m_block x k_block, stays in the second-level cache (459 KB of 1 MB or more) while panels of B pass it.
    static constexpr int m_block = static_cast<int>(64 / sizeof(T)) * kRows;
    // A block of B, k_block x n_block, is packed for all of them, and may be in the third-level cache.
    static constexpr int n_block = static_cast<int>(8192 / sizeof(T));
#else
    // A panel of B, k_block x width, is read again for every panel of A: it stays in the first-level cache.
    static constexpr int k_block = 256;
    static constexpr int k_most = 2 * k_block;
    static constexpr int m_block = 20 * kRows;
    static constexpr int n_block = 32 * width;
#endif
    // Rows of B are read where they lie when fewer panels of A than this share the cost of packing them.
    static constexpr int panels_to_pack = 16;
};

inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
inline int within(std::int64_t left, int most) { return left <= 0 ? 0 : left < most ? static_cast<int>(left) : most; }
inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// A product cut along k into blocks of nearly one length.
template <class T>
inline std::int64_t k_blocks(std::int64_t k) {
    using C = Tuning<T>;
    return k <= C::k_most ? 1 : ceil_div(k, C::k_block);
}

template <class T>
inline std::int64_t deepest(std::int64_t k) {
    return ceil_div(k, k_blocks<T>(k));
}

}  // namespace handgrad::HANDGRAD_ISA
