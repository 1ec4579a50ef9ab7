#include "pooling.h"

#include <algorithm>
#include <atomic>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace handgrad {

namespace {

// Numbers of x that are worth waking a thread.
constexpr std::int64_t kWorth = 16384;

// body(first, count) on runs of planes of `size` numbers.
template <class Body>
void by_planes(std::int64_t planes, std::int64_t size, const Body& body) {
    const std::int64_t grain = std::max<std::int64_t>(1, kWorth / std::max<std::int64_t>(1, size));
    parallel_for(planes, grain, [&](std::int64_t begin, std::int64_t end, int) { body(begin, end - begin); });
}

template <class T>
const PoolKernels<T>& pool_kernels() {
    return kernels().of<T>().pool();
}

template <class T>
bool streams(const PoolShape& s, std::int64_t planes) {
    return beyond_caches<T>(planes * s.plane());
}

}  // namespace

template <class T>
void max_pool(const PoolShape& s, const T* x, T* out, std::uint8_t* winner, std::int64_t planes) {
    const auto run = pool_kernels<T>().max;
    by_planes(planes, s.plane(), [&](std::int64_t p, std::int64_t n) {
        run(s, x + p * s.plane(), out + p * s.out_plane(), winner + p * s.out_plane(), n);
    });
}

bool winners_are_taps(const PoolShape& s, const std::uint8_t* winner, std::int64_t planes) {
    const auto last = static_cast<std::uint8_t>(s.taps() - 1);
    std::atomic<bool> all{true};
    by_planes(planes, s.out_plane(), [&](std::int64_t p, std::int64_t n) {
        std::uint8_t wrong = 0;
        for (std::int64_t i = p * s.out_plane(); i < (p + n) * s.out_plane(); ++i) wrong |= static_cast<std::uint8_t>(winner[i] > last);
        if (wrong != 0) all = false;
    });
    return all;
}

template <class T>
void max_pool_gradient(const PoolShape& s, const T* dout, const std::uint8_t* winner, T* dx, std::int64_t planes) {
    const auto run = pool_kernels<T>().max_gradient;
    const bool stream = streams<T>(s, planes);
    by_planes(planes, s.plane(), [&](std::int64_t p, std::int64_t n) {
        run(s, dout + p * s.out_plane(), winner + p * s.out_plane(), dx + p * s.plane(), n, stream);
    });
}

template <class T>
void average_pool(const PoolShape& s, const T* x, T* out, std::int64_t planes) {
    const auto run = pool_kernels<T>().average;
    by_planes(planes, s.plane(),
              [&](std::int64_t p, std::int64_t n) { run(s, x + p * s.plane(), out + p * s.out_plane(), n); });
}

template <class T>
void average_pool_gradient(const PoolShape& s, const T* dout, T* dx, std::int64_t planes) {
    const auto run = pool_kernels<T>().average_gradient;
    const bool stream = streams<T>(s, planes);
    by_planes(planes, s.plane(),
              [&](std::int64_t p, std::int64_t n) { run(s, dout + p * s.out_plane(), dx + p * s.plane(), n, stream); });
}

template <class T>
void plane_means(const T* x, T* out, std::int64_t planes, std::int64_t length) {
    const auto run = pool_kernels<T>().mean;
    by_planes(planes, length, [&](std::int64_t p, std::int64_t n) { run(x + p * length, out + p, n, length); });
}

template <class T>
void plane_means_gradient(const T* dout, T* dx, std::int64_t planes, std::int64_t length) {
    const auto run = pool_kernels<T>().mean_gradient;
    const bool stream = beyond_caches<T>(planes * length);
    by_planes(planes, length, [&](std::int64_t p, std::int64_t n) { run(dout + p, dx + p * length, n, length, stream); });
}

#define HANDGRAD_INSTANTIATE(T)                                                                          \
    template void max_pool(const PoolShape&, const T*, T*, std::uint8_t*, std::int64_t);                 \
    template void max_pool_gradient(const PoolShape&, const T*, const std::uint8_t*, T*, std::int64_t);  \
    template void average_pool(const PoolShape&, const T*, T*, std::int64_t);                            \
    template void average_pool_gradient(const PoolShape&, const T*, T*, std::int64_t);                   \
    template void plane_means(const T*, T*, std::int64_t, std::int64_t);                                 \
    template void plane_means_gradient(const T*, T*, std::int64_t, std::int64_t);

HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

}  // namespace handgrad
