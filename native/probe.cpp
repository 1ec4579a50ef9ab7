#include "probe.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "dispatch.h"
#include "threads.h"

namespace handgrad {

namespace {

// A burst lasts 3 to 15 ms: starting the threads does not count, and several fit between two interruptions.
constexpr std::int64_t kRounds = 1'000'000;

double burst() {
    const KernelTable& k = kernels();
    std::atomic<std::int64_t> flops{0};
    const auto start = std::chrono::steady_clock::now();
    parallel_for(num_threads(), 1, [&](std::int64_t begin, std::int64_t end, int) {
        float sink = 0;
        for (std::int64_t i = begin; i < end; ++i) flops += k.fma_probe(kRounds, &sink);
    });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return static_cast<double>(flops.load()) / elapsed.count() / 1e9;
}

}  // namespace

double fma_gflops(double seconds) {
    if (!(seconds > 0 && seconds <= 60))
        throw std::invalid_argument("seconds must be above 0 and at most 60, got " + std::to_string(seconds));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    double best = 0;
    do best = std::max(best, burst());
    while (std::chrono::steady_clock::now() < deadline);
    return best;
}

}  // namespace handgrad
