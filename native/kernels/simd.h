// Vectors of float and double in the instruction set that this file is compiled for: Simd<float>, Simd<double>.
//
// Only for the files in this folder: the names differ in meaning from one instruction set to the next, so they
// live in its namespace, and no standard-library template is used beside them (the linker would keep one copy
// of it, perhaps the one that the running CPU cannot execute).
//
// What each offers, on vectors of `lanes` numbers:
//   zero, splat, load, store          load and store need no alignment
//   gather(from, stride, n)           from[0], from[stride], ..., n of them, the other lanes 0
//   load_between(from, begin, end)    lanes begin..end of those at from, begin <= end; the others are 0, unread
//   load_part, store_part             the first n lanes, 0 <= n <= lanes; the other lanes are 0, or left alone
//   load_part(from, n, other)         the other lanes are those of `other`
//   stream                            store past the caches where the address allows it, else store
//   fma(a, b, c) = a b + c, add, sub, mul, div, sqrt
//   max(a, b), min(a, b)              b where one of them is NaN
//   relu(a)                           max(a, 0), NaN stays NaN
//   nearest(a)                        the nearest whole number, for |a| < 2^22
//   scale(a, n)                       a 2^n, for a near 1 and whole numbers n from -1080 to 0
//   above(a, b)                       where !(a <= b): a is greater, or one of them is NaN
//   both(m, n), number(a)             masks: and; where a is no NaN
//   same(a, b)                        where a == b
//   pick(m, a, b)                     a where m, else b
//   keep(m, a)                        a where m, else 0
//   flags(bits)                       lane i is bit i, 0 or 1; what lies above is ignored
//   zip_low, zip_high                 a0 b0 a1 b1 ... of the lower and the upper halves
//   evens(a, b), odds(a, b)           a0 a2 ... b0 b2 ..., a1 a3 ... b1 b3 ...
//   turned<Step, Start>(a)            lane i is lane Start + Step i of a, counted round
//   Order order(f)                    lane i shall be number f(i) of two vectors in a row, for
//   from_two(a, b, order)
//   blend_three(a, b, c)              lanes 0, 3, ... of a, 1, 4, ... of b, 2, 5, ... of c
//   sum(a)                            of all lanes
//   store_bytes(to, a, n)             the first n lanes, whole numbers from 0 to 255, as bytes
//   load_bytes(from, n)               and back, the other lanes 0
//   masks_bytes                       whether there are the next three
//   bytes_between(from, begin, end)   as load_between, of bytes
//   same_bytes(bytes, value)          where a byte is value
//   add_where(a, m, b)                a + b where m, else a
#pragma once

#include <math.h>
#include <string.h>

#include <cstdint>

#if defined(HANDGRAD_ISA_AVX2) || defined(HANDGRAD_ISA_AVX512)
#include <immintrin.h>
#endif

#if defined(_MSC_VER)
#define HANDGRAD_INLINE __forceinline
#define HANDGRAD_INLINED  // after a lambda's parameters
#define HANDGRAD_UNROLL
#else
#define HANDGRAD_INLINE inline __attribute__((always_inline))
#define HANDGRAD_INLINED __attribute__((always_inline))
#define HANDGRAD_UNROLL _Pragma("GCC unroll 16")
#endif

