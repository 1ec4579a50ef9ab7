#include "pool.h"

#include <chrono>
#include <system_error>

#include "cpu_count.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif
#if !defined(_WIN32)
#include <csignal>
#endif

namespace handgrad {

namespace {

// Long enough to bridge the Python code between two kernels, short enough to leave the CPU to others.
constexpr std::chrono::microseconds kSpin{300};

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("yield");
#endif
}

#if defined(_WIN32)
struct SignalsBlocked {};
#else
// Threads inherit the mask of their maker. Signals must reach Python's main thread, which may sleep in a
// system call that only its own signal ends.
struct SignalsBlocked {
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    sigset_t before_;
};
#endif

}  // namespace

Pool::Pool(int lanes) : wanted_(lanes), spins_(lanes <= available_cpus()) { start_workers(); }

void Pool::start_workers() {
    [[maybe_unused]] const SignalsBlocked blocked;
    try {
        workers_.reserve(static_cast<std::size_t>(wanted_ - 1));
        for (; lanes_ < wanted_; ++lanes_) workers_.emplace_back(&Pool::work, this, lanes_);
    } catch (const std::system_error&) {
        // No more threads to be had: fewer lanes share the same ranges.
    }
}

Pool::~Pool() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        stopping_ = true;
    }
    begin_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

template <class Ready>
void Pool::wait(std::condition_variable& signal, Ready ready) {
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    while (spins_ && std::chrono::steady_clock::now() < deadline) {
        for (int i = 0; i < 32; ++i) {
            if (ready()) return;
            relax();
        }
        // On a busy machine the thread that we wait for may be queued behind us on this very CPU: without this
        // an empty loop of two threads took 203 us beside a third busy one, with it 2 us.
        std::this_thread::yield();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    signal.wait(lock, ready);
}

void Pool::run(const Loop& loop) {
    loop_ = loop;
    error_ = nullptr;
    busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    {
        const std::lock_guard<std::mutex> lock(mutex_);  // a worker about to sleep sees the new count
        started_.fetch_add(1, std::memory_order_release);
    }
    begin_.notify_all();
    run_lane(0);
    wait(end_, [this] { return busy_.load(std::memory_order_acquire) == 0; });
    if (error_) std::rethrow_exception(error_);
}

void Pool::work(int lane) {
    for (std::uint64_t seen = 0;; ++seen) {
        wait(begin_, [&] { return started_.load(std::memory_order_acquire) != seen || stopping_; });
        if (stopping_) return;
        run_lane(lane);
        if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            const std::lock_guard<std::mutex> lock(mutex_);
            end_.notify_one();
        }
    }
}

void Pool::run_lane(int lane) {
    for (int range = lane; range < loop_.ranges; range += lanes_) {
        try {
            loop_.run(range);
        } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!error_ || range < error_range_) {
                error_ = std::current_exception();
                error_range_ = range;
            }
            return;
        }
    }
}

}  // namespace handgrad
