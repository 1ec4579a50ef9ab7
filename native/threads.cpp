#include "threads.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>

#include "cpu_count.h"
#include "pool.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace handgrad {

namespace {

struct Shared {
    std::mutex region;  // held while a loop uses the workers
    std::unique_ptr<Pool> pool;
};

// Never destroyed: at exit workers may still be waiting on what is inside.
Shared* shared = nullptr;
std::atomic<int> setting{0};  // 0: not chosen yet
thread_local bool inside_loop = false;  // to try a lock that one holds is undefined

// Only the forking thread lives on in the child: the old workers, and whoever held the lock, are gone.
void start_over() {
    shared = new Shared;
    inside_loop = false;
}

Shared& state() {
    static const bool ready = [] {
        start_over();
#if !defined(_WIN32)
        pthread_atfork(nullptr, nullptr, start_over);
#endif
        return true;
    }();
    static_cast<void>(ready);
    return *shared;
}

[[noreturn]] void refuse(const char* argument, const std::string& value) {
    throw std::invalid_argument(std::string(argument) + " must be a whole number from 1 to " +
                                std::to_string(kMaxThreads) + ", got " + value);
}

// Marks this thread as inside a loop, and takes the mark back however the loop ends.
struct LoopMark {
    LoopMark() { inside_loop = true; }
    ~LoopMark() { inside_loop = false; }
};

}  // namespace

int num_threads() {
    int n = setting.load(std::memory_order_relaxed);
    if (n == 0) {
        n = std::min(available_cpus(), kMaxThreads);
        setting.store(n, std::memory_order_relaxed);
    }
    return n;
}

void set_num_threads(long long n, const char* argument) {
    if (n < 1 || n > kMaxThreads) refuse(argument, std::to_string(n));
    Shared& s = state();
    const std::lock_guard<std::mutex> lock(s.region);
    if (s.pool && s.pool->lanes() != n) s.pool.reset();
    setting.store(static_cast<int>(n), std::memory_order_relaxed);
}

void set_num_threads_from_environment() {
    const char* text = std::getenv("HANDGRAD_NUM_THREADS");
    if (text == nullptr || *text == '\0') return;
    long long n = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, n);
    if (error != std::errc() || stop != end) refuse("HANDGRAD_NUM_THREADS", "'" + std::string(text) + "'");
    set_num_threads(n, "HANDGRAD_NUM_THREADS");
}

void parallel_for(std::int64_t count, std::int64_t grain, LoopBody body, const void* context) {
    if (count <= 0) return;
    const std::int64_t most = std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, grain));
    const int ranges = static_cast<int>(std::min<std::int64_t>(num_threads(), most));
    const Loop loop{body, context, count, ranges};
    if (ranges > 1 && !inside_loop) {
        Shared& s = state();
        const std::unique_lock<std::mutex> mine(s.region, std::try_to_lock);
        if (mine.owns_lock()) {
            const LoopMark mark;
            if (!s.pool) s.pool = std::make_unique<Pool>(num_threads());
            s.pool->run(loop);
            return;
        }
    }
    for (int range = 0; range < ranges; ++range) loop.run(range);
}

}  // namespace handgrad