namespace handgrad::HANDGRAD_ISA {

template <class T>
struct Simd;

#if defined(HANDGRAD_ISA_AVX512)

// f(0), f(1), ... as whole numbers of a type.
template <class Whole, class F>
HANDGRAD_INLINE __m512i order_of(F f) {
    Whole at[64 / sizeof(Whole)];
    for (int i = 0; i < static_cast<int>(64 / sizeof(Whole)); ++i) at[i] = f(i);
    return _mm512_loadu_si512(at);
}

template <>
struct Simd<float> {
    using Vec = __m512;
    using Mask = __mmask16;
    static constexpr int lanes = 16;
    static HANDGRAD_INLINE Mask first(int n) { return static_cast<Mask>((1u << n) - 1u); }
    static HANDGRAD_INLINE Vec zero() { return _mm512_setzero_ps(); }
    static HANDGRAD_INLINE Vec splat(float value) { return _mm512_set1_ps(value); }
    static HANDGRAD_INLINE Vec load(const float* from) { return _mm512_loadu_ps(from); }
    static HANDGRAD_INLINE Vec load_part(const float* from, int n) { return _mm512_maskz_loadu_ps(first(n), from); }
    static HANDGRAD_INLINE Vec load_between(const float* from, int begin, int end) {
        return _mm512_maskz_loadu_ps(static_cast<Mask>(first(end) & ~first(begin)), from);
    }
    static HANDGRAD_INLINE Vec load_part(const float* from, int n, Vec other) { return _mm512_mask_loadu_ps(other, first(n), from); }
    static HANDGRAD_INLINE Vec gather(const float* from, std::int64_t stride, int n) {
        const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i at = _mm512_mullo_epi32(lane, _mm512_set1_epi32(static_cast<int>(stride)));
        return _mm512_mask_i32gather_ps(zero(), first(n), at, from, 4);
    }
    static HANDGRAD_INLINE void store(float* to, Vec a) { _mm512_storeu_ps(to, a); }
    static HANDGRAD_INLINE void stream(float* to, Vec a) {
        reinterpret_cast<std::uintptr_t>(to) % 64 == 0 ? _mm512_stream_ps(to, a) : _mm512_storeu_ps(to, a);
    }
    static HANDGRAD_INLINE void store_part(float* to, Vec a, int n) { _mm512_mask_storeu_ps(to, first(n), a); }
    static HANDGRAD_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
    static HANDGRAD_INLINE Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
    static HANDGRAD_INLINE Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
    static HANDGRAD_INLINE Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
    static HANDGRAD_INLINE Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
    static HANDGRAD_INLINE Vec sqrt(Vec a) { return _mm512_sqrt_ps(a); }
    static HANDGRAD_INLINE Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
    static HANDGRAD_INLINE Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
    static HANDGRAD_INLINE Vec nearest(Vec a) { return _mm512_roundscale_ps(a, 8); }
    static HANDGRAD_INLINE Vec scale(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }
    static HANDGRAD_INLINE Vec relu(Vec a) { return _mm512_max_ps(zero(), a); }  // of two, max returns the second on NaN
    static HANDGRAD_INLINE Vec flags(unsigned bits) { return keep(static_cast<Mask>(bits), splat(1)); }
    static HANDGRAD_INLINE Mask above(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLE_UQ); }
    static HANDGRAD_INLINE Mask number(Vec a) { return _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q); }
    static HANDGRAD_INLINE Mask both(Mask m, Mask n) { return static_cast<Mask>(m & n); }
    static HANDGRAD_INLINE Vec pick(Mask m, Vec a, Vec b) { return _mm512_mask_blend_ps(m, b, a); }
    static HANDGRAD_INLINE Vec keep(Mask m, Vec a) { return _mm512_maskz_mov_ps(m, a); }
    static HANDGRAD_INLINE Mask same(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
    static HANDGRAD_INLINE Vec zip_low(Vec a, Vec b) {
        return _mm512_permutex2var_ps(
            a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
    }
    static HANDGRAD_INLINE Vec zip_high(Vec a, Vec b) {
        return _mm512_permutex2var_ps(
            a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b);
    }
    static HANDGRAD_INLINE Vec evens(Vec a, Vec b) {
        return _mm512_permutex2var_ps(
            a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
    }
    static HANDGRAD_INLINE Vec odds(Vec a, Vec b) {
        return _mm512_permutex2var_ps(a, _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b);
    }
    template <int Step, int Start>
    static HANDGRAD_INLINE Vec turned(Vec a) {
        const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        return _mm512_permutexvar_ps(_mm512_add_epi32(_mm512_mullo_epi32(lane, _mm512_set1_epi32(Step)), _mm512_set1_epi32(Start)), a);
    }
    using Order = __m512i;
    template <class F>
    static HANDGRAD_INLINE Order order(F f) {
        return order_of<std::int32_t>(f);
    }
    static HANDGRAD_INLINE Vec from_two(Vec a, Vec b, Order order) { return _mm512_permutex2var_ps(a, order, b); }
    static HANDGRAD_INLINE Vec blend_three(Vec a, Vec b, Vec c) {
        return _mm512_mask_blend_ps(0x4924, _mm512_mask_blend_ps(0x2492, a, b), c);
    }
    static constexpr bool masks_bytes = true;
    using Bytes = __m128i;
    static HANDGRAD_INLINE Bytes bytes_between(const std::uint8_t* from, int begin, int end) {
        return _mm_maskz_loadu_epi8(static_cast<Mask>(first(end) & ~first(begin)), from);
    }
    static HANDGRAD_INLINE Mask same_bytes(Bytes a, int value) { return _mm_cmpeq_epi8_mask(a, _mm_set1_epi8(static_cast<char>(value))); }
    static HANDGRAD_INLINE Vec add_where(Vec a, Mask m, Vec b) { return _mm512_mask_add_ps(a, m, a, b); }
    static HANDGRAD_INLINE float sum(Vec a) { return _mm512_reduce_add_ps(a); }
    static HANDGRAD_INLINE Vec load_bytes(const std::uint8_t* from, int n) {
        const __m128i bytes = _mm_maskz_loadu_epi8(first(n), from);
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    }
    static HANDGRAD_INLINE void store_bytes(std::uint8_t* to, Vec a, int n) {
        _mm_mask_storeu_epi8(to, first(n), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
    }
};

template <>
struct Simd<double> {
    using Vec = __m512d;
    using Mask = __mmask8;
    static constexpr int lanes = 8;
    static HANDGRAD_INLINE Mask first(int n) { return static_cast<Mask>((1u << n) - 1u); }
    static HANDGRAD_INLINE Vec zero() { return _mm512_setzero_pd(); }
    static HANDGRAD_INLINE Vec splat(double value) { return _mm512_set1_pd(value); }
    static HANDGRAD_INLINE Vec load(const double* from) { return _mm512_loadu_pd(from); }
    static HANDGRAD_INLINE Vec load_part(const double* from, int n) { return _mm512_maskz_loadu_pd(first(n), from); }
    static HANDGRAD_INLINE Vec load_between(const double* from, int begin, int end) {
        return _mm512_maskz_loadu_pd(static_cast<Mask>(first(end) & ~first(begin)), from);
    }
    static HANDGRAD_INLINE Vec load_part(const double* from, int n, Vec other) { return _mm512_mask_loadu_pd(other, first(n), from); }
    static HANDGRAD_INLINE Vec gather(const double* from, std::int64_t stride, int n) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i at = _mm256_mullo_epi32(lane, _mm256_set1_epi32(static_cast<int>(stride)));
        return _mm512_mask_i32gather_pd(zero(), first(n), at, from, 8);
    }
    static HANDGRAD_INLINE void store(double* to, Vec a) { _mm512_storeu_pd(to, a); }
    static HANDGRAD_INLINE void stream(double* to, Vec a) {
        reinterpret_cast<std::uintptr_t>(to) % 64 == 0 ? _mm512_stream_pd(to, a) : _mm512_storeu_pd(to, a);
    }
    static HANDGRAD_INLINE void store_part(double* to, Vec a, int n) { _mm512_mask_storeu_pd(to, first(n), a); }
    static HANDGRAD_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_pd(a, b, c); }
    static HANDGRAD_INLINE Vec add(Vec a, Vec b) { return _mm512_add_pd(a, b); }
    static HANDGRAD_INLINE Vec sub(Vec a, Vec b) { return _mm512_sub_pd(a, b); }
    static HANDGRAD_INLINE Vec mul(Vec a, Vec b) { return _mm512_mul_pd(a, b); }
    static HANDGRAD_INLINE Vec div(Vec a, Vec b) { return _mm512_div_pd(a, b); }
    static HANDGRAD_INLINE Vec sqrt(Vec a) { return _mm512_sqrt_pd(a); }
    static HANDGRAD_INLINE Vec max(Vec a, Vec b) { return _mm512_max_pd(a, b); }
    static HANDGRAD_INLINE Vec min(Vec a, Vec b) { return _mm512_min_pd(a, b); }
    static HANDGRAD_INLINE Vec nearest(Vec a) { return _mm512_roundscale_pd(a, 8); }
    static HANDGRAD_INLINE Vec scale(Vec a, Vec n) { return _mm512_scalef_pd(a, n); }
    static HANDGRAD_INLINE Vec relu(Vec a) { return _mm512_max_pd(zero(), a); }
    static HANDGRAD_INLINE Vec flags(unsigned bits) { return keep(static_cast<Mask>(bits), splat(1)); }
    static HANDGRAD_INLINE Mask above(Vec a, Vec b) { return _mm512_cmp_pd_mask(a, b, _CMP_NLE_UQ); }
    static HANDGRAD_INLINE Mask number(Vec a) { return _mm512_cmp_pd_mask(a, a, _CMP_ORD_Q); }
    static HANDGRAD_INLINE Mask both(Mask m, Mask n) { return static_cast<Mask>(m & n); }
    static HANDGRAD_INLINE Vec pick(Mask m, Vec a, Vec b) { return _mm512_mask_blend_pd(m, b, a); }
    static HANDGRAD_INLINE Vec keep(Mask m, Vec a) { return _mm512_maskz_mov_pd(m, a); }
    static HANDGRAD_INLINE Mask same(Vec a, Vec b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
    static HANDGRAD_INLINE Vec zip_low(Vec a, Vec b) {
        return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b);
    }
    static HANDGRAD_INLINE Vec zip_high(Vec a, Vec b) {
        return _mm512_permutex2var_pd(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b);
    }
    static HANDGRAD_INLINE Vec evens(Vec a, Vec b) {
        return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b);
    }
    static HANDGRAD_INLINE Vec odds(Vec a, Vec b) {
        return _mm512_permutex2var_pd(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b);
    }
    template <int Step, int Start>
    static HANDGRAD_INLINE Vec turned(Vec a) {
        const __m512i lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
        return _mm512_permutexvar_pd(_mm512_add_epi64(_mm512_mullo_epi64(lane, _mm512_set1_epi64(Step)), _mm512_set1_epi64(Start)), a);
    }
    using Order = __m512i;
    template <class F>
    static HANDGRAD_INLINE Order order(F f) {
        return order_of<std::int64_t>(f);
    }
    static HANDGRAD_INLINE Vec from_two(Vec a, Vec b, Order order) { return _mm512_permutex2var_pd(a, order, b); }
    static HANDGRAD_INLINE Vec blend_three(Vec a, Vec b, Vec c) {
        return _mm512_mask_blend_pd(0x24, _mm512_mask_blend_pd(0x92, a, b), c);
    }
    static constexpr bool masks_bytes = false;
    static HANDGRAD_INLINE double sum(Vec a) { return _mm512_reduce_add_pd(a); }
    static HANDGRAD_INLINE Vec load_bytes(const std::uint8_t* from, int n) {
        const __m128i bytes = _mm_maskz_loadu_epi8(first(n), from);
        return _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(bytes));
    }
    static HANDGRAD_INLINE void store_bytes(std::uint8_t* to, Vec a, int n) {
        _mm_mask_storeu_epi8(to, first(n), _mm256_cvtepi32_epi8(_mm512_cvtpd_epi32(a)));
    }
};

