// Distributed under the Boost Software License, Version 1.0.
#ifndef MODEL_WEAK_MEMORY_HPP
#define MODEL_WEAK_MEMORY_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

// An explorer of what the C++ memory model allows. It runs real code, whose atomics are replaced by model::atomic, in all
// executions that differ for the code: each order of steps that matters, and each value that a load may read.
//
// * Memory. Each word has its stores in modification order. A thread has a view: of each word, the oldest store that it may
//   still read. A load reads any store that its view allows. A release store carries the view of its thread, which an acquire
//   load adds to its own; a read-modify-write passes on what it has read, so that it continues a release sequence (that of
//   C++20: no plain store of the same thread does). Fences of acquire, release and seq_cst are those of C++20. A store may come before others in
//   modification order that its thread has not seen. This is the operational form of RC11 (Lahav et al., "Repairing Sequential
//   Consistency in C/C++11", PLDI 2017) by views, as in Kang et al., "A Promising Semantics for Relaxed-Memory Concurrency",
//   POPL 2017, without promises, and ORC11 (Dang et al., "RustBelt Meets Relaxed Memory", POPL 2020).
// * What it leaves out. No load reads a store that is later in program order and depends on it (load buffering, values out of
//   thin air): RC11 forbids that too. seq_cst accesses are acquire and release and nothing more, which allows more than C++
//   does. Each word is accessed in one size.
// * light() and heavy() are the asymmetric fences of P1202: each pair of which one is heavy() is ordered as two seq_cst fences
//   are, two light() are not.
// * Payload is written and read by write() and read(), which report data races: an access that does not happen after a
//   conflicting one of another thread, found by vector clocks.
// * futex_wait() compares and sleeps in one step. A wake is ordered with waits on its word alone. No wait ends by time, except where
//   a thread has died (below). When no thread can go on and one sleeps, that is a lost wake-up, and a fault.
// * A thread that is mortal may stop for good before each of its steps, up to `deaths` threads in all. A thread that succeeds
//   another one begins when that one has ended, and sees what it did, as a process sees it that takes the lock of a dead one.
//   For each death, all that sleep may wake once when nothing else can go on: the end of a wait slice.
//
// Executions are enumerated without remembering states: dynamic partial-order reduction with sleep sets and source sets
// (Abdulla et al., "Optimal Dynamic Partial Order Reduction", POPL 2014; the reads-from choices are those of CDSChecker, Norris
// and Demsky, OOPSLA 2013). A load that reads an older store commutes with newer ones, so no two explored executions differ
// only in that order; GenMC and RCMC (Kokologiannakis et al., PLDI 2019, POPL 2018) are built on the same thought.
namespace model {

using word = std::uint64_t;

/// Where an operation stands in the source.
struct site {
    char const* file;
    int line;
    char const* function;

    /// Where it is called. A function, since GCC 12 takes the place of a default argument that is an aggregate for its own.
    static constexpr site here(char const* file = __builtin_FILE(), int line = __builtin_LINE(),
                               char const* function = __builtin_FUNCTION())
    {
        return {file, line, function};
    }
};

#define MODEL_HERE ::model::site::here()

/// A fault that is put into one operation of the code, by its place in the source.
struct mutation {
    enum kind : std::uint8_t {
        none,
        no_acquire,  // its acquire is relaxed
        no_release,  // its release is relaxed
        no_fence,    // the fence is left out
        no_wake,     // the wake is left out
        late         // the store happens after the next step of its thread
    };
    std::string file;  // how the name ends
    int line = 0;
    kind what = none;
    std::string function;

    friend bool operator==(mutation const&, mutation const&) = default;
    friend auto operator<=>(mutation const&, mutation const&) = default;
    std::string name() const;           // file:line function: what
    std::string kind_of_place() const;  // file function: what
};

struct options {
    int deaths = 0;
    bool full_fences = false;             // membarrier(2) is refused: both asymmetric fences are full
    std::uint64_t most = ~std::uint64_t{0};  // executions; beyond that it gives up
    mutation fault{};
    bool list_sites = false;
};

struct report {
    std::string wrong;  // empty: nothing
    std::string trace;  // the steps of the execution that is wrong
    std::uint64_t executions = 0;
    std::uint64_t redundant = 0;  // begun, and found to be like another one
    std::uint64_t steps = 0;      // not counting those repeated to come back to a choice
    bool complete = false;        // all executions were seen
    std::vector<mutation> sites;  // what could be put in where this program comes by
};

/// What runs in each execution. It is made anew for each one and not destroyed: its memory, and all that is allocated
/// during an execution, is taken back as a whole.
class program {
public:
    virtual ~program() = default;
    virtual int threads() const = 0;
    virtual void run(int thread) = 0;
    virtual bool is_mortal(int) const { return false; }
    /// The thread that must have ended before this one begins; -1: none.
    virtual int succeeds(int) const { return -1; }
    /// Called when all threads have ended.
    virtual void finish() {}

