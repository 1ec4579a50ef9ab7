#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.h"
#include "threads.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using handgrad::parallel_for;
using handgrad::set_num_threads;
using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

namespace {

// The ranges by slot; one that never ran is (-1, -1). Each slot is written by one thread at most.
Ranges ranges_of(std::int64_t count, std::int64_t grain) {
    Ranges ranges(handgrad::num_threads(), {-1, -1});
    parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end, int slot) {
        CHECK((ranges[slot] == std::pair<std::int64_t, std::int64_t>{-1, -1}));
        ranges[slot] = {begin, end};
    });
    return ranges;
}

void covers_every_step_once() {
    for (const int threads : {1, 2, 3, 7})
        for (const std::int64_t count : {0, 1, 2, 3, 6, 7, 8, 100, 1001})
            for (const std::int64_t grain : {0, 1, 3, 10, 2000}) {
                set_num_threads(threads);
                std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
                parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end, int) {
                    for (auto i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
                });
                for (const auto& visit : visits) CHECK(visit == 1);
            }
}

void ranges_are_even_ordered_and_no_shorter_than_the_grain() {
    set_num_threads(4);
    CHECK((ranges_of(10, 1) == Ranges{{0, 3}, {3, 6}, {6, 8}, {8, 10}}));
    CHECK((ranges_of(10, 4) == Ranges{{0, 5}, {5, 10}, {-1, -1}, {-1, -1}}));
    CHECK((ranges_of(3, 4) == Ranges{{0, 3}, {-1, -1}, {-1, -1}, {-1, -1}}));
    CHECK((ranges_of(0, 1) == Ranges(4, {-1, -1})));
}

void many_loops_in_a_row_lose_no_wake_up() {
    for (const int threads : {2, 3, 16}) {  // workers spin only where each has a CPU of its own
        set_num_threads(threads);
        std::atomic<std::int64_t> sum{0};
        for (int loop = 0; loop < 5000; ++loop) {
            // Now and then longer than the workers spin, so that both ways of waking up are taken.
            if (loop % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
            parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end, int) { sum += end - begin; });
        }
        CHECK(sum == 5000 * threads);
    }
}

// Every range waits until all have begun, which needs as many threads.
bool run_together(int ranges) {
    std::atomic<int> begun{0};
    std::atomic<bool> late{false};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    parallel_for(ranges, 1, [&](std::int64_t, std::int64_t, int) {
        ++begun;
        while (begun < ranges && !late) {
            if (std::chrono::steady_clock::now() > deadline) late = true;
            std::this_thread::yield();
        }
    });
    return !late;
}

void a_change_of_the_setting_changes_the_number_of_workers() {
    for (const int threads : {2, 5, 3}) {
        set_num_threads(threads);
        CHECK(run_together(threads));
    }
}

void a_nested_loop_stays_on_its_thread() {
    set_num_threads(2);
    std::atomic<int> strays{0}, steps{0};
    parallel_for(2, 1, [&](std::int64_t, std::int64_t, int) {
        const auto outer = std::this_thread::get_id();
        parallel_for(10, 1, [&](std::int64_t begin, std::int64_t end, int) {
            if (std::this_thread::get_id() != outer) ++strays;
            steps += static_cast<int>(end - begin);
        });
    });
    CHECK(strays == 0);
    CHECK(steps == 20);
}

void two_callers_at_once_both_finish_with_the_same_ranges() {
    set_num_threads(3);
    const Ranges expected = ranges_of(100, 1);
    std::atomic<int> different{0};
    const auto repeat = [&] {
        for (int i = 0; i < 2000; ++i) different += ranges_of(100, 1) != expected;
    };
    std::thread other(repeat);
    repeat();
    other.join();
    CHECK(different == 0);
}

void the_exception_of_the_lowest_range_arrives_after_all_came_to_rest() {
    set_num_threads(4);
    for (int i = 0; i < 200; ++i) {
        std::atomic<int> running{0};
        std::string caught;
        try {
            parallel_for(4, 1, [&](std::int64_t, std::int64_t, int slot) {
                ++running;
                if (slot == 3) std::this_thread::sleep_for(std::chrono::microseconds(50));
                --running;
                if (slot > 0) throw std::runtime_error("range " + std::to_string(slot));
            });
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        CHECK(caught == "range 1");
        CHECK(running == 0);
    }
    CHECK((ranges_of(8, 1) == Ranges{{0, 2}, {2, 4}, {4, 6}, {6, 8}}));  // and the pool still works
}

void the_number_of_threads_is_checked_and_kept() {
    set_num_threads(5);
    for (const long long wrong : {0LL, -3LL, 1025LL}) {
        std::string caught;
        try {
            set_num_threads(wrong);
        } catch (const std::invalid_argument& error) {
            caught = error.what();
        }
        CHECK(caught == "num_threads must be a whole number from 1 to 1024, got " + std::to_string(wrong));
        CHECK(handgrad::num_threads() == 5);
    }
}

#if !defined(_WIN32)
// Runs `body` in a child process; true where it returned true.
template <class Body>
bool in_a_child(const Body& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body() ? 0 : 1);
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void a_forked_child_has_workers_of_its_own() {
    set_num_threads(3);
    CHECK(run_together(3));
    CHECK(in_a_child([] { return handgrad::num_threads() == 3 && run_together(3); }));
    CHECK(run_together(3));
}

void where_threads_run_out_the_others_share_the_ranges() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return;  // a sanitizer's own maps need more room than this leaves
#endif
    CHECK(in_a_child([] {
        set_num_threads(500);
        const rlimit room{512u << 20, 512u << 20};  // for some dozens of stacks of 8 MB
        if (setrlimit(RLIMIT_AS, &room) != 0) return false;
        const Ranges ranges = ranges_of(1000, 1);
        for (int i = 0; i < 500; ++i)
            if (ranges[i] != std::pair<std::int64_t, std::int64_t>{2 * i, 2 * i + 2}) return false;
        return true;
    }));
}
#endif

}  // namespace

int main() {
    covers_every_step_once();
    ranges_are_even_ordered_and_no_shorter_than_the_grain();
    many_loops_in_a_row_lose_no_wake_up();
    a_change_of_the_setting_changes_the_number_of_workers();
    a_nested_loop_stays_on_its_thread();
    two_callers_at_once_both_finish_with_the_same_ranges();
    the_exception_of_the_lowest_range_arrives_after_all_came_to_rest();
    the_number_of_threads_is_checked_and_kept();
#if !defined(_WIN32)
    a_forked_child_has_workers_of_its_own();
    where_threads_run_out_the_others_share_the_ranges();
#endif
    return failed();
}