#elif defined(HANDGRAD_ISA_AVX2)

// The first n bytes, at most eight, the others 0.
HANDGRAD_INLINE __m128i load_eight_bytes(const std::uint8_t* from, int n) {
    if (n == 8) return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    std::uint64_t bytes = 0;
    HANDGRAD_UNROLL
    for (int size = 4; size > 0; size /= 2)
        if ((n & size) != 0) {
            n -= size;
            std::uint32_t piece = 0;
            memcpy(&piece, from + n, static_cast<std::size_t>(size));
            bytes = bytes << 8 * size | piece;
        }
    return _mm_cvtsi64_si128(static_cast<long long>(bytes));
}

// And back.
HANDGRAD_INLINE void store_eight_bytes(std::uint8_t* to, __m128i a, int n) {
    std::uint64_t bytes = static_cast<std::uint64_t>(_mm_cvtsi128_si64(a));
    if (n == 8) {
        memcpy(to, &bytes, 8);
        return;
    }
    HANDGRAD_UNROLL
    for (int size = 4; size > 0; size /= 2)
        if ((n & size) != 0) {
            memcpy(to, &bytes, static_cast<std::size_t>(size));
            to += size;
            bytes >>= 8 * size;
        }
}

template <>
struct Simd<float> {
    using Vec = __m256;
    using Mask = __m256;
    static constexpr int lanes = 8;
    static HANDGRAD_INLINE __m256i first(int n) {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }
    static HANDGRAD_INLINE Vec zero() { return _mm256_setzero_ps(); }
    static HANDGRAD_INLINE Vec splat(float value) { return _mm256_set1_ps(value); }
    static HANDGRAD_INLINE Vec load(const float* from) { return _mm256_loadu_ps(from); }
    static HANDGRAD_INLINE Vec load_part(const float* from, int n) { return _mm256_maskload_ps(from, first(n)); }
    static HANDGRAD_INLINE Vec load_between(const float* from, int begin, int end) {
        return _mm256_maskload_ps(from, _mm256_andnot_si256(first(begin), first(end)));
    }
    static HANDGRAD_INLINE Vec load_part(const float* from, int n, Vec other) {
        return _mm256_blendv_ps(other, load_part(from, n), _mm256_castsi256_ps(first(n)));
    }
    static HANDGRAD_INLINE Vec gather(const float* from, std::int64_t stride, int n) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i at = _mm256_mullo_epi32(lane, _mm256_set1_epi32(static_cast<int>(stride)));
        return _mm256_mask_i32gather_ps(zero(), from, at, _mm256_castsi256_ps(first(n)), 4);
    }
    static HANDGRAD_INLINE void store(float* to, Vec a) { _mm256_storeu_ps(to, a); }
    static HANDGRAD_INLINE void stream(float* to, Vec a) {
        reinterpret_cast<std::uintptr_t>(to) % 32 == 0 ? _mm256_stream_ps(to, a) : _mm256_storeu_ps(to, a);
    }
    static HANDGRAD_INLINE void store_part(float* to, Vec a, int n) { _mm256_maskstore_ps(to, first(n), a); }
    static HANDGRAD_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
    static HANDGRAD_INLINE Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
    static HANDGRAD_INLINE Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
    static HANDGRAD_INLINE Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
    static HANDGRAD_INLINE Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
    static HANDGRAD_INLINE Vec sqrt(Vec a) { return _mm256_sqrt_ps(a); }
    static HANDGRAD_INLINE Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
    static HANDGRAD_INLINE Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
    static HANDGRAD_INLINE Vec nearest(Vec a) { return _mm256_round_ps(a, 8); }
    static HANDGRAD_INLINE Vec scale(Vec a, Vec n) {
        const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);  // 2^n itself may be too small
        return mul(mul(a, power(half)), power(_mm256_sub_epi32(whole, half)));
    }
    static HANDGRAD_INLINE Vec power(__m256i n) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
    }
    static HANDGRAD_INLINE Vec relu(Vec a) { return _mm256_max_ps(zero(), a); }  // of two, max returns the second on NaN
    static HANDGRAD_INLINE Vec flags(unsigned bits) {
        const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane);
        return keep(_mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane)), splat(1));
    }
    static HANDGRAD_INLINE Mask above(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_NLE_UQ); }
    static HANDGRAD_INLINE Mask number(Vec a) { return _mm256_cmp_ps(a, a, _CMP_ORD_Q); }
    static HANDGRAD_INLINE Mask both(Mask m, Mask n) { return _mm256_and_ps(m, n); }
    static HANDGRAD_INLINE Vec pick(Mask m, Vec a, Vec b) { return _mm256_blendv_ps(b, a, m); }
    static HANDGRAD_INLINE Vec keep(Mask m, Vec a) { return _mm256_and_ps(m, a); }
    static HANDGRAD_INLINE Mask same(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
    static HANDGRAD_INLINE Vec zip_low(Vec a, Vec b) {
        return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
    }
    static HANDGRAD_INLINE Vec zip_high(Vec a, Vec b) {
        return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
    }
    static HANDGRAD_INLINE Vec evens(Vec a, Vec b) {
        const __m256d mixed = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88));  // a b a b by twos
        return _mm256_castpd_ps(_mm256_permute4x64_pd(mixed, 0xd8));
    }
    static HANDGRAD_INLINE Vec odds(Vec a, Vec b) {
        const __m256d mixed = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xdd));
        return _mm256_castpd_ps(_mm256_permute4x64_pd(mixed, 0xd8));
    }
    template <int Step, int Start>
    static HANDGRAD_INLINE Vec turned(Vec a) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        return _mm256_permutevar8x32_ps(a, _mm256_add_epi32(_mm256_mullo_epi32(lane, _mm256_set1_epi32(Step)), _mm256_set1_epi32(Start)));
    }
    using Order = __m256i;
    template <class F>
    static HANDGRAD_INLINE Order order(F f) {
        std::int32_t at[lanes];
        for (int i = 0; i < lanes; ++i) at[i] = f(i);
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    }
    static HANDGRAD_INLINE Vec from_two(Vec a, Vec b, Order order) {
        const Mask second = _mm256_castsi256_ps(_mm256_slli_epi32(order, 28));  // of a number, the bit of weight 8
        return pick(second, _mm256_permutevar8x32_ps(b, order), _mm256_permutevar8x32_ps(a, order));
    }
    static HANDGRAD_INLINE Vec blend_three(Vec a, Vec b, Vec c) {
        return _mm256_blend_ps(_mm256_blend_ps(a, b, 0x92), c, 0x24);
    }
    static constexpr bool masks_bytes = false;
    static HANDGRAD_INLINE float sum(Vec a) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
    }
    static HANDGRAD_INLINE Vec load_bytes(const std::uint8_t* from, int n) {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load_eight_bytes(from, n)));
    }
    static HANDGRAD_INLINE void store_bytes(std::uint8_t* to, Vec a, int n) {
        const __m256i whole = _mm256_cvtps_epi32(a);
        const __m128i pairs = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
        store_eight_bytes(to, _mm_packus_epi16(pairs, pairs), n);
    }
};