    static void* operator new(std::size_t n);
    static void* operator new(std::size_t n, std::align_val_t alignment);
    static void operator delete(void*) {}
    static void operator delete(void*, std::align_val_t) {}
};

report explore(std::function<program*()> const& make, options const& how);

/// Ends this execution: what it has shown is wrong.
void fail(char const* what);
inline void expect(bool right, char const* what)
{
    if (!right)
        fail(what);
}
/// Whether this thread has died; for finish().
bool has_died(int thread);
int deaths();
/// Memory for the current execution.
void* allocate(std::size_t n, std::size_t alignment);
/// These bytes are mapped twice, back to back.
void map_twice(void const* at, std::size_t n);

word load(void const* at, unsigned size, std::memory_order, site);
void store(void const* at, unsigned size, word, std::memory_order, site);
enum class change : std::uint8_t { exchange, add, bit_or, bit_and };
word modify(void const* at, unsigned size, change, word, std::memory_order, site);
bool compare_exchange(void const* at, unsigned size, word& expected, word wanted, std::memory_order, std::memory_order, site);
void thread_fence(std::memory_order, site);
void light(site);
void heavy(site);
void futex_wait(void const* at, std::uint32_t seen, site);
void futex_wake(void const* at, site);
void write(void* at, word value, site = MODEL_HERE);
word read(void const* at, site = MODEL_HERE);
/// Reads a word of a message that may be overwritten meanwhile. The words since begin_copy() are one copy. When it turns out to
/// be whole and not to be overwritten before it was read, use_copy() says so: a store that does not happen after these reads
/// is a race from then on. (The model shows no load that is satisfied late, which such a store would need to do harm.)
void begin_copy();
word copied(void const* at, site = MODEL_HERE);
void use_copy();
bool try_lock(int which);
void unlock(int which);
/// Holds until this thread ends.
inline void hold(int which) { expect(try_lock(which), "a lock is held that should be free"); }

/// Stands for std::atomic. It has its size, and may lie in memory that was never constructed.
template <class T>
class atomic {
    static_assert(sizeof(T) <= 8 && std::is_integral_v<T>);

public:
    static constexpr bool is_always_lock_free = true;

    constexpr atomic() noexcept = default;
    constexpr atomic(T v) noexcept : first_(v) {}
    atomic(atomic const&) = delete;
    atomic& operator=(atomic const&) = delete;

    T load(std::memory_order o = std::memory_order_seq_cst, site s = MODEL_HERE) const noexcept
    {
        return static_cast<T>(model::load(this, sizeof(T), o, s));
    }
    void store(T v, std::memory_order o = std::memory_order_seq_cst, site s = MODEL_HERE) noexcept
    {
        model::store(this, sizeof(T), static_cast<word>(v), o, s);
    }
    T exchange(T v, std::memory_order o = std::memory_order_seq_cst, site s = MODEL_HERE) noexcept
    {
        return static_cast<T>(model::modify(this, sizeof(T), change::exchange, static_cast<word>(v), o, s));
    }
    T fetch_add(T v, std::memory_order o = std::memory_order_seq_cst, site s = MODEL_HERE) noexcept
    {
        return static_cast<T>(model::modify(this, sizeof(T), change::add, static_cast<word>(v), o, s));
    }
    T fetch_or(T v, std::memory_order o = std::memory_order_seq_cst, site s = MODEL_HERE) noexcept
    {
        return static_cast<T>(model::modify(this, sizeof(T), change::bit_or, static_cast<word>(v), o, s));
    }
    T fetch_and(T v, std::memory_order o = std::memory_order_seq_cst, site s = MODEL_HERE) noexcept
    {
        return static_cast<T>(model::modify(this, sizeof(T), change::bit_and, static_cast<word>(v), o, s));
    }
    bool compare_exchange_strong(T& expected, T wanted, std::memory_order success, std::memory_order failure,
                                 site s = MODEL_HERE) noexcept
    {
        word e = static_cast<word>(expected);
        bool const done = model::compare_exchange(this, sizeof(T), e, static_cast<word>(wanted), success, failure, s);
        expected = static_cast<T>(e);
        return done;
    }
    bool compare_exchange_strong(T& expected, T wanted, std::memory_order o = std::memory_order_seq_cst,
                                 site s = MODEL_HERE) noexcept
    {
        std::memory_order const failure = o == std::memory_order_acq_rel   ? std::memory_order_acquire
                                          : o == std::memory_order_release ? std::memory_order_relaxed
                                                                           : o;
        return compare_exchange_strong(expected, wanted, o, failure, s);
    }

private:
    T first_{};  // its value before anything is stored; nothing is written here
};

}  // namespace model

#endif
