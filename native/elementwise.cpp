#include "elementwise.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace handgrad {

namespace {

// Threads meet at multiples of this, so that no two write to one line of the cache.
constexpr std::int64_t kBlock = 1024;
// Blocks that are worth waking a thread: of numbers that are copied or compared, and of exponentials.
constexpr std::int64_t kCheap = 32, kDear = 4;
template <class Body>
void in_blocks(std::int64_t count, std::int64_t grain, const Body& body) {
    parallel_for((count + kBlock - 1) / kBlock, grain, [&](std::int64_t begin, std::int64_t end, int slot) {
        const std::int64_t first = begin * kBlock;
        body(first, std::min(count, end * kBlock) - first, slot);
    });
}

template <class T>
const ElementwiseKernels<T>& elementwise_kernels() {
    return kernels().of<T>().elementwise();
}

std::int64_t grain_of(Activation f, bool gradient) {
    if (f == Activation::relu || f == Activation::leaky_relu) return kCheap;
    return gradient && (f == Activation::sigmoid || f == Activation::tanh) ? kCheap : kDear;
}

}  // namespace

template <class T>
void activate(Activation f, T* out, const T* x, T alpha, std::int64_t count) {
    const auto run = elementwise_kernels<T>().activate;
    const bool stream = beyond_caches<T>(count);
    in_blocks(count, grain_of(f, false), [&](std::int64_t i, std::int64_t n, int) { run(f, out + i, x + i, alpha, n, stream); });
}

template <class T>
void activation_gradient(Activation f, T* dx, const T* dout, const T* x, T alpha, std::int64_t count) {
    const auto run = elementwise_kernels<T>().activation_gradient;
    const bool stream = beyond_caches<T>(count);
    in_blocks(count, grain_of(f, true),
              [&](std::int64_t i, std::int64_t n, int) { run(f, dx + i, dout + i, x + i, alpha, n, stream); });
}

template <class T>
void dropout(T* out, T* mask, const T* x, const double* uniform, double p, std::int64_t count) {
    const auto run = elementwise_kernels<T>().dropout;
    const T scale = T(1) / static_cast<T>(1 - p);
    in_blocks(count, kCheap,
              [&](std::int64_t i, std::int64_t n, int) { run(out + i, mask + i, x + i, uniform + i, p, scale, n); });
}

template <class T>
void dropout_drawn(T* out, T* mask, const T* x, const Pcg64& rng, double p, std::int64_t count) {
    const auto run = elementwise_kernels<T>().dropout_drawn;
    const T scale = T(1) / static_cast<T>(1 - p);
    const std::uint64_t bound = static_cast<std::uint64_t>(std::ceil(std::ldexp(p, 53))) << 11;
    const bool stream = beyond_caches<T>(count);
    in_blocks(count, kDear, [&](std::int64_t i, std::int64_t n, int) { run(out + i, mask + i, x + i, rng, i, bound, scale, n, stream); });
}

template <class T>
void multiply(T* out, const T* a, const T* b, std::int64_t count) {
    const auto run = elementwise_kernels<T>().multiply;
    const bool stream = beyond_caches<T>(count);
    in_blocks(count, kCheap, [&](std::int64_t i, std::int64_t n, int) { run(out + i, a + i, b + i, n, stream); });
}

template <class T>
void add(T* out, const T* a, const T* b, std::int64_t count) {
    const auto run = elementwise_kernels<T>().add;
    const bool stream = beyond_caches<T>(count);
    in_blocks(count, kCheap, [&](std::int64_t i, std::int64_t n, int) { run(out + i, a + i, b + i, n, stream); });
}

template <class T>
double add_scaled(T* a, const T* b, T factor, std::int64_t count) {
    const auto run = elementwise_kernels<T>().add_scaled;
    const Scratch<double> sums(static_cast<std::size_t>(num_threads()));
    std::fill_n(sums.get(), num_threads(), 0.0);
    in_blocks(count, kCheap,
              [&](std::int64_t i, std::int64_t n, int slot) { sums.get()[slot] = run(a ? a + i : nullptr, b + i, factor, n); });
    double total = 0;
    for (int slot = 0; slot < num_threads(); ++slot) total += sums.get()[slot];
    return total;
}

template <class T>
void prelu(const Channels& s, T* out, const T* x, const T* slope, std::int64_t slopes) {
    const auto run = elementwise_kernels<T>().activate;
    const std::int64_t grain = std::max<std::int64_t>(1, kCheap * kBlock / std::max<std::int64_t>(1, s.inner));
    parallel_for(s.n * s.c, grain, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t p = begin; p < end; ++p)
            run(Activation::leaky_relu, out + p * s.inner, x + p * s.inner, slope[slopes == 1 ? 0 : p % s.c], s.inner, false);
    });
}

// A thread has whole channels, so that their sums do not depend on the number of threads.
template <class T>
void prelu_gradient(const Channels& s, T* dx, T* dslope, const T* dout, const T* x, const T* slope, std::int64_t slopes) {
    const ElementwiseKernels<T>& k = elementwise_kernels<T>();
    const Scratch<double> sums(static_cast<std::size_t>(s.c));
    std::fill_n(sums.get(), s.c, 0.0);
    const std::int64_t grain = std::max<std::int64_t>(1, kCheap * kBlock / std::max<std::int64_t>(1, s.n * s.inner));
    parallel_for(s.c, grain, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t n = 0; n < s.n; ++n)
            for (std::int64_t c = begin; c < end; ++c) {
                const std::int64_t at = (n * s.c + c) * s.inner;
                k.activation_gradient(Activation::leaky_relu, dx + at, dout + at, x + at, slope[slopes == 1 ? 0 : c], s.inner, false);
                sums.get()[c] += k.slope_gradient(dout + at, x + at, s.inner);
            }
    });
    if (slopes == 1)
        for (std::int64_t c = 1; c < s.c; ++c) sums.get()[0] += sums.get()[c];
    for (std::int64_t c = 0; c < slopes; ++c) dslope[c] = static_cast<T>(c < s.c ? sums.get()[c] : 0.0);
}

#define HANDGRAD_INSTANTIATE(T)                                                                                    \
    template void activate(Activation, T*, const T*, T, std::int64_t);                                             \
    template void activation_gradient(Activation, T*, const T*, const T*, T, std::int64_t);                        \
    template void dropout(T*, T*, const T*, const double*, double, std::int64_t);                                  \
    template void dropout_drawn(T*, T*, const T*, const Pcg64&, double, std::int64_t);                             \
    template void multiply(T*, const T*, const T*, std::int64_t);                                                  \
    template void add(T*, const T*, const T*, std::int64_t);                                                       \
    template double add_scaled(T*, const T*, T, std::int64_t);                                                     \
    template void prelu(const Channels&, T*, const T*, const T*, std::int64_t);                                    \
    template void prelu_gradient(const Channels&, T*, T*, const T*, const T*, const T*, std::int64_t);

HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

}  // namespace handgrad