template <>
struct Simd<double> {
    using Vec = __m256d;
    using Mask = __m256d;
    static constexpr int lanes = 4;
    static HANDGRAD_INLINE __m256i first(int n) {
        return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
    }
    static HANDGRAD_INLINE Vec zero() { return _mm256_setzero_pd(); }
    static HANDGRAD_INLINE Vec splat(double value) { return _mm256_set1_pd(value); }
    static HANDGRAD_INLINE Vec load(const double* from) { return _mm256_loadu_pd(from); }
    static HANDGRAD_INLINE Vec load_part(const double* from, int n) { return _mm256_maskload_pd(from, first(n)); }
    static HANDGRAD_INLINE Vec load_between(const double* from, int begin, int end) {
        return _mm256_maskload_pd(from, _mm256_andnot_si256(first(begin), first(end)));
    }
    static HANDGRAD_INLINE Vec load_part(const double* from, int n, Vec other) {
        return _mm256_blendv_pd(other, load_part(from, n), _mm256_castsi256_pd(first(n)));
    }
    static HANDGRAD_INLINE Vec gather(const double* from, std::int64_t stride, int n) {
        const __m128i at = _mm_mullo_epi32(_mm_setr_epi32(0, 1, 2, 3), _mm_set1_epi32(static_cast<int>(stride)));
        return _mm256_mask_i32gather_pd(zero(), from, at, _mm256_castsi256_pd(first(n)), 8);
    }
    static HANDGRAD_INLINE void store(double* to, Vec a) { _mm256_storeu_pd(to, a); }
    static HANDGRAD_INLINE void stream(double* to, Vec a) {
        reinterpret_cast<std::uintptr_t>(to) % 32 == 0 ? _mm256_stream_pd(to, a) : _mm256_storeu_pd(to, a);
    }
    static HANDGRAD_INLINE void store_part(double* to, Vec a, int n) { _mm256_maskstore_pd(to, first(n), a); }
    static HANDGRAD_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_pd(a, b, c); }
    static HANDGRAD_INLINE Vec add(Vec a, Vec b) { return _mm256_add_pd(a, b); }
    static HANDGRAD_INLINE Vec sub(Vec a, Vec b) { return _mm256_sub_pd(a, b); }
    static HANDGRAD_INLINE Vec mul(Vec a, Vec b) { return _mm256_mul_pd(a, b); }
    static HANDGRAD_INLINE Vec div(Vec a, Vec b) { return _mm256_div_pd(a, b); }
    static HANDGRAD_INLINE Vec sqrt(Vec a) { return _mm256_sqrt_pd(a); }
    static HANDGRAD_INLINE Vec max(Vec a, Vec b) { return _mm256_max_pd(a, b); }
    static HANDGRAD_INLINE Vec min(Vec a, Vec b) { return _mm256_min_pd(a, b); }
    static HANDGRAD_INLINE Vec nearest(Vec a) { return _mm256_round_pd(a, 8); }
    static HANDGRAD_INLINE Vec scale(Vec a, Vec n) {
        const __m128i whole = _mm256_cvtpd_epi32(n), half = _mm_srai_epi32(whole, 1);  // 2^n itself may be too small
        return mul(mul(a, power(half)), power(_mm_sub_epi32(whole, half)));
    }
    static HANDGRAD_INLINE Vec power(__m128i n) {
        const __m256i exponent = _mm256_cvtepi32_epi64(_mm_add_epi32(n, _mm_set1_epi32(1023)));
        return _mm256_castsi256_pd(_mm256_slli_epi64(exponent, 52));
    }
    static HANDGRAD_INLINE Vec relu(Vec a) { return _mm256_max_pd(zero(), a); }
    static HANDGRAD_INLINE Vec flags(unsigned bits) {
        const __m256i lane = _mm256_setr_epi64x(1, 2, 4, 8);
        const __m256i set = _mm256_and_si256(_mm256_set1_epi64x(static_cast<int>(bits)), lane);
        return keep(_mm256_castsi256_pd(_mm256_cmpeq_epi64(set, lane)), splat(1));
    }
    static HANDGRAD_INLINE Mask above(Vec a, Vec b) { return _mm256_cmp_pd(a, b, _CMP_NLE_UQ); }
    static HANDGRAD_INLINE Mask number(Vec a) { return _mm256_cmp_pd(a, a, _CMP_ORD_Q); }
    static HANDGRAD_INLINE Mask both(Mask m, Mask n) { return _mm256_and_pd(m, n); }
    static HANDGRAD_INLINE Vec pick(Mask m, Vec a, Vec b) { return _mm256_blendv_pd(b, a, m); }
    static HANDGRAD_INLINE Vec keep(Mask m, Vec a) { return _mm256_and_pd(m, a); }
    static HANDGRAD_INLINE Mask same(Vec a, Vec b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
    static HANDGRAD_INLINE Vec zip_low(Vec a, Vec b) {
        return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x20);
    }
    static HANDGRAD_INLINE Vec zip_high(Vec a, Vec b) {
        return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x31);
    }
    static HANDGRAD_INLINE Vec evens(Vec a, Vec b) {
        return _mm256_permute4x64_pd(_mm256_unpacklo_pd(a, b), 0xd8);
    }
    static HANDGRAD_INLINE Vec odds(Vec a, Vec b) {
        return _mm256_permute4x64_pd(_mm256_unpackhi_pd(a, b), 0xd8);
    }
    template <int Step, int Start>
    static HANDGRAD_INLINE Vec turned(Vec a) {
        constexpr auto lane = [](int i) { return ((Start + Step * i) & 3) << 2 * i; };
        constexpr int all = lane(0) | lane(1) | lane(2) | lane(3);
        return _mm256_permute4x64_pd(a, all);
    }
    using Order = __m256i;  // of the two halves of each number
    template <class F>
    static HANDGRAD_INLINE Order order(F f) {
        std::int32_t at[2 * lanes];
        for (int i = 0; i < 2 * lanes; ++i) at[i] = 2 * f(i / 2) + i % 2;
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    }
    static HANDGRAD_INLINE Vec from_two(Vec a, Vec b, Order order) {
        const __m256 first = _mm256_permutevar8x32_ps(_mm256_castpd_ps(a), order);
        const __m256 other = _mm256_permutevar8x32_ps(_mm256_castpd_ps(b), order);
        return _mm256_castps_pd(_mm256_blendv_ps(first, other, _mm256_castsi256_ps(_mm256_slli_epi32(order, 28))));
    }
    static HANDGRAD_INLINE Vec blend_three(Vec a, Vec b, Vec c) { return _mm256_blend_pd(_mm256_blend_pd(a, b, 2), c, 4); }
    static constexpr bool masks_bytes = false;
    static HANDGRAD_INLINE double sum(Vec a) {
        const __m128d s = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
        return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
    }
    static HANDGRAD_INLINE Vec load_bytes(const std::uint8_t* from, int n) {
        const __m128i bytes = n == lanes ? _mm_loadu_si32(from) : load_eight_bytes(from, n);
        return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(bytes));
    }
    static HANDGRAD_INLINE void store_bytes(std::uint8_t* to, Vec a, int n) {
        const __m128i whole = _mm256_cvtpd_epi32(a), pairs = _mm_packus_epi32(whole, whole);
        store_eight_bytes(to, _mm_packus_epi16(pairs, pairs), n);
    }
};

