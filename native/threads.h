// Threads: one setting, and a loop that they share.
#pragma once

#include <cstdint>
#include <memory>

namespace handgrad {

inline constexpr int kMaxThreads = 1024;  // far above any machine, far below what exhausts one

// The number that parallel loops use; the CPUs of this process unless set.
int num_threads();

// Throws std::invalid_argument for n outside 1..kMaxThreads, naming `argument`.
void set_num_threads(long long n, const char* argument = "num_threads");

// Reads HANDGRAD_NUM_THREADS; does nothing where it is unset or empty. Throws std::invalid_argument.
void set_num_threads_from_environment();

using LoopBody = void (*)(const void* context, std::int64_t begin, std::int64_t end, int slot);

void parallel_for(std::int64_t count, std::int64_t grain, LoopBody body, const void* context);

// Calls body(begin, end, slot) for consecutive ranges that cover 0..count once, and returns when all are done.
//
// There are at most num_threads() ranges, none shorter than `grain` unless count is. They depend on count,
// grain and num_threads() alone, never on which thread runs them: so do sums that a body keeps per slot.
// `slot` is the number of the range, below num_threads(), and no two ranges that run at once share it.
// A call from inside a body, or while another thread's loop has the workers, runs its ranges one by one.
// Where bodies throw, the exception of the lowest range arrives here after all threads have come to rest.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, const Body& body) {
    parallel_for(
        count, grain,
        [](const void* context, std::int64_t begin, std::int64_t end, int slot) {
            (*static_cast<const Body*>(context))(begin, end, slot);
        },
        std::addressof(body));
}

}  // namespace handgrad
