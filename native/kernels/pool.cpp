// Pooling: a vector is neighbouring windows of a row of outputs.
#include "pool.h"

#include "simd.h"
#include "table.h"

namespace handgrad::HANDGRAD_ISA {

namespace {

// Two vectors as they lie in memory, of which the first n numbers of the pair count.
template <class S>
struct Two {
    typename S::Vec low, high;
};

template <class S, class T>
HANDGRAD_INLINE Two<S> load_two(const T* from, int n) {
    return {load_some<S>(from, n < S::lanes ? n : S::lanes), load_some<S>(from + S::lanes, n > S::lanes ? n - S::lanes : 0)};
}

template <class S, class T>
HANDGRAD_INLINE void store_two(T* to, typename S::Vec low, typename S::Vec high, int n, bool stream) {
    if (stream && n == 2 * S::lanes) {
        S::stream(to, low);
        S::stream(to + S::lanes, high);
        return;
    }
    store_some<S>(to, low, n < S::lanes ? n : S::lanes);
    if (n > S::lanes) store_some<S>(to + S::lanes, high, n - S::lanes);
}

// from[0], from[stride], ..., n of them; nothing beyond the last is read. Step is the stride, or 0 for any.
template <class S, int Step, class T>
HANDGRAD_INLINE typename S::Vec load_apart(const T* from, std::int64_t stride, int n) {
    if constexpr (Step == 1) return load_some<S>(from, n);
    if constexpr (Step == 2) {
        const Two<S> both = load_two<S>(from, 2 * n - 1);
        return S::evens(both.low, both.high);
    }
    return S::gather(from, stride, n);
}

// What becomes of the numbers that a window passes over: begin(first), then add(next, tap) for the others, then store.
template <class T>
struct Maximum {
    using S = Simd<T>;
    using V = typename S::Vec;
    T* out;
    std::uint8_t* winner;
    V best, tap_of_best;

    HANDGRAD_INLINE void begin(V first) {
        best = first;
        tap_of_best = S::zero();
    }
    // Strictly greater, so that the first maximum keeps a tie; and the first NaN stays.
    HANDGRAD_INLINE void add(V next, int tap) {
        const auto better = S::both(S::above(next, best), S::number(best));
        best = S::pick(better, next, best);
        tap_of_best = S::pick(better, S::splat(static_cast<T>(tap)), tap_of_best);
    }
    HANDGRAD_INLINE void store(std::int64_t at, int n) {
        store_some<S>(out + at, best, n);
        S::store_bytes(winner + at, tap_of_best, n);
    }
};

template <class T>
struct Average {
    using S = Simd<T>;
    using V = typename S::Vec;
    T* out;
    V taps, total;