#else

template <std::size_t size>
struct SameSize {
    using Whole = std::int32_t;
};
template <>
struct SameSize<8> {
    using Whole = std::int64_t;
};

// An array of lanes that the compiler turns into what the machine has: 16 bytes are what the base of every
// 64-bit CPU offers. On 64-bit Arm the products and sums below become fused multiply-adds by themselves.
template <class T>
struct Simd {
    static constexpr int lanes = static_cast<int>(16 / sizeof(T));
#if defined(__GNUC__)
    typedef T Vec __attribute__((vector_size(16)));
    typedef typename SameSize<sizeof(T)>::Whole Mask __attribute__((vector_size(16)));  // all bits set where it holds
#else
    struct Vec {
        T lane[lanes];
        T& operator[](int i) { return lane[i]; }
        T operator[](int i) const { return lane[i]; }
    };
    struct Mask {
        bool lane[lanes];
    };
#endif
    template <class F>
    static HANDGRAD_INLINE Vec each(F f) {
        Vec v{};
        for (int i = 0; i < lanes; ++i) v[i] = f(i);
        return v;
    }
    static HANDGRAD_INLINE Vec zero() { return Vec{}; }
    static HANDGRAD_INLINE Vec splat(T value) { return each([=](int) { return value; }); }
    static HANDGRAD_INLINE Vec load(const T* from) { return each([=](int i) { return from[i]; }); }
    static HANDGRAD_INLINE Vec load_between(const T* from, int begin, int end) {
        return each([=](int i) { return i >= begin && i < end ? from[i] : T(0); });
    }
    static HANDGRAD_INLINE Vec load_part(const T* from, int n) { return each([=](int i) { return i < n ? from[i] : T(0); }); }
    static HANDGRAD_INLINE Vec load_part(const T* from, int n, Vec other) {
        return each([&](int i) { return i < n ? from[i] : other[i]; });
    }
    static HANDGRAD_INLINE Vec gather(const T* from, std::int64_t stride, int n) {
        return each([=](int i) { return i < n ? from[i * stride] : T(0); });
    }
    static HANDGRAD_INLINE void store(T* to, Vec a) {
        for (int i = 0; i < lanes; ++i) to[i] = a[i];
    }
    static HANDGRAD_INLINE void stream(T* to, Vec a) { store(to, a); }
    static HANDGRAD_INLINE void store_part(T* to, Vec a, int n) {
        for (int i = 0; i < n; ++i) to[i] = a[i];
    }
#if defined(__GNUC__)
    static HANDGRAD_INLINE Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }  // rounded twice where there is no such instruction
    static HANDGRAD_INLINE Vec add(Vec a, Vec b) { return a + b; }
    static HANDGRAD_INLINE Vec sub(Vec a, Vec b) { return a - b; }
    static HANDGRAD_INLINE Vec mul(Vec a, Vec b) { return a * b; }
    static HANDGRAD_INLINE Vec div(Vec a, Vec b) { return a / b; }
