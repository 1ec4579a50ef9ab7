// The gradients of pooling: windows of 2 x 2 that tile, windows of three columns, and all others.
#pragma once

#include "apart.h"
#include "planes.h"
#include "pool.h"

namespace handgrad::HANDGRAD_ISA {

// The gradient of windows of 2 x 2: share.of(share.load(at, n), tap) is what tap 0 to 3 of outputs at .. at + n gets. A
// last odd row or column gets 0.
template <class T, class Share>
void spread_halves(const PoolShape& s, std::int64_t at, T* dx, bool stream, const Share share) {
    using S = Simd<T>;
    const std::int64_t columns = s.out_width(), rows = s.out_height(), width = s.width;
    for (std::int64_t y = 0; y < rows; ++y, at += columns) {
        T* const row = dx + 2 * y * width;
        by_lanes<S>(columns, [=](std::int64_t j, int n) HANDGRAD_INLINED {
            const auto loaded = share.load(at + j, n);
            HANDGRAD_UNROLL
            for (int r = 0; r < 2; ++r) {
                const typename S::Vec parts[2] = {share.of(loaded, 2 * r), share.of(loaded, 2 * r + 1)};
                put_apart<2, S>(row + r * width + 2 * j, parts, 2 * n, stream);
            }
        });
        if (2 * columns < width) row[width - 1] = row[2 * width - 1] = T(0);
    }
    clear(dx + 2 * rows * width, (s.height - 2 * rows) * width);
}

// Whether rows of windows of 2 x 2 go into a vector without a rest, and into planes as well.
template <class T>
bool packs(const PoolShape& s) {
    const bool whole = s.height % 2 == 0 && s.width % 2 == 0;
    return s.halves() && whole && s.out_width() < Simd<T>::lanes && Simd<T>::lanes % s.out_width() == 0;
}

// The same on such planes: a vector of windows is four vectors in a row of dx.
template <class T, class Share>
void spread_packed_halves(const PoolShape& s, T* dx, std::int64_t planes, bool stream, const Share share) {
    using S = Simd<T>;
    const Runs<S> runs(static_cast<int>(s.out_width()));
    by_lanes<S>(planes * s.out_plane(), [=](std::int64_t i, int n) HANDGRAD_INLINED {
        const auto loaded = share.load(i, n);
        const Two<S> even = runs.merge({share.of(loaded, 0), share.of(loaded, 2)});
        const Two<S> odd = runs.merge({share.of(loaded, 1), share.of(loaded, 3)});
        const typename S::Vec first[2] = {even.low, odd.low}, second[2] = {even.high, odd.high};
        put_apart<2, S>(dx + 4 * i, first, 4 * n, stream);
        put_apart<2, S>(dx + 4 * i + 2 * S::lanes, second, 4 * n - 2 * S::lanes, stream);
    });
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
    HANDGRAD_INLINE void turn(Two<S> (&loaded)[S::lanes]) const {
        turn_member<S>(loaded, &Two<S>::low);
        turn_member<S>(loaded, &Two<S>::high);
    }
};

template <class T>
struct ToAll {
    using S = Simd<T>;
    const T* dout;
    typename S::Vec share;
    HANDGRAD_INLINE ToAll(const T* dout, const PoolShape& s) : dout(dout), share(S::splat(T(1) / static_cast<T>(s.taps()))) {}
    HANDGRAD_INLINE typename S::Vec load(std::int64_t at, int n) const {
        ask_ahead(dout + at);
        return S::mul(load_some<S>(dout + at, n), share);
    }
    HANDGRAD_INLINE typename S::Vec of(typename S::Vec loaded, int) const { return loaded; }
    HANDGRAD_INLINE void turn(typename S::Vec (&loaded)[S::lanes]) const { transpose<S>(loaded); }
};

// The gradient of `planes` planes: what share says where it has a way for such windows, else other(at, dx) plane by plane, whose
// first output is number `at`.
template <class T, class Share, class Other>
void spread_planes(const PoolShape& s, T* dx, std::int64_t planes, bool stream, const Share& share, const Other& other) {
    if (packs<T>(s)) return spread_packed_halves(s, dx, planes, stream, share);
    if (fits_lanes<T>(s)) return spread_in_lanes(s, dx, planes, share);
    for (std::int64_t p = 0; p < planes; ++p, dx += s.plane())
        s.halves() ? spread_halves(s, p * s.out_plane(), dx, stream, share) : other(p * s.out_plane(), dx);
}

// Asks for what lies in the next plane where rows top .. top + stride_y lie in this one, to be written soon.
template <class T>
HANDGRAD_INLINE void ask_for_next_plane(const PoolShape& s, const T* dx, std::int64_t top) {
    for (std::int64_t i = 0; i < s.stride_y * s.width; i += kLine<T>) prefetch(dx + s.plane() + top * s.width + i);
}

// What a row of windows, Step apart, shares to columns Step j + c, Step (j + 1) + c, ... of dx: the sum of dout of windows
// j, j + 1, ..., which have them as column c, of the windows before those, which have them as column c + Step, and so on.
template <int Step, class T>
HANDGRAD_INLINE typename Simd<T>::Vec sum_over(const T* dout, std::int64_t windows, std::int64_t columns, std::int64_t j, int c) {
    using S = Simd<T>;
    auto sum = S::zero();
    for (std::int64_t k = 0; c + k * Step < columns; ++k) {
        const int begin = within(k - j, S::lanes), end = within(windows + k - j, S::lanes);
        if (begin < end) sum = S::add(sum, S::load_between(dout + j - k, begin, end));
    }
    return sum;
}

// The gradient of means of windows Step apart across: what a row of windows shares is summed once, and waits in a ring for all
// the rows of dx that it lies over: begin..end are over row i. False where the ring is too short for them.
template <int Step, class T>
bool spread_near(const PoolShape& s, const T* dout, T* dx, bool stream) {
    using S = Simd<T>;
    const std::int64_t windows = s.out_width(), rows = s.out_height(), width = s.width;
    const std::int64_t over = (s.window_y - 1) / s.stride_y + 1;  // rows of windows over one of dx, at most
    if (over > kRing) return false;
    const auto share = S::splat(T(1) / static_cast<T>(s.taps()));
    const std::int64_t at_once = rows_at_once<T>(width);
    for (std::int64_t first = 0; first < s.height; first += at_once)
        by_lanes<S>((width + Step - 1) / Step, [=](std::int64_t j, int n) HANDGRAD_INLINED {
            const int count = static_cast<int>(least(Step * n, width - Step * j));
            typename S::Vec ring[kRing][Step];
            std::int64_t begin = first < s.window_y ? 0 : (first - s.window_y) / s.stride_y + 1, end = begin;
            std::int64_t slot_of_begin = 0, slot_of_end = 0;
            for (std::int64_t i = first; i < least(s.height, first + at_once); ++i) {
                if (begin * s.stride_y + s.window_y <= i) ++begin, slot_of_begin = slot_after(slot_of_begin, over);
                for (; end < rows && end * s.stride_y <= i; ++end, slot_of_end = slot_after(slot_of_end, over)) {
                    HANDGRAD_UNROLL
                    for (int c = 0; c < Step; ++c)
                        ring[slot_of_end][c] = S::mul(share, sum_over<Step>(dout + end * windows, windows, s.window_x, j, c));
                }
                typename S::Vec parts[Step];
                HANDGRAD_UNROLL
                for (int c = 0; c < Step; ++c) parts[c] = S::zero();
                for (std::int64_t y = begin, slot = slot_of_begin; y < end; ++y, slot = slot_after(slot, over)) {
                    HANDGRAD_UNROLL
                    for (int c = 0; c < Step; ++c) parts[c] = S::add(parts[c], ring[slot][c]);
                }
                T* const to = dx + i * width + Step * j;
                if (!stream) prefetch(to + s.plane());
                put_apart<Step, S>(to, parts, count, stream);
            }
        });
    return true;
}

// Any step. A row of windows is first spread into `sums`, then added to each of them.
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

// The gradient of maxima, one window after the other.
template <class T>
void scatter(const PoolShape& s, const T* dout, const std::uint8_t* winner, T* dx) {
    std::int64_t offset[256];  // of each tap from the corner of its window
    for (std::int64_t r = 0, tap = 0; r < s.window_y; ++r)
        for (std::int64_t c = 0; c < s.window_x; ++c) offset[tap++] = r * s.width + c;
    clear(dx, s.plane());
    std::int64_t at = 0;
    for (std::int64_t y = 0; y < s.out_height(); ++y) {
        ask_for_next_plane(s, dx, y * s.stride_y);
        for (std::int64_t j = 0; j < s.out_width(); ++j, ++at)
            dx[y * s.stride_y * s.width + j * s.stride_x + offset[winner[at]]] += dout[at];
    }
}

// Lanes of a vector of windows that begins at window `from`, of a row that has so many.
struct Lanes {
    int begin, end;
};

HANDGRAD_INLINE Lanes inside(std::int64_t from, std::int64_t windows, int lanes) {
    return {within(-from, lanes), within(windows - from, lanes)};
}

// What neighbouring windows of three columns, Step apart, give: load(at, in) is a vector of windows of a row, its first at `at`,
// with the windows to their left that lie over the same numbers, `in` the lanes that each has; add(parts, row, r) adds what they
// give in their row r, parts[c] being every Step-th number from column c on.
template <int Step, class T>
struct FromWinners {
    using S = Simd<T>;
    struct Row {
        typename S::Vec dout[2 / Step + 1];
        typename S::Bytes winner[2 / Step + 1];
    };
    const T* dout;
    const std::uint8_t* winner;

