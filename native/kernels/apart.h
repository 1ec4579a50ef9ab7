// Numbers that lie a fixed step apart: vectors of them loaded, and stored between one another.
#pragma once

#include "simd.h"
#include "tuning.h"

namespace handgrad::HANDGRAD_ISA {

// Rows of an image that are visited together, a vector downwards at a time: half a first-level cache of them, so that the next
// vector finds its lines there. Whole planes of 224 x 224 took twice the time.
template <class T>
HANDGRAD_INLINE std::int64_t rows_at_once(std::int64_t width) {
    const std::int64_t rows = 16384 / (width * static_cast<std::int64_t>(sizeof(T)));
    return rows < 8 ? 8 : rows;
}

// Rows that wait for others, at most, in a ring; and the slot after one of the `length` in use.
inline constexpr std::int64_t kRing = 32;
HANDGRAD_INLINE std::int64_t slot_after(std::int64_t slot, std::int64_t length) { return slot + 1 < length ? slot + 1 : 0; }

template <class T>
void clear(T* to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = T(0);
}

// Two vectors as they lie in memory, of which the first n numbers of the pair count.
template <class S>
struct Two {
    typename S::Vec low, high;
};

template <class S, class T>
HANDGRAD_INLINE Two<S> load_two(const T* from, int n) {
    return {load_some<S>(from, within(n, S::lanes)), load_some<S>(from + S::lanes, within(n - S::lanes, S::lanes))};
}

// Two vectors in a row as runs of `length` numbers, which divides the lanes: the even and the odd runs, and back.
//     split, length 2:   a0 a1 a2 a3 | b0 b1 b2 b3   ->   a0 a1 b0 b1 | a2 a3 b2 b3
template <class S>
struct Runs {
    typename S::Order even, odd, low, high;
    explicit Runs(int length)
        : even(S::order([=](int i) { return i / length * 2 * length + i % length; })),
          odd(S::order([=](int i) { return (i / length * 2 + 1) * length + i % length; })),
          low(S::order([=](int i) { return place(i, length); })),
          high(S::order([=](int i) { return place(S::lanes + i, length); })) {}
    HANDGRAD_INLINE Two<S> split(const Two<S>& a) const { return {S::from_two(a.low, a.high, even), S::from_two(a.low, a.high, odd)}; }
    HANDGRAD_INLINE Two<S> merge(const Two<S>& a) const { return {S::from_two(a.low, a.high, low), S::from_two(a.low, a.high, high)}; }

  private:
    // Where number i of the pair comes from when it is put together again.
    static int place(int i, int length) { return i / length % 2 * S::lanes + i / length / 2 * length + i % length; }
};

// Three vectors in a row become every third number from the first, the second and the third on. As 3 is prime to the
// number of lanes, those of one kind lie in lanes of their own, whichever vector they are in: with four lanes
//     a0 a1 a2 a3 | b0 b1 b2 b3 | c0 c1 c2 c3   ->   a0 c1 b2 a3, turned to a0 a3 b2 c1, and so on.
template <class S>
HANDGRAD_INLINE void unzip_three(typename S::Vec (&v)[3]) {
    const auto a = v[0], b = S::lanes % 3 == 1 ? v[2] : v[1], c = S::lanes % 3 == 1 ? v[1] : v[2];
    v[0] = S::template turned<3, 0>(S::blend_three(a, b, c));
    v[1] = S::template turned<3, 1>(S::blend_three(c, a, b));
    v[2] = S::template turned<3, 2>(S::blend_three(b, c, a));
}

// And back.
template <class S>
HANDGRAD_INLINE void zip_three(typename S::Vec (&v)[3]) {
    constexpr int third = ((S::lanes % 3 == 1 ? 2 : 1) * S::lanes + 1) / 3;  // 3 third = 1, counted round
    const auto a = S::template turned<third, 0>(v[0]), b = S::template turned<third, -third>(v[1]);
    const auto c = S::template turned<third, -2 * third>(v[2]);
    const auto one = S::blend_three(b, c, a), other = S::blend_three(c, a, b);
    v[0] = S::blend_three(a, b, c);
    v[1] = S::lanes % 3 == 1 ? one : other;
    v[2] = S::lanes % 3 == 1 ? other : one;
}

template <class S, class T>
HANDGRAD_INLINE void load_three(const T* from, int n, typename S::Vec (&v)[3]) {
    HANDGRAD_UNROLL
    for (int i = 0; i < 3; ++i) v[i] = load_some<S>(from + i * S::lanes, within(n - i * S::lanes, S::lanes));
    unzip_three<S>(v);
}

// from[0], from[stride], ..., n of them; nothing beyond the last is read. Step is the stride, or 0 for any.
template <class S, int Step, class T>
HANDGRAD_INLINE typename S::Vec load_apart(const T* from, std::int64_t stride, int n) {
    if constexpr (Step == 1) return load_some<S>(from, n);
    if constexpr (Step == 2) {
        const Two<S> both = load_two<S>(from, 2 * n - 1);
        return S::evens(both.low, both.high);
    }
    if constexpr (Step == 3) {
        typename S::Vec all[3];
        load_three<S>(from, 3 * n - 2, all);
        return all[0];
    }
    return S::gather(from, stride, n);
}

// The first Step columns of n windows, Step apart: as load_apart from `from`, from the number behind it, and so on.
template <class S, int Step, class T>
HANDGRAD_INLINE void load_step(const T* from, int n, typename S::Vec (&columns)[Step]) {
    static_assert(Step >= 1 && Step <= 3);
    if constexpr (Step == 1) columns[0] = load_some<S>(from, n);
    if constexpr (Step == 2) {
        const Two<S> both = load_two<S>(from, 2 * n);
        columns[0] = S::evens(both.low, both.high);
        columns[1] = S::odds(both.low, both.high);
    }
    if constexpr (Step == 3) load_three<S>(from, 3 * n, columns);
}

// Stores `count` numbers, of which parts[i] holds every Step-th from i on.
template <int Step, class S, class T>
HANDGRAD_INLINE void put_apart(T* to, const typename S::Vec (&parts)[Step], int count, bool stream) {
    typename S::Vec v[Step];
    HANDGRAD_UNROLL
    for (int i = 0; i < Step; ++i) v[i] = parts[i];
    if constexpr (Step == 2) v[0] = S::zip_low(parts[0], parts[1]), v[1] = S::zip_high(parts[0], parts[1]);
    if constexpr (Step == 3) zip_three<S>(v);
    HANDGRAD_UNROLL
    for (int i = 0; i < Step; ++i) {
        const int n = within(count - i * S::lanes, S::lanes);
        if (n == 0) return;
        store_or_stream<S>(to + i * S::lanes, v[i], n, stream);
    }
}

}  // namespace handgrad::HANDGRAD_ISA