#else
    static HANDGRAD_INLINE Vec fma(Vec a, Vec b, Vec c) { return each([&](int i) { return a[i] * b[i] + c[i]; }); }
    static HANDGRAD_INLINE Vec add(Vec a, Vec b) { return each([&](int i) { return a[i] + b[i]; }); }
    static HANDGRAD_INLINE Vec sub(Vec a, Vec b) { return each([&](int i) { return a[i] - b[i]; }); }
    static HANDGRAD_INLINE Vec mul(Vec a, Vec b) { return each([&](int i) { return a[i] * b[i]; }); }
    static HANDGRAD_INLINE Vec div(Vec a, Vec b) { return each([&](int i) { return a[i] / b[i]; }); }
#endif
    static HANDGRAD_INLINE float root(float a) { return ::sqrtf(a); }
    static HANDGRAD_INLINE double root(double a) { return ::sqrt(a); }
    static HANDGRAD_INLINE Vec sqrt(Vec a) { return each([&](int i) { return root(a[i]); }); }
    static HANDGRAD_INLINE Vec max(Vec a, Vec b) { return each([&](int i) { return a[i] > b[i] ? a[i] : b[i]; }); }
    static HANDGRAD_INLINE Vec min(Vec a, Vec b) { return each([&](int i) { return a[i] < b[i] ? a[i] : b[i]; }); }
    static HANDGRAD_INLINE Vec nearest(Vec a) {
        const Vec far = splat(sizeof(T) == 4 ? T(12582912) : T(6755399441055744));  // 1.5 2^23, 1.5 2^52: no digit beyond the point
        return sub(add(a, far), far);
    }
    // 2^n from the bits of n + 1.5 2^23 (2^52): its low digits are n.
    static HANDGRAD_INLINE float power(float n) {
        const float shifted = n + (12582912.0f + 127.0f);
        std::uint32_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        float result;
        bits <<= 23;
        memcpy(&result, &bits, sizeof bits);
        return result;
    }
    static HANDGRAD_INLINE double power(double n) {
        const double shifted = n + (6755399441055744.0 + 1023.0);
        std::uint64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        double result;
        bits <<= 52;
        memcpy(&result, &bits, sizeof bits);
        return result;
    }
    static HANDGRAD_INLINE Vec scale(Vec a, Vec n) {
        const Vec half = nearest(mul(n, splat(T(0.5)))), rest = sub(n, half);  // 2^n itself may be too small
        return each([&](int i) { return a[i] * power(half[i]) * power(rest[i]); });
    }
    static HANDGRAD_INLINE Vec relu(Vec a) { return keep(above(a, zero()), a); }
    static HANDGRAD_INLINE Vec flags(unsigned bits) { return each([=](int i) { return static_cast<T>(bits >> i & 1); }); }
