#include "update.h"

#include <algorithm>
#include <numeric>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace handgrad {

namespace {

// Below it, waking a thread takes longer than it saves.
constexpr std::int64_t kGrain = 1 << 15;
// From so many bytes on, results that lie apart from what they are made of are written past the caches: adam on 33 MB
// takes 4.0 ms so, 6.5 ms through the caches, 2.8 ms in place.
constexpr std::int64_t kBeyondCaches = std::int64_t{8} << 20;
// Two slabs of a gradient of so many bytes stay in the second-level cache; of long rows there are some all the same, for a
// tile of fewer wastes the units.
constexpr std::int64_t kSlabRows = 14;
constexpr std::int64_t kSlabBytes = 224 << 10;

template <class T>
bool streams(const Update<T>& u, std::int64_t count) {
    return count * static_cast<std::int64_t>(sizeof(T)) >= kBeyondCaches && u.next_w != u.w;
}

// The step for what begins at number `at`, with its gradient at dw.
template <class T>
Update<T> from(Update<T> u, std::int64_t at, const T* dw) {
    u.w += at, u.next_w += at, u.dw = dw;
    for (int k = 0; k < 2; ++k)
        if (u.memory[k]) u.memory[k] += at, u.next_memory[k] += at;
    return u;
}

// Rows of a slab, which ends where a cache line does: the next begins with whole lines, as streams ask for.
template <class T>
std::int64_t slab_rows(std::int64_t m) {
    constexpr std::int64_t line = whole_lines<T>(1);
    const std::int64_t unit = line / std::gcd(line, m);
    const std::int64_t rows = std::max(kSlabRows, kSlabBytes / static_cast<std::int64_t>(sizeof(T)) / m);
    return std::max(unit, rows / unit * unit);
}

// Some rows of w, which take their gradient a slab at a time.
template <class T>
struct Rows {
    Update<T> u;  // of the first row
    const T* dw;  // two slabs
    std::int64_t numbers, slab;
    decltype(Kernels<T>::update) step;

    // Parts are cut at whole lines.
    void take(std::int64_t number, std::int64_t part, std::int64_t parts) const {
        constexpr std::int64_t line = whole_lines<T>(1);
        const std::int64_t begin = number * slab, count = std::min(slab, numbers - begin), lines = whole_lines<T>(count) / line;
        const auto cut = [&](std::int64_t i) { return std::min(count, lines * i / parts * line); };
        step(from(u, begin, dw + number % 2 * slab), cut(part), cut(part + 1));
    }
};

}  // namespace

template <class T>
void update(Update<T> u, std::int64_t count) {
    u.stream = streams(u, count);
    const auto step = kernels().of<T>().update;
    parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end, int) { step(u, begin, end); });
}

template <class T>
void update(Update<T> u, const Factors<T>& f) {
    if (f.d == 0 || f.m == 0) return;
    u.stream = streams(u, f.d * f.m);
    const Kernels<T>& k = kernels().of<T>();
    Gemm<T> whole{f.d, f.m, f.n, f.x, 1, f.d, f.dout, f.m, 1, nullptr, f.m, false, {}};
    Taker<T> taker;
    taker.rows = slab_rows<T>(f.m);
    taker.take = [](const void* rows, std::int64_t slab, std::int64_t part, std::int64_t parts) {
        static_cast<const Rows<T>*>(rows)->take(slab, part, parts);
    };
    const std::int64_t slab = taker.rows * f.m, slabs = (f.d + taker.rows - 1) / taker.rows;
    const std::int64_t share = 2 * slab + whole_lines<T>(k.gemm_slabs_workspace(whole, taker));
    const Scratch<T> scratch(static_cast<std::size_t>(share * std::min<std::int64_t>(num_threads(), slabs)));
    parallel_for(slabs, std::max<std::int64_t>(1, kGrain / slab), [&](std::int64_t begin, std::int64_t end, int slot) {
        T* const own = scratch.get() + slot * share;
        const std::int64_t row = begin * taker.rows;
        Gemm<T> product = whole;
        product.m = std::min(f.d, end * taker.rows) - row;
        product.a += row;
        product.c = own;
        const Rows<T> rows{from<T>(u, row * f.m, nullptr), own, product.m * f.m, slab, k.update};
        Taker<T> mine = taker;
        mine.context = &rows;
        k.gemm_slabs(product, mine, own + 2 * slab);
    });
}

template void update(Update<float>, std::int64_t);
template void update(Update<double>, std::int64_t);
template void update(Update<float>, const Factors<float>&);
template void update(Update<double>, const Factors<double>&);

}  // namespace handgrad
