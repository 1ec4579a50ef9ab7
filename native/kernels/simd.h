// One vector of floats in the instruction set that this file is compiled for.
//
// Only for the files in this folder: the names differ in meaning from one instruction set to the next, so they
// live in its namespace, and no standard-library template is used beside them (the linker would keep one copy
// of it, perhaps the one that the running CPU cannot execute).
#pragma once

#include <cstdint>

#if defined(HANDGRAD_ISA_AVX2) || defined(HANDGRAD_ISA_AVX512)
#include <immintrin.h>
#elif defined(HANDGRAD_ISA_NEON)
#include <arm_neon.h>
#endif

namespace handgrad::HANDGRAD_ISA {

#if defined(HANDGRAD_ISA_AVX512)

using Vec = __m512;
inline constexpr int kLanes = 16;
inline Vec splat(float value) { return _mm512_set1_ps(value); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline void store(float* to, Vec a) { _mm512_storeu_ps(to, a); }

#elif defined(HANDGRAD_ISA_AVX2)

using Vec = __m256;
inline constexpr int kLanes = 8;
inline Vec splat(float value) { return _mm256_set1_ps(value); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline void store(float* to, Vec a) { _mm256_storeu_ps(to, a); }

#elif defined(HANDGRAD_ISA_NEON)

using Vec = float32x4_t;
inline constexpr int kLanes = 4;
inline Vec splat(float value) { return vdupq_n_f32(value); }
inline Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
inline Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
inline void store(float* to, Vec a) { vst1q_f32(to, a); }

#elif defined(__GNUC__)

// Four lanes are what the base of every 64-bit CPU has; the compiler splits them where it has fewer.
using Vec = float __attribute__((vector_size(16)));
inline constexpr int kLanes = 4;
inline Vec splat(float value) { return Vec{value, value, value, value}; }
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }  // rounded twice where the base has no such instruction
inline Vec add(Vec a, Vec b) { return a + b; }
inline void store(float* to, Vec a) {
    for (int i = 0; i < kLanes; ++i) to[i] = a[i];
}

#else

using Vec = float;
inline constexpr int kLanes = 1;
inline Vec splat(float value) { return value; }
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
inline Vec add(Vec a, Vec b) { return a + b; }
inline void store(float* to, Vec a) { *to = a; }

#endif

}  // namespace handgrad::HANDGRAD_ISA