    HANDGRAD_INLINE void begin(V first) { total = first; }
    HANDGRAD_INLINE void add(V next, int) { total = S::add(total, next); }
    HANDGRAD_INLINE void store(std::int64_t at, int n) { store_some<S>(out + at, S::div(total, taps), n); }
};

// Windows of 2 x 2 that tile the image: two rows, each split into its even and its odd numbers.
template <class T, class Fold>
HANDGRAD_INLINE void pool_halves(const PoolShape& s, const T* x, std::int64_t at, Fold& fold) {
    using S = Simd<T>;
    for (std::int64_t y = 0; y < s.out_height(); ++y) {
        const T *const upper = x + 2 * y * s.width, *const lower = upper + s.width;
        by_lanes<S>(s.out_width(), [&](std::int64_t j, int n) HANDGRAD_INLINED {
            ask_ahead(upper + 2 * j);
            ask_ahead(upper + 2 * j + S::lanes);
            ask_ahead(lower + 2 * j);
            ask_ahead(lower + 2 * j + S::lanes);
            const Two<S> a = load_two<S>(upper + 2 * j, 2 * n), b = load_two<S>(lower + 2 * j, 2 * n);
            fold.begin(S::evens(a.low, a.high));
            fold.add(S::odds(a.low, a.high), 1);
            fold.add(S::evens(b.low, b.high), 2);
            fold.add(S::odds(b.low, b.high), 3);
            fold.store(at + y * s.out_width() + j, n);
        });
    }
}

template <int Step, class T, class Fold>
HANDGRAD_INLINE void pool_windows(const PoolShape& s, const T* x, std::int64_t at, Fold& fold) {
    using S = Simd<T>;
    for (std::int64_t y = 0; y < s.out_height(); ++y)
        by_lanes<S>(s.out_width(), [&](std::int64_t j, int n) HANDGRAD_INLINED {
            const T* const corner = x + y * s.stride_y * s.width + j * s.stride_x;
            fold.begin(load_apart<S, Step>(corner, s.stride_x, n));
            int tap = 1;
            for (std::int64_t r = 0; r < s.window_y; ++r)
                for (std::int64_t c = r == 0; c < s.window_x; ++c, ++tap)
                    fold.add(load_apart<S, Step>(corner + r * s.width + c, s.stride_x, n), tap);
            fold.store(at + y * s.out_width() + j, n);
        });
}

template <class T, class Fold>
void pool_planes(const PoolShape& s, const T* x, std::int64_t planes, Fold fold) {
    std::int64_t at = 0;
    for (std::int64_t p = 0; p < planes; ++p, x += s.plane(), at += s.out_plane()) {
        if (s.halves())
            pool_halves(s, x, at, fold);
        else if (s.stride_x == 1)
            pool_windows<1>(s, x, at, fold);
        else if (s.stride_x == 2)
            pool_windows<2>(s, x, at, fold);
        else
            pool_windows<0>(s, x, at, fold);
    }
}

template <class T>
void max(const PoolShape& s, const T* x, T* out, std::uint8_t* winner, std::int64_t planes) {
    pool_planes(s, x, planes, Maximum<T>{out, winner, {}, {}});
}

template <class T>
void average(const PoolShape& s, const T* x, T* out, std::int64_t planes) {
    pool_planes(s, x, planes, Average<T>{out, Simd<T>::splat(static_cast<T>(s.taps())), {}});
}

std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

template <class T>
void clear(T* to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = T(0);
}

// The gradient of windows of 2 x 2: share.of(share.load(at, n), tap) is what tap 0 to 3 of outputs at .. at + n gets. A
// last odd row or column gets 0.
template <class T, class Share>
HANDGRAD_INLINE void spread_halves(const PoolShape& s, std::int64_t at, T* dx, bool stream, const Share& share) {
    using S = Simd<T>;
    const std::int64_t columns = s.out_width(), rows = s.out_height();
    for (std::int64_t y = 0; y < rows; ++y, at += columns) {
        T* const row = dx + 2 * y * s.width;
        by_lanes<S>(columns, [&](std::int64_t j, int n) HANDGRAD_INLINED {
            const auto loaded = share.load(at + j, n);
            HANDGRAD_UNROLL
            for (int r = 0; r < 2; ++r) {
                const auto even = share.of(loaded, 2 * r), odd = share.of(loaded, 2 * r + 1);
                store_two<S>(row + r * s.width + 2 * j, S::zip_low(even, odd), S::zip_high(even, odd), 2 * n, stream);
            }
        });
        if (2 * columns < s.width) row[s.width - 1] = row[2 * s.width - 1] = T(0);
    }
    clear(dx + 2 * rows * s.width, (s.height - 2 * rows) * s.width);
}

template <class T>
struct ToWinner {
    using S = Simd<T>;
    const T* dout;
    const std::uint8_t* winner;
    HANDGRAD_INLINE Two<S> load(std::int64_t at, int n) const {
        ask_ahead(dout + at);
        ask_ahead(winner + at);
        return {load_some<S>(dout + at, n), S::load_bytes(winner + at, n)};
    }
    HANDGRAD_INLINE typename S::Vec of(const Two<S>& loaded, int tap) const {
        return S::keep(S::same(loaded.high, S::splat(static_cast<T>(tap))), loaded.low);
    }
};

template <class T>
struct ToAll {
    using S = Simd<T>;
    const T* dout;
    HANDGRAD_INLINE typename S::Vec load(std::int64_t at, int n) const {
        ask_ahead(dout + at);
        return S::mul(load_some<S>(dout + at, n), S::splat(T(0.25)));
    }
    HANDGRAD_INLINE typename S::Vec of(typename S::Vec loaded, int) const { return loaded; }
};

// Asks for what lies in the next plane where rows top .. top + stride_y lie in this one, to be written soon.
template <class T>
HANDGRAD_INLINE void ask_for_next_plane(const PoolShape& s, const T* dx, std::int64_t top) {
    constexpr std::int64_t kLine = 64 / sizeof(T);
    for (std::int64_t i = 0; i < s.stride_y * s.width; i += kLine) prefetch(dx + s.plane() + top * s.width + i);
}

template <class T>
void max_gradient(const PoolShape& s, const T* dout, const std::uint8_t* winner, T* dx, std::int64_t planes, bool stream) {
    std::int64_t offset[256];  // of each tap from the corner of its window
    for (std::int64_t tap = 0; tap < s.taps(); ++tap) offset[tap] = tap / s.window_x * s.width + tap % s.window_x;
    std::int64_t at = 0;
    for (std::int64_t p = 0; p < planes; ++p, dx += s.plane()) {
        if (s.halves()) {
            spread_halves(s, p * s.out_plane(), dx, stream, ToWinner<T>{dout, winner});
            continue;
        }
        clear(dx, s.plane());
        for (std::int64_t y = 0; y < s.out_height(); ++y) {
            ask_for_next_plane(s, dx, y * s.stride_y);
            for (std::int64_t j = 0; j < s.out_width(); ++j, ++at)
                dx[y * s.stride_y * s.width + j * s.stride_x + offset[winner[at]]] += dout[at];
        }
    }
}

int within(std::int64_t lane, int lanes) { return lane < 0 ? 0 : lane > lanes ? lanes : static_cast<int>(lane); }

// Stores, or adds, `count` numbers of which parts[i] holds every Step-th from i on.
template <int Step, class T>
HANDGRAD_INLINE void put_apart(T* to, const typename Simd<T>::Vec (&parts)[Step], int count, bool adds) {
    using S = Simd<T>;
    static_assert(Step == 1 || Step == 2);
    HANDGRAD_UNROLL
    for (int i = 0; i < Step; ++i) {
        const int n = within(count - i * S::lanes, S::lanes);
        if (n == 0) return;
        T* const at = to + i * S::lanes;
        auto mine = parts[0];
        if constexpr (Step == 2) mine = i == 0 ? S::zip_low(parts[0], parts[1]) : S::zip_high(parts[0], parts[1]);
        store_some<S>(at, adds ? S::add(load_some<S>(at, n), mine) : mine, n);
    }
}

// What a row of windows, Step apart, shares to columns Step j + c, Step (j + 1) + c, ... of dx: the sum of dout of windows
// j, j + 1, ..., which have them as column c, of the windows before those, which have them as column c + Step, and so on.
template <int Step, int Columns, class T>
HANDGRAD_INLINE typename Simd<T>::Vec sum_over(const T* dout, std::int64_t windows, std::int64_t columns, std::int64_t j, int c) {
    using S = Simd<T>;
    auto sum = S::zero();
    const auto add = [&](std::int64_t k) HANDGRAD_INLINED {
        const int begin = within(k - j, S::lanes), end = within(windows + k - j, S::lanes);
        if (begin < end) sum = S::add(sum, S::load_between(dout + j - k, begin, end));
    };
    if constexpr (Columns > 0) {
        HANDGRAD_UNROLL
        for (int k = 0; c + k * Step < Columns; ++k) add(k);
    } else {
        for (std::int64_t k = 0; c + k * Step < columns; ++k) add(k);
    }
    return sum;
}

// The gradient of means of windows a step of 1 or 2 apart, with 3 columns (unrolled) or any (0). All rows of a window get
// the same: it is stored where nothing is yet, else added.
template <int Step, int Columns, class T>
void spread_near(const PoolShape& s, const T* dout, T* dx) {
    using S = Simd<T>;
    const auto share = S::splat(T(1) / static_cast<T>(s.taps()));
    const std::int64_t windows = s.out_width();
    std::int64_t fresh = 0;  // the first row of dx that holds nothing yet
    for (std::int64_t y = 0, top = 0; y < s.out_height(); ++y, top += s.stride_y, dout += windows) {
        ask_for_next_plane(s, dx, top);
        clear(dx + fresh * s.width, (top - fresh) * s.width);
        by_lanes<S>((s.width + Step - 1) / Step, [&](std::int64_t j, int n) HANDGRAD_INLINED {
            typename S::Vec shares[Step];
            HANDGRAD_UNROLL
            for (int c = 0; c < Step; ++c) shares[c] = S::mul(share, sum_over<Step, Columns>(dout, windows, s.window_x, j, c));
            T* to = dx + top * s.width + Step * j;
            for (std::int64_t r = 0; r < s.window_y; ++r, to += s.width)
                put_apart<Step>(to, shares, static_cast<int>(least(Step * n, s.width - Step * j)), top + r < fresh);
        });
        fresh = top + s.window_y;
    }
    clear(dx + fresh * s.width, (s.height - fresh) * s.width);
}

// Other steps. A row of windows is first spread into `sums`, then added to each of them.
// Column by column: additions for windows that lie next to each other and overlap would wait for one another.
template <class T>
void spread_far(const PoolShape& s, const T* dout, T* dx) {
    constexpr std::int64_t kLength = 1024, kColumns = 512;  // of sums; of a window at a time
    const T share = T(1) / static_cast<T>(s.taps());
    T sums[kLength];
    clear(dx, s.plane());
    for (std::int64_t y = 0; y < s.out_height(); ++y, dout += s.out_width())
        for (std::int64_t c = 0; c < s.window_x; c += kColumns) {
            const std::int64_t columns = least(kColumns, s.window_x - c), most = (kLength - columns) / s.stride_x + 1;
            for (std::int64_t j = 0; j < s.out_width(); j += most) {
                const std::int64_t count = least(most, s.out_width() - j), length = (count - 1) * s.stride_x + columns;
                clear(sums, length);
                for (std::int64_t column = 0; column < columns; ++column)
                    for (std::int64_t i = 0; i < count; ++i)
                        sums[column + i * s.stride_x] += dout[j + i] * share;
                for (std::int64_t r = 0; r < s.window_y; ++r) {
                    T* const row = dx + (y * s.stride_y + r) * s.width + j * s.stride_x + c;
                    for (std::int64_t i = 0; i < length; ++i) row[i] += sums[i];
                }
            }
        }
}

template <class T>
void average_gradient(const PoolShape& s, const T* dout, T* dx, std::int64_t planes, bool stream) {
    for (std::int64_t p = 0; p < planes; ++p, dx += s.plane()) {
        const T* const mine = dout + p * s.out_plane();
        if (s.halves())
            spread_halves(s, 0, dx, stream, ToAll<T>{mine});
        else if (s.stride_x == 1)
            s.window_x == 3 ? spread_near<1, 3>(s, mine, dx) : spread_near<1, 0>(s, mine, dx);
        else if (s.stride_x == 2)
            s.window_x == 3 ? spread_near<2, 3>(s, mine, dx) : spread_near<2, 0>(s, mine, dx);
        else
            spread_far(s, mine, dx);
    }
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