    HANDGRAD_INLINE void ask(std::int64_t at) const {
        prefetch_read(dout + at);
        prefetch_read(winner + at);
    }
    HANDGRAD_INLINE Row load(std::int64_t at, const Lanes (&in)[3]) const {
        Row row;
        HANDGRAD_UNROLL
        for (int left = 0; left <= 2 / Step; ++left) {
            row.dout[left] = S::load_between(dout + at - left, in[left].begin, in[left].end);
            row.winner[left] = S::bytes_between(winner + at - left, in[left].begin, in[left].end);
        }
        return row;
    }
    HANDGRAD_INLINE void add(typename S::Vec (&parts)[Step], const Row& row, int r) const {
        HANDGRAD_UNROLL
        for (int c = 2; c >= 0; --c)
            parts[c % Step] = S::add_where(parts[c % Step], S::same_bytes(row.winner[c / Step], 3 * r + c), row.dout[c / Step]);
    }
};

template <int Step, class T>
struct FromAll {
    using S = Simd<T>;
    struct Row {
        typename S::Vec sum[Step];
    };
    const T* dout;
    typename S::Vec share;

    HANDGRAD_INLINE void ask(std::int64_t at) const { prefetch_read(dout + at); }
    HANDGRAD_INLINE Row load(std::int64_t at, const Lanes (&in)[3]) const {
        Row row;
        HANDGRAD_UNROLL
        for (int c = 0; c < 3; ++c) {
            const auto next = S::mul(share, S::load_between(dout + at - c / Step, in[c / Step].begin, in[c / Step].end));
            row.sum[c % Step] = c < Step ? next : S::add(row.sum[c % Step], next);
        }
        return row;
    }
    HANDGRAD_INLINE void add(typename S::Vec (&parts)[Step], const Row& row, int) const {
        HANDGRAD_UNROLL
        for (int c = 0; c < Step; ++c) parts[c] = S::add(parts[c], row.sum[c]);
    }
};

// The gradient of windows of Rows x 3, Step apart in both directions: dx is made number by number, a vector downwards at a time,
// as the sum over the windows that lie over it, added in their order. The rows of windows in use stay in registers.
template <int Step, int Rows, class T, class From>
void collect_threes(const PoolShape& s, const From from, T* dx, bool stream) {
    using S = Simd<T>;
    constexpr int kOver = (Rows - 1) / Step;  // rows of windows above one that reach into its rows of dx
    const std::int64_t windows = s.out_width(), rows = s.out_height(), height = s.height, width = s.width, plane = s.plane();
    const std::int64_t at_once = rows_at_once<T>(Step * width), steps = (height + Step - 1) / Step;
    for (std::int64_t first = 0; first < steps; first += at_once)
        by_lanes<S>((width + Step - 1) / Step, [=](std::int64_t j, int n) HANDGRAD_INLINED {
            const int count = static_cast<int>(least(Step * n, width - Step * j));
            const Lanes in[3] = {inside(j, windows, S::lanes), inside(j - 1, windows, S::lanes), inside(j - 2, windows, S::lanes)};
            const auto load = [=](std::int64_t y) HANDGRAD_INLINED {
                from.ask((y + least(at_once, rows)) * windows + j);  // of the next rows that are read, or the next plane
                return y >= 0 && y < rows ? from.load(y * windows + j, in) : typename From::Row{};
            };
            typename From::Row row[kOver + 1];  // row[k] is k rows of windows above
            HANDGRAD_UNROLL
            for (int k = 0; k < kOver; ++k) row[k] = load(first - 1 - k);
            for (std::int64_t y = first; y < least(steps, first + at_once); ++y) {
                HANDGRAD_UNROLL
                for (int k = kOver; k > 0; --k) row[k] = row[k - 1];
                row[0] = load(y);
                HANDGRAD_UNROLL
                for (int q = 0; q < Step; ++q) {
                    if (Step * y + q >= height) break;
                    typename S::Vec parts[Step];
                    T* const to = dx + (Step * y + q) * width + Step * j;
                    HANDGRAD_UNROLL
                    for (int c = 0; c < Step; ++c) {
                        parts[c] = S::zero();
                        if (!stream) prefetch(to + plane + c * S::lanes);
                    }
                    HANDGRAD_UNROLL
                    for (int k = kOver; k >= 0; --k)
                        if (q + k * Step < Rows) from.add(parts, row[k], q + k * Step);
                    put_apart<Step, S>(to, parts, count, stream);
                }
            }
        });
}

// Whether windows are such, two or three rows of three a step of 1 to `widest` apart, and if so the work done.
template <template <int, class> class From, class T, class... With>
bool collected(const PoolShape& s, int widest, T* dx, bool stream, With... with) {
    if (s.window_x != 3 || s.stride_x != s.stride_y || s.window_y < 2 || s.window_y > 3 || s.stride_x > widest) return false;
    const bool three = s.window_y == 3;
    if (s.stride_x == 1) {
        const From<1, T> from{with...};
        three ? collect_threes<1, 3>(s, from, dx, stream) : collect_threes<1, 2>(s, from, dx, stream);
    } else if (s.stride_x == 2) {
        const From<2, T> from{with...};
        three ? collect_threes<2, 3>(s, from, dx, stream) : collect_threes<2, 2>(s, from, dx, stream);
    } else {
        const From<3, T> from{with...};
        three ? collect_threes<3, 3>(s, from, dx, stream) : collect_threes<3, 2>(s, from, dx, stream);
    }
    return true;
}

template <class T>
void spread(const PoolShape& s, const T* dout, T* dx, bool stream) {
    if (collected<FromAll>(s, 3, dx, stream, dout, Simd<T>::splat(T(1) / static_cast<T>(s.taps())))) return;
    if (s.stride_x == 1 && spread_near<1>(s, dout, dx, stream)) return;
    if (s.stride_x == 2 && spread_near<2>(s, dout, dx, stream)) return;
    if (s.stride_x == 3 && spread_near<3>(s, dout, dx, stream)) return;
    spread_far(s, dout, dx);
}

// Comparisons of bytes pay where windows overlap, and where 16 are made on masks; else they took longer than windows one by one.
template <class T>
void give_to_winners(const PoolShape& s, const T* dout, const std::uint8_t* winner, T* dx, bool stream) {
    if constexpr (Simd<T>::masks_bytes)
        if (collected<FromWinners>(s, 2, dx, stream, dout, winner)) return;
    scatter(s, dout, winner, dx);
}

}  // namespace handgrad::HANDGRAD_ISA
