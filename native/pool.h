// The workers behind parallel_for.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "threads.h"

namespace handgrad {

// One parallel loop: `count` steps in `ranges` ranges whose lengths differ by 1 at most.
struct Loop {
    LoopBody body = nullptr;
    const void* context = nullptr;
    std::int64_t count = 0;
    int ranges = 0;

    std::int64_t begin(int range) const {
        const std::int64_t length = count / ranges, longer = count % ranges;
        return range * length + (range < longer ? range : longer);
    }
    void run(int range) const { body(context, begin(range), begin(range + 1), range); }
};

// Lane 0 is the thread that calls run(), every other lane is a worker that lives as long as the pool.
// Lane i runs ranges i, i + lanes, ...; where the system refuses a thread the remaining lanes take its share.
class Pool {
  public:
    explicit Pool(int lanes);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    int lanes() const { return wanted_; }
    void run(const Loop& loop);  // one caller at a time

  private:
    void start_workers();
    void work(int lane);
    void run_lane(int lane);
    template <class Ready>
    void wait(std::condition_variable& signal, Ready ready);

    const int wanted_;
    const bool spins_;
    std::vector<std::thread> workers_;
    Loop loop_;
    int lanes_ = 1;
    std::atomic<std::uint64_t> started_{0};  // loops begun so far
    std::atomic<int> busy_{0};               // workers that have not finished the present loop
    std::atomic<bool> stopping_{false};
    std::exception_ptr error_;
    int error_range_ = 0;
    std::mutex mutex_;
    std::condition_variable begin_, end_;
};

}  // namespace handgrad
