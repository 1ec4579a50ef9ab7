// Memory that is used again: the first touch of fresh pages costs more than most kernels compute.
#pragma once

#include <cstddef>
#include <cstdint>

namespace handgrad {

// A block of at least `bytes` bytes, aligned to 64 bytes, from 2 MB on to 2 MB with huge pages asked for.
// What is in it is left over from before. Throws std::bad_alloc. Thread safe, also across a fork.
void* take_block(std::size_t bytes);

// Gives a block back, to be handed out again. The oldest idle blocks go to the system where more than the limit
// would lie idle.
void give_block(void* block);

struct MemoryState {
    std::size_t in_use = 0;    // bytes handed out
    std::size_t idle = 0;      // bytes that wait to be handed out again
    std::size_t limit = 0;     // of idle bytes
    std::uint64_t reused = 0;  // requests that an idle block served
    std::uint64_t fresh = 0;   // requests that went to the system
};
MemoryState memory_state();

// Returns every idle block to the system.
void empty_memory();

// The limit is a quarter of the machine's memory unless set.
void set_memory_limit(std::size_t bytes);

// Whether a result of `count` numbers is gone from the caches before it is read: kernels then write past them. From 32 to
// 256 MB that took four to nine tenths of the time; at 16 MB it gained nothing.
template <class T>
constexpr bool beyond_caches(std::int64_t count) {
    return count * static_cast<std::int64_t>(sizeof(T)) >= std::int64_t{32} << 20;
}

// So many numbers, rounded up to whole cache lines: what threads share out of a block begins at lines, for a workspace that
// begins within one takes the tiles of AMX twice the time.
template <class T>
constexpr std::int64_t whole_lines(std::int64_t count) {
    constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
    return (count + line - 1) / line * line;
}

// A block for the length of a scope.
template <class T>
class Scratch {
  public:
    explicit Scratch(std::size_t count) : block_(static_cast<T*>(take_block(count * sizeof(T)))) {}
    ~Scratch() { give_block(block_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    T* get() const { return block_; }

  private:
    T* block_;
};

}  // namespace handgrad
