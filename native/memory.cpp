#include "memory.h"

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace handgrad {

namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t alignment(std::size_t size) { return size < kHugePage ? kLine : kHugePage; }

// Eight sizes to a doubling: at most an eighth of a block is wasted, and sizes that differ by little share blocks.
std::size_t size_class(std::size_t bytes) {
    std::size_t step = alignment(bytes);
    if (bytes >= 16 * step) step = std::max(step, std::bit_floor(bytes) / 8);
    return std::max<std::size_t>(1, (bytes + step - 1) / step) * step;
}

std::size_t quarter_of_memory() {
#if defined(_SC_PHYS_PAGES)
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
    if (pages > 0 && page > 0) return static_cast<std::size_t>(pages) / 4 * static_cast<std::size_t>(page);
#endif
    return std::size_t{1} << 30;
}

struct Idle {
    void* block;
    std::uint64_t since;
};

struct Shared {
    std::mutex mutex;
    std::map<std::size_t, std::vector<Idle>> idle;  // by size; the last given is the first taken
    std::unordered_map<void*, std::size_t> sizes;   // of the blocks in use
    MemoryState state;
    std::uint64_t clock = 0;
};

Shared* shared = nullptr;

// Never destroyed: arrays may outlive everything else at exit. A fork waits for the lock, so that the child
// finds whole lists and a lock that it may open.
Shared& memory() {
    static const bool ready = [] {
        shared = new Shared;
        shared->state.limit = quarter_of_memory();
#if !defined(_WIN32)
        pthread_atfork([] { shared->mutex.lock(); }, [] { shared->mutex.unlock(); }, [] { shared->mutex.unlock(); });
#endif
        return true;
    }();
    static_cast<void>(ready);
    return *shared;
}

void* from_system(std::size_t size) {
    void* block = ::operator new(size, std::align_val_t(alignment(size)));
#if defined(__linux__)
    if (size >= kHugePage) madvise(block, size, MADV_HUGEPAGE);  // advice: it may be refused
#endif
    return block;
}

void to_system(void* block, std::size_t size) { ::operator delete(block, std::align_val_t(alignment(size))); }

void drop_oldest(Shared& m) {
    auto oldest = m.idle.end();
    for (auto it = m.idle.begin(); it != m.idle.end(); ++it)
        if (oldest == m.idle.end() || it->second.front().since < oldest->second.front().since) oldest = it;
    to_system(oldest->second.front().block, oldest->first);
    m.state.idle -= oldest->first;
    oldest->second.erase(oldest->second.begin());
    if (oldest->second.empty()) m.idle.erase(oldest);
}

void shrink(Shared& m, std::size_t limit) {
    while (m.state.idle > limit) drop_oldest(m);
}

}  // namespace

void* take_block(std::size_t bytes) {
    const std::size_t size = size_class(bytes);
    Shared& m = memory();
    const std::lock_guard<std::mutex> lock(m.mutex);
    void* block;
    if (const auto found = m.idle.find(size); found != m.idle.end()) {
        block = found->second.back().block;
        m.sizes.emplace(block, size);  // before the list forgets it: this may throw
        found->second.pop_back();
        if (found->second.empty()) m.idle.erase(found);
        m.state.idle -= size;
        ++m.state.reused;
    } else {
        block = from_system(size);
        m.sizes.emplace(block, size);
        ++m.state.fresh;
    }
    m.state.in_use += size;
    return block;
}

void give_block(void* block) {
    if (block == nullptr) return;
    Shared& m = memory();
    const std::lock_guard<std::mutex> lock(m.mutex);
    const auto found = m.sizes.find(block);
    const std::size_t size = found->second;
    m.sizes.erase(found);
    m.idle[size].push_back({block, m.clock++});
    m.state.in_use -= size;
    m.state.idle += size;
    shrink(m, m.state.limit);
}

MemoryState memory_state() {
    Shared& m = memory();
    const std::lock_guard<std::mutex> lock(m.mutex);
    return m.state;
}

void empty_memory() {
    Shared& m = memory();
    const std::lock_guard<std::mutex> lock(m.mutex);
    shrink(m, 0);
}

void set_memory_limit(std::size_t bytes) {
    Shared& m = memory();
    const std::lock_guard<std::mutex> lock(m.mutex);
    m.state.limit = bytes;
    shrink(m, bytes);
}

}  // namespace handgrad
