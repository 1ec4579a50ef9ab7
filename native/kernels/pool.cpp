// Pooling: a vector is neighbouring windows of a row of outputs.
#include "pool.h"

#include "apart.h"
#include "planes.h"
#include "pool_gradient.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// What windows make of the numbers they pass over: at(next, tap) is one of them, joined(a, b) what parts a and b of a window
// come to, a before b; moved(part, taps) is a part that lies so many taps further on.
template <class T>
struct Maximum {
    using S = Simd<T>;
    using V = typename S::Vec;
    struct Part {
        V best, tap;
    };
    T* out;
    std::uint8_t* winner;

    HANDGRAD_INLINE Part at(V next, int tap) const { return {next, S::splat(static_cast<T>(tap))}; }
    // Strictly greater, so that the first maximum keeps a tie; and the first NaN stays.
    HANDGRAD_INLINE Part joined(const Part& a, const Part& b) const {
        const auto better = S::both(S::above(b.best, a.best), S::number(a.best));
        return {S::pick(better, b.best, a.best), S::pick(better, b.tap, a.tap)};
    }
    HANDGRAD_INLINE Part moved(const Part& a, int taps) const { return {a.best, S::add(a.tap, S::splat(static_cast<T>(taps)))}; }
    HANDGRAD_INLINE void turn(Part (&parts)[S::lanes]) const {
        turn_member<S>(parts, &Part::best);
        turn_member<S>(parts, &Part::tap);
    }
    HANDGRAD_INLINE void ask(std::int64_t to) const {
        prefetch(out + to);
        prefetch(winner + to);
    }
    HANDGRAD_INLINE void store(std::int64_t to, const Part& a, int n) const {
        store_some<S>(out + to, a.best, n);
        S::store_bytes(winner + to, a.tap, n);
    }
};

template <class T>
struct Average {
    using S = Simd<T>;
    using V = typename S::Vec;
    using Part = V;
    T* out;
    V taps;

    HANDGRAD_INLINE Part at(V next, int) const { return next; }
    HANDGRAD_INLINE Part joined(Part a, Part b) const { return S::add(a, b); }
    HANDGRAD_INLINE Part moved(Part a, int) const { return a; }
    HANDGRAD_INLINE void turn(Part (&parts)[S::lanes]) const { transpose<S>(parts); }
    HANDGRAD_INLINE void ask(std::int64_t to) const { prefetch(out + to); }
    HANDGRAD_INLINE void store(std::int64_t to, Part a, int n) const { store_some<S>(out + to, S::div(a, taps), n); }
};

// Windows of 2 x 2 whose taps 0 and 2 are `even`, and taps 1 and 3 `odd`.
template <class S, class Fold>
HANDGRAD_INLINE typename Fold::Part halves(const Two<S>& even, const Two<S>& odd, const Fold& fold) {
    const auto upper = fold.joined(fold.at(even.low, 0), fold.at(odd.low, 1));
    const auto lower = fold.joined(fold.at(even.high, 2), fold.at(odd.high, 3));
    return fold.joined(upper, lower);
}

// Every other number of two pairs in a row, from the first and from the second on.
template <class S>
HANDGRAD_INLINE Two<S> evens(const Two<S>& a, const Two<S>& b) {
    return {S::evens(a.low, a.high), S::evens(b.low, b.high)};
}
template <class S>
HANDGRAD_INLINE Two<S> odds(const Two<S>& a, const Two<S>& b) {
    return {S::odds(a.low, a.high), S::odds(b.low, b.high)};
}

// Windows of 2 x 2 that tile the image: two rows, each split into its even and its odd numbers.
template <class T, class Fold>
void pool_halves(const PoolShape& s, const T* x, std::int64_t at, const Fold fold) {
    using S = Simd<T>;
    const std::int64_t windows = s.out_width(), rows = s.out_height(), width = s.width;
    for (std::int64_t y = 0; y < rows; ++y) {
        const T *const upper = x + 2 * y * width, *const lower = upper + width;
        by_lanes<S>(windows, [=](std::int64_t j, int n) HANDGRAD_INLINED {
            ask_ahead(upper + 2 * j);
            ask_ahead(upper + 2 * j + S::lanes);
            ask_ahead(lower + 2 * j);
            ask_ahead(lower + 2 * j + S::lanes);
            const Two<S> a = load_two<S>(upper + 2 * j, 2 * n), b = load_two<S>(lower + 2 * j, 2 * n);
            fold.store(at + y * windows + j, halves(evens(a, b), odds(a, b), fold), n);
        });
    }
}