#if defined(__GNUC__)
    static HANDGRAD_INLINE Mask above(Vec a, Vec b) { return ~reinterpret_cast<Mask>(a <= b); }
    static HANDGRAD_INLINE Mask number(Vec a) { return reinterpret_cast<Mask>(a == a); }
    static HANDGRAD_INLINE Mask both(Mask m, Mask n) { return m & n; }
    static HANDGRAD_INLINE Mask same(Vec a, Vec b) { return reinterpret_cast<Mask>(a == b); }
    static HANDGRAD_INLINE Vec keep(Mask m, Vec a) { return reinterpret_cast<Vec>(m & reinterpret_cast<Mask>(a)); }
    static HANDGRAD_INLINE Vec pick(Mask m, Vec a, Vec b) {
        return reinterpret_cast<Vec>((m & reinterpret_cast<Mask>(a)) | (~m & reinterpret_cast<Mask>(b)));
    }
#else
    template <class F>
    static HANDGRAD_INLINE Mask where(F f) {
        Mask m;
        for (int i = 0; i < lanes; ++i) m.lane[i] = f(i);
        return m;
    }
    static HANDGRAD_INLINE Mask above(Vec a, Vec b) { return where([&](int i) { return !(a[i] <= b[i]); }); }
    static HANDGRAD_INLINE Mask number(Vec a) { return where([&](int i) { return a[i] == a[i]; }); }
    static HANDGRAD_INLINE Mask both(Mask m, Mask n) { return where([&](int i) { return m.lane[i] && n.lane[i]; }); }
    static HANDGRAD_INLINE Mask same(Vec a, Vec b) { return where([&](int i) { return a[i] == b[i]; }); }
    static HANDGRAD_INLINE Vec keep(Mask m, Vec a) { return each([&](int i) { return m.lane[i] ? a[i] : T(0); }); }
    static HANDGRAD_INLINE Vec pick(Mask m, Vec a, Vec b) { return each([&](int i) { return m.lane[i] ? a[i] : b[i]; }); }
