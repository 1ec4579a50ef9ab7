// The transforms of Winograd's convolution: products with small matrices, a vector of channels or filters at a time.
#pragma once

#include "simd.h"

namespace handgrad::HANDGRAD_ISA {

using S = Simd<float>;
using Vec = S::Vec;

// The points of F(Side x Side, 3 x 3): 0 where there is a `middle`, each of `pairs` and its opposite, and infinity. Those of 4
// are Lavin's and Gray's, the others have the smallest error that a search of fractions up to 4 found.
template <int Side>
struct Points;
template <>
struct Points<2> {
    static constexpr bool middle = true;
    static constexpr double pairs[] = {1};
};
template <>
struct Points<3> {
    static constexpr bool middle = false;
    static constexpr double pairs[] = {1.0 / 2, 5.0 / 4};
};
template <>
struct Points<4> {
    static constexpr bool middle = true;
    static constexpr double pairs[] = {1, 2};
};
template <>
struct Points<5> {
    static constexpr bool middle = false;
    static constexpr double pairs[] = {1.0 / 3, 3.0 / 4, 2};
};
template <>
struct Points<6> {
    static constexpr bool middle = true;
    static constexpr double pairs[] = {3.0 / 5, 1, 2};
};
template <>
struct Points<7> {
    static constexpr bool middle = false;
    static constexpr double pairs[] = {1.0 / 3, 2.0 / 3, 5.0 / 4, 2};
};
template <>
struct Points<8> {
    static constexpr bool middle = true;
    static constexpr double pairs[] = {2.0 / 5, 4.0 / 5, 5.0 / 4, 5.0 / 2};
};

// A matrix with a row for each point. Of the rows of a pair their mean is kept, then half their difference: half of these
// factors are 0, and the rows are the sum and the difference of what they give.
template <int Rows, int Columns>
struct Paired {
    double factor[Rows][Columns] = {};
    int first_pair = 0;

    constexpr void pair_rows(int first) {
        first_pair = first;
        for (int i = first; i + 2 < Rows; i += 2)
            for (int k = 0; k < Columns; ++k) {
                const double plus = factor[i][k], minus = factor[i + 1][k];
                factor[i][k] = (plus + minus) / 2;
                factor[i + 1][k] = (plus - minus) / 2;
            }
    }
};

// The matrices of Cook and Toom, which multiply polynomials at points. The row of point p, q being the other ones, has
//     in A (outputs): 1, p, p^2, ...     in G (filters): 1, p, p^2, divided by all p - q     in B^T (inputs): the factors of the
// polynomial prod (x - q). At infinity A and G have their last column alone.
template <int Side>
struct Matrices {
    static constexpr int points = Side + 2;
    Paired<points, Side> outputs;
    Paired<points, 3> filters;
    Paired<points, points> inputs;

    constexpr Matrices() {
        constexpr int first_pair = Points<Side>::middle ? 1 : 0, infinity = points - 1;
        double at[points] = {};
        for (int i = first_pair; i < infinity; ++i)
            at[i] = (i - first_pair) % 2 == 0 ? Points<Side>::pairs[(i - first_pair) / 2] : -at[i - 1];
        for (int i = 0; i < points; ++i) {
            double(&polynomial)[points] = inputs.factor[i];
            polynomial[0] = 1;
            double apart = 1;
            for (int j = 0; j < infinity; ++j) {
                if (j == i) continue;
                for (int k = infinity; k > 0; --k) polynomial[k] = polynomial[k - 1] - at[j] * polynomial[k];
                polynomial[0] *= -at[j];
                if (i != infinity) apart *= at[i] - at[j];
            }
            double power = 1;
            for (int k = 0; k < (Side > 3 ? Side : 3); ++k, power *= at[i]) {
                if (k < Side) outputs.factor[i][k] = i != infinity ? power : k == Side - 1;
                if (k < 3) filters.factor[i][k] = i != infinity ? power / apart : k == 2;
            }
        }
        outputs.pair_rows(first_pair);
        filters.pair_rows(first_pair);
        inputs.pair_rows(first_pair);
    }
};
template <int Side>
inline constexpr Matrices<Side> matrices{};

// The sum of factor(k) v[k], without those that are 0 but for rounding.
template <int Count, class Factor>
HANDGRAD_INLINE Vec weighted(const Vec (&v)[Count], const Factor& factor) {
    Vec sum = S::zero();
    bool begun = false;
    HANDGRAD_UNROLL
    for (int k = Count - 1; k >= 0; --k) {
        const double f = factor(k);
        if (f < 1e-9 && f > -1e-9) continue;
        const Vec by = S::splat(static_cast<float>(f));
        sum = !begun ? (f == 1 ? v[k] : S::mul(by, v[k])) : f == 1 ? S::add(sum, v[k]) : S::fma(by, v[k], sum);
        begun = true;
    }
    return sum;
}

HANDGRAD_INLINE void sum_and_difference(Vec& a, Vec& b) {
    const Vec sum = S::add(a, b);
    b = S::sub(a, b);
    a = sum;
}

// o = matrix v.
template <int Rows, int Columns>
HANDGRAD_INLINE void to_points(const Paired<Rows, Columns>& matrix, const Vec (&v)[Columns], Vec (&o)[Rows]) {
    HANDGRAD_UNROLL
    for (int i = 0; i < Rows; ++i) o[i] = weighted(v, [&](int k) HANDGRAD_INLINED { return matrix.factor[i][k]; });
    HANDGRAD_UNROLL
    for (int i = matrix.first_pair; i + 2 < Rows; i += 2) sum_and_difference(o[i], o[i + 1]);
}

// o = matrix^T v.
template <int Rows, int Columns>
HANDGRAD_INLINE void from_points(const Paired<Rows, Columns>& matrix, Vec (&v)[Rows], Vec (&o)[Columns]) {
    HANDGRAD_UNROLL
    for (int i = matrix.first_pair; i + 2 < Rows; i += 2) sum_and_difference(v[i], v[i + 1]);
    HANDGRAD_UNROLL
    for (int k = 0; k < Columns; ++k) o[k] = weighted(v, [&](int i) HANDGRAD_INLINED { return matrix.factor[i][k]; });
}

// body(0) to body(Count - 1), unrolled where that is no more code than a small tile's.
template <int Count, bool Small, class Body>
HANDGRAD_INLINE void repeat(const Body& body) {
    if constexpr (Small) {
        HANDGRAD_UNROLL
        for (int i = 0; i < Count; ++i) body(i);
    } else {
        for (int i = 0; i < Count; ++i) body(i);
    }
}

// Both sides: `load(i, j)` gives the tile's numbers, `transform_side` takes a column, then a row of them to its results, which
// `store(i, j, v)` takes.
template <int In, int Out, class Transform, class Load, class Store>
HANDGRAD_INLINE void both_sides(const Transform& transform_side, const Load& load, const Store& store) {
    constexpr bool small = In <= 6 && Out <= 6;
    Vec half[Out][In];
    repeat<In, small>([&](int j) HANDGRAD_INLINED {
        Vec column[In], turned[Out];
        HANDGRAD_UNROLL
        for (int i = 0; i < In; ++i) column[i] = load(i, j);
        transform_side(column, turned);
        HANDGRAD_UNROLL
        for (int i = 0; i < Out; ++i) half[i][j] = turned[i];
    });
    repeat<Out, small>([&](int i) HANDGRAD_INLINED {
        Vec row[Out];
        transform_side(half[i], row);
        HANDGRAD_UNROLL
        for (int j = 0; j < Out; ++j) store(i, j, row[j]);
    });
}

}  // namespace handgrad::HANDGRAD_ISA