// The same on planes whose rows of windows go into a vector without a rest: four vectors in a row are the numbers of one of
// windows, whatever rows and planes these are in.
template <class T, class Fold>
void pool_packed_halves(const PoolShape& s, const T* x, std::int64_t planes, const Fold fold) {
    using S = Simd<T>;
    const Runs<S> runs(static_cast<int>(s.out_width()));
    by_lanes<S>(planes * s.out_plane(), [=](std::int64_t i, int n) HANDGRAD_INLINED {
        const T* const from = x + 4 * i;
        for (int v = 0; v < 4; ++v) ask_ahead(from + v * S::lanes);
        const Two<S> a = load_two<S>(from, 4 * n), b = load_two<S>(from + 2 * S::lanes, 4 * n - 2 * S::lanes);
        fold.store(i, halves(runs.split(evens(a, b)), runs.split(odds(a, b)), fold), n);
    });
}

// What n windows of so many columns, Step apart or any step (0), make of a row of the image: Step columns at a time, then one.
template <int Step, class T, class Fold>
HANDGRAD_INLINE typename Fold::Part across(const T* from, std::int64_t stride, std::int64_t columns, int n, const Fold& fold) {
    using S = Simd<T>;
    typename Fold::Part part = fold.at(load_apart<S, Step>(from, stride, n), 0);
    int tap = 1;
    if constexpr (Step > 1)
        for (tap = columns < Step; tap + Step <= columns; tap += Step) {
            typename S::Vec v[Step];
            load_step<S, Step>(from + tap, n, v);
            HANDGRAD_UNROLL
            for (int i = 0; i < Step; ++i) part = tap + i == 0 ? fold.at(v[0], 0) : fold.joined(part, fold.at(v[i], tap + i));
        }
    for (; tap < columns; ++tap) part = fold.joined(part, fold.at(load_apart<S, Step>(from + tap, stride, n), tap));
    return part;
}

// Windows of any size, Step apart across, or any step (0). Each row of the image is folded once, and waits in a ring for all the
// windows that share it; where they share none, or have more rows than the ring, rows are folded where they are needed. Asks for
// the next plane meanwhile.
template <int Step, class T, class Fold>
void pool_windows(const PoolShape& s, const T* x, std::int64_t at, const Fold fold) {
    using S = Simd<T>;
    const std::int64_t windows = s.out_width(), rows = s.out_height(), window_y = s.window_y;
    const bool shared = window_y > s.stride_y && window_y <= kRing;
    const std::int64_t at_once = rows_at_once<T>(s.stride_y * s.width);
    for (std::int64_t first = 0; first < rows; first += at_once)
        by_lanes<S>(windows, [=](std::int64_t j, int n) HANDGRAD_INLINED {
            const auto folded = [=](std::int64_t row) HANDGRAD_INLINED {
                const T* const from = x + row * s.width + j * s.stride_x;
                for (std::int64_t i = 0; i < s.stride_x; ++i) prefetch_read(from + s.plane() + i * S::lanes);
                return across<Step>(from, s.stride_x, s.window_x, n, fold);
            };
            typename Fold::Part ring[kRing];
            std::int64_t end = first * s.stride_y, slot_of_end = 0, slot_of_top = 0;  // `end`: the first row not in the ring yet
            for (std::int64_t y = first; y < least(rows, first + at_once); ++y) {
                const std::int64_t top = y * s.stride_y;
                for (; shared && end < top + window_y; ++end, slot_of_end = slot_after(slot_of_end, window_y))
                    ring[slot_of_end] = folded(end);
                auto all = shared ? ring[slot_of_top] : folded(top);
                std::int64_t slot = slot_of_top;
                for (std::int64_t r = 1; r < window_y; ++r) {
                    slot = slot_after(slot, window_y);
                    const auto part = shared ? ring[slot] : folded(top + r);
                    all = fold.joined(all, fold.moved(part, static_cast<int>(r * s.window_x)));
                }
                slot_of_top += s.stride_y;
                if (slot_of_top >= window_y) slot_of_top -= window_y;
                fold.ask(at + (y + rows) * windows + j);
                fold.store(at + y * windows + j, all, n);
            }
        });
}

