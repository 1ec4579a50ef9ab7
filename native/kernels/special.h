// exp, expm1 and the normal distribution on vectors, for a few units of rounding.
#pragma once

#include "simd.h"

namespace handgrad::HANDGRAD_ISA {

// What depends on the type. exp(x) = 2^n exp(r), |r| <= ln(2) / 2, with ln(2) in two pieces whose first has so many zeros
// at its end that n times it is exact.
template <class T>
struct Special;

template <>
struct Special<float> {
    static constexpr float least = -104;  // exp of it is 0
    static constexpr float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr int exp_terms = 7;  // of Taylor's series: what is left out is below 5e-9
    // erfcx(z) (z + middle) as a polynomial in t = (z - middle) / (z + middle), interpolated at Chebyshev's points:
    // 8e-9 of the value.
    static constexpr float middle = 2.5f;
    static constexpr float erfcx[] = {
        1.05403182f, -8.04651934e-1f, 4.53914250e-1f, -1.71249419e-1f, 2.83588671e-2f,
        8.38288822e-3f, -4.80345511e-3f, -4.13603800e-4f, 6.66220795e-4f, 2.68655916e-5f,
        -7.29214563e-5f,
    };
};

template <>
struct Special<double> {
    static constexpr double least = -746;
    static constexpr double log2_e = 1.4426950408889634074, ln2_high = 6.93147180369123816490e-01,
                            ln2_low = 1.90821492927058770002e-10;
    static constexpr int exp_terms = 13;  // below 4e-18
    static constexpr double middle = 3.75;  // 8e-18
    static constexpr double erfcx[] = {
        1.09192290956278904, -9.58741576652909466e-1, 7.36318925221751746e-1, -4.90470291207688598e-1,
        2.79062049033775524e-1, -1.31955401178234482e-1, 4.91187786155213386e-2, -1.25358800450847260e-2,
        9.86338076384577755e-4, 7.94823128953510591e-4, -3.48646833065925389e-4, 1.05938638547208155e-5,
        3.74716435735390712e-5, -8.90361926709497791e-6, -3.28936094813236694e-6, 1.65557215751702461e-6,
        2.79907735901906057e-7, -2.63360742167289721e-7, -2.72302876711307606e-8, 4.01978914248695757e-8,
        3.64171794390591494e-9, -5.36482787319292629e-9, -5.60090863980974878e-10, 4.39775380970989350e-10,
        5.50211234510878687e-11,
    };
};

// exp(x) = (1 + rest) 2^n for x <= 0; NaN stays NaN.
template <class T>
struct Exponential {
    using S = Simd<T>;
    typename S::Vec n, rest;

    explicit HANDGRAD_INLINE Exponential(typename S::Vec x) {
        using C = Special<T>;
        x = S::max(S::splat(C::least), x);
        n = S::nearest(S::mul(x, S::splat(C::log2_e)));
        auto r = S::fma(n, S::splat(-C::ln2_high), x);
        r = S::fma(n, S::splat(-C::ln2_low), r);
        auto sum = S::zero();
        HANDGRAD_UNROLL
        for (int k = C::exp_terms; k >= 2; --k) sum = S::fma(sum, r, S::splat(one_over_factorial(k)));
        rest = S::fma(S::mul(r, r), sum, r);
    }
    static constexpr T one_over_factorial(int k) {
        double f = 1;
        for (int i = 2; i <= k; ++i) f *= i;
        return static_cast<T>(1 / f);
    }
    HANDGRAD_INLINE typename S::Vec exp() const { return S::scale(S::add(S::splat(T(1)), rest), n); }
    // exp - 1, near 0 to full precision.
    HANDGRAD_INLINE typename S::Vec less_one() const {
        const auto power = S::scale(S::splat(T(1)), n);
        return S::fma(power, rest, S::sub(power, S::splat(T(1))));
    }
};

template <class S>
HANDGRAD_INLINE typename S::Vec absolute(typename S::Vec a) {
    return S::max(a, S::sub(S::zero(), a));
}

// Phi(x) and exp(-x^2 / 2), for |x| <= 40: the tail of Phi is exp(-z^2) erfcx(z) / 2, z = |x| / sqrt(2).
template <class T>
struct Normal {
    using S = Simd<T>;
    typename S::Vec cdf, bell;

    explicit HANDGRAD_INLINE Normal(typename S::Vec x) {
        using C = Special<T>;
        constexpr int terms = static_cast<int>(sizeof(C::erfcx) / sizeof(T));
        const auto one = S::splat(T(1));
        bell = Exponential<T>(S::mul(S::mul(x, x), S::splat(T(-0.5)))).exp();
        const auto z = S::mul(absolute<S>(x), S::splat(T(0.70710678118654752440)));
        const auto inverse = S::div(one, S::add(z, S::splat(C::middle)));
        const auto t = S::fma(inverse, S::splat(-2 * C::middle), one);
        auto sum = S::splat(C::erfcx[terms - 1]);
        HANDGRAD_UNROLL
        for (int k = terms - 2; k >= 0; --k) sum = S::fma(sum, t, S::splat(C::erfcx[k]));
        const auto tail = S::mul(S::mul(bell, S::splat(T(0.5))), S::mul(sum, inverse));
        cdf = S::pick(S::above(x, S::zero()), S::sub(one, tail), tail);
    }
};

}  // namespace handgrad::HANDGRAD_ISA