#endif
    static HANDGRAD_INLINE Vec zip_low(Vec a, Vec b) { return each([&](int i) { return i % 2 ? b[i / 2] : a[i / 2]; }); }
    static HANDGRAD_INLINE Vec zip_high(Vec a, Vec b) {
        return each([&](int i) { return i % 2 ? b[(lanes + i) / 2] : a[(lanes + i) / 2]; });
    }
    static HANDGRAD_INLINE Vec evens(Vec a, Vec b) {
        return each([&](int i) { return 2 * i < lanes ? a[2 * i] : b[2 * i - lanes]; });
    }
    static HANDGRAD_INLINE Vec odds(Vec a, Vec b) {
        return each([&](int i) { return 2 * i < lanes ? a[2 * i + 1] : b[2 * i + 1 - lanes]; });
    }
    template <int Step, int Start>
    static HANDGRAD_INLINE Vec turned(Vec a) {
        return each([&](int i) { return a[(Start + Step * i) & (lanes - 1)]; });
    }
    struct Order {
        int at[lanes];
    };
    template <class F>
    static HANDGRAD_INLINE Order order(F f) {
        Order all;
        for (int i = 0; i < lanes; ++i) all.at[i] = f(i);
        return all;
    }
    static HANDGRAD_INLINE Vec from_two(Vec a, Vec b, const Order& order) {
        return each([&](int i) { return order.at[i] < lanes ? a[order.at[i]] : b[order.at[i] - lanes]; });
    }
    static HANDGRAD_INLINE Vec blend_three(Vec a, Vec b, Vec c) {
        return each([&](int i) { return i % 3 == 0 ? a[i] : i % 3 == 1 ? b[i] : c[i]; });
    }
    static constexpr bool masks_bytes = false;
    static HANDGRAD_INLINE T sum(Vec a) {
        T s = a[0];
        for (int i = 1; i < lanes; ++i) s += a[i];
        return s;
    }
    static HANDGRAD_INLINE Vec load_bytes(const std::uint8_t* from, int n) {
        return each([=](int i) { return i < n ? static_cast<T>(from[i]) : T(0); });
    }
    static HANDGRAD_INLINE void store_bytes(std::uint8_t* to, Vec a, int n) {
        for (int i = 0; i < n; ++i) to[i] = static_cast<std::uint8_t>(a[i]);
    }
};

#endif

// Asks for the cache line that holds an address; the address need not be valid.
template <class T>
HANDGRAD_INLINE void prefetch(const T* at) {
#if defined(__GNUC__)
    __builtin_prefetch(at, 1, 3);
#else
    static_cast<void>(at);
#endif
}

// The same for what is only read.
template <class T>
HANDGRAD_INLINE void prefetch_read(const T* at) {
#if defined(__GNUC__)
    __builtin_prefetch(at, 0, 3);
#else
    static_cast<void>(at);
#endif
}

// Asks for what a stream will read soon. Where a vector takes long to compute, or a stream is one of several, the machine
// looks only a few vectors ahead by itself, and memory is farther away than that.
template <class T>
HANDGRAD_INLINE void ask_ahead(const T* at) {
    constexpr std::int64_t kBytes = 2048;
    prefetch(at + kBytes / static_cast<std::int64_t>(sizeof(T)));
}

// body(i, n) for 0..count: lanes i .. i + n, where n is `lanes` but for the last.
template <class S, class Body>
HANDGRAD_INLINE void by_lanes(std::int64_t count, const Body& body) {
    std::int64_t i = 0;
    for (; i + S::lanes <= count; i += S::lanes) body(i, S::lanes);
    if (i < count) body(i, static_cast<int>(count - i));
}

// The first n lanes; all of them without a mask.
template <class S, class T>
HANDGRAD_INLINE typename S::Vec load_some(const T* from, int n) {
    return n == S::lanes ? S::load(from) : S::load_part(from, n);
}

template <class S, class T>
HANDGRAD_INLINE typename S::Vec load_some(const T* from, int n, typename S::Vec other) {
    return n == S::lanes ? S::load(from) : S::load_part(from, n, other);
}

template <class S, class T>
HANDGRAD_INLINE void store_some(T* to, typename S::Vec a, int n) {
    n == S::lanes ? S::store(to, a) : S::store_part(to, a, n);
}

template <class S, class T>
HANDGRAD_INLINE void store_or_stream(T* to, typename S::Vec a, int n, bool stream) {
    if (stream && n == S::lanes)
        S::stream(to, a);
    else
        store_some<S>(to, a, n);
}

// The sum of term(i, n), lanes i .. i + n, for 0..count. After some thousand numbers the float32 sums go on as a double.
template <class S, class Term>
HANDGRAD_INLINE double sum_of(std::int64_t count, const Term& term) {
    constexpr std::int64_t kRun = 4096;
    double total = 0;
    for (std::int64_t begin = 0; begin < count; begin += kRun) {
        const std::int64_t length = count - begin < kRun ? count - begin : kRun;
        auto sum = S::zero();
        by_lanes<S>(length, [&](std::int64_t i, int n) HANDGRAD_INLINED { sum = S::add(sum, term(begin + i, n)); });
        total += static_cast<double>(S::sum(sum));
    }
    return total;
}

// Turns a square of lanes x lanes numbers: lane i of v[j] becomes lane j of v[i]. Each of the log2(lanes) rounds
// is a perfect shuffle of the vectors.
template <class S>
HANDGRAD_INLINE void transpose(typename S::Vec (&v)[S::lanes]) {
    constexpr int half = S::lanes / 2;
    typename S::Vec w[S::lanes];
    HANDGRAD_UNROLL
    for (int round = 1; round < S::lanes; round *= 2) {
        HANDGRAD_UNROLL
        for (int i = 0; i < half; ++i) {
            w[2 * i] = S::zip_low(v[i], v[i + half]);
            w[2 * i + 1] = S::zip_high(v[i], v[i + half]);
        }
        HANDGRAD_UNROLL
        for (int i = 0; i < S::lanes; ++i) v[i] = w[i];
    }
}

}  // namespace handgrad::HANDGRAD_ISA