// Windows of Rows x 3, Step apart in both directions. Each row of the image is folded once, across the windows' columns, and
// the rows then into the windows that share them, a vector of windows downwards at a time. Asks for the next plane meanwhile.
template <int Step, int Rows, class T, class Fold>
void pool_threes(const PoolShape& s, const T* x, std::int64_t at, const Fold fold) {
    using S = Simd<T>;
    constexpr int kShared = Rows > Step ? Rows - Step : 0;  // rows that a window has in common with the one above
    const std::int64_t windows = s.out_width(), rows = s.out_height(), width = s.width, plane = s.plane();
    const std::int64_t at_once = rows_at_once<T>(Step * width);
    for (std::int64_t first = 0; first < rows; first += at_once)
        by_lanes<S>(windows, [=](std::int64_t j, int n) HANDGRAD_INLINED {
            const auto folded = [=](std::int64_t row) HANDGRAD_INLINED {
                const T* const from = x + row * width + Step * j;
                HANDGRAD_UNROLL
                for (int i = 0; i < Step; ++i) prefetch_read(from + plane + i * S::lanes);
                return across<Step>(from, Step, 3, n, fold);
            };
            typename Fold::Part part[Rows];
            HANDGRAD_UNROLL
            for (int r = 0; r < kShared; ++r) part[Rows - kShared + r] = folded(Step * first + r);
            const std::int64_t end = least(rows, first + at_once);
            for (std::int64_t y = first; y < end; ++y) {
                HANDGRAD_UNROLL
                for (int r = 0; r < Rows; ++r) part[r] = r < kShared ? part[Rows - kShared + r] : folded(Step * y + r);
                auto all = part[0];
                HANDGRAD_UNROLL
                for (int r = 1; r < Rows; ++r) all = fold.joined(all, fold.moved(part[r], 3 * r));
                fold.ask(at + (y + rows) * windows + j);
                fold.store(at + y * windows + j, all, n);
            }
        });
}

// The way for windows Step apart across, or any step (0).
template <int Step, class T, class Fold>
HANDGRAD_INLINE void pool_plane(const PoolShape& s, const T* x, std::int64_t at, const Fold& fold) {
    if constexpr (Step > 0)
        if (s.window_x == 3 && s.stride_y == Step) {
            if (s.window_y == 3) return pool_threes<Step, 3>(s, x, at, fold);
            if (s.window_y == 2) return pool_threes<Step, 2>(s, x, at, fold);
        }
    pool_windows<Step>(s, x, at, fold);
}

template <class T, class Fold>
void pool_planes(const PoolShape& s, const T* x, std::int64_t planes, const Fold& fold) {
    if (packs<T>(s)) return pool_packed_halves(s, x, planes, fold);
    if (fits_lanes<T>(s)) return pool_in_lanes(s, x, planes, fold);
    std::int64_t at = 0;
    for (std::int64_t p = 0; p < planes; ++p, x += s.plane(), at += s.out_plane()) {
        if (s.halves())
            pool_halves(s, x, at, fold);
        else if (s.stride_x == 1)
            pool_plane<1>(s, x, at, fold);
        else if (s.stride_x == 2)
            pool_plane<2>(s, x, at, fold);
        else if (s.stride_x == 3)
            pool_plane<3>(s, x, at, fold);
        else
            pool_plane<0>(s, x, at, fold);
    }
}

template <class T>
void max(const PoolShape& s, const T* x, T* out, std::uint8_t* winner, std::int64_t planes) {
    pool_planes(s, x, planes, Maximum<T>{out, winner});
}

template <class T>
void average(const PoolShape& s, const T* x, T* out, std::int64_t planes) {
    pool_planes(s, x, planes, Average<T>{out, Simd<T>::splat(static_cast<T>(s.taps()))});
}

template <class T>
void max_gradient(const PoolShape& s, const T* dout, const std::uint8_t* winner, T* dx, std::int64_t planes, bool stream) {
    spread_planes(s, dx, planes, stream, ToWinner<T>{dout, winner},
                  [&](std::int64_t at, T* plane) { give_to_winners(s, dout + at, winner + at, plane, stream); });
}

template <class T>
void average_gradient(const PoolShape& s, const T* dout, T* dx, std::int64_t planes, bool stream) {
    spread_planes(s, dx, planes, stream, ToAll<T>(dout, s),
                  [&](std::int64_t at, T* plane) { spread(s, dout + at, plane, stream); });
}

template <class T>
void mean(const T* x, T* out, std::int64_t planes, std::int64_t length) {
    for (std::int64_t p = 0; p < planes; ++p)
        out[p] = static_cast<T>(sum_of<Simd<T>>(length, [&](std::int64_t i, int n) HANDGRAD_INLINED {
                                    return load_some<Simd<T>>(x + p * length + i, n);
                                }) /
                                static_cast<double>(length));
}

template <class T>
void mean_gradient(const T* dout, T* dx, std::int64_t planes, std::int64_t length, bool stream) {
    using S = Simd<T>;
    for (std::int64_t p = 0; p < planes; ++p) {
        const auto share = S::splat(dout[p] / static_cast<T>(length));
        by_lanes<S>(length, [&](std::int64_t i, int n) HANDGRAD_INLINED { store_or_stream<S>(dx + p * length + i, share, n, stream); });
    }
}

}  // namespace

template <class T>
const PoolKernels<T>& pool() {
    static constexpr PoolKernels<T> all{
        max<T>, max_gradient<T>, average<T>, average_gradient<T>, mean<T>, mean_gradient<T>,
    };
    return all;
}

template const PoolKernels<float>& pool();
template const PoolKernels<double>& pool();

}  // namespace handgrad::HANDGRAD_ISA
