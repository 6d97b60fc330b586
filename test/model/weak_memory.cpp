// Distributed under the Boost Software License, Version 1.0.
#include "weak_memory.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define MODEL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MODEL_ASAN 1
#endif
#endif
#ifdef MODEL_ASAN
extern "C" void __asan_unpoison_memory_region(void const volatile* at, std::size_t n);
#endif

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace model {
namespace {

// Stacks of their own for the threads of a program. They change by turns, in one thread of the system.
class fiber {
public:
    static constexpr std::size_t stack_bytes = 128 << 10;

    fiber() = default;
    fiber(fiber const&) = delete;
    fiber& operator=(fiber const&) = delete;

    void prepare(void (*entry)())
    {
        if (!stack_)
            stack_ = static_cast<char*>(std::aligned_alloc(4096, stack_bytes));
#ifdef MODEL_ASAN
        __asan_unpoison_memory_region(stack_, stack_bytes);
#endif
#if defined(__x86_64__)
        auto* top = reinterpret_cast<std::uint64_t*>(stack_ + stack_bytes);
        *--top = 0;  // where entry() would return to: it does not
        *--top = reinterpret_cast<std::uint64_t>(entry);
        top -= 6;
        sp_ = top;
#else
        ::getcontext(&context_);
        context_.uc_stack = {.ss_sp = stack_, .ss_flags = 0, .ss_size = stack_bytes};
        context_.uc_link = nullptr;
        ::makecontext(&context_, entry, 0);
#endif
    }

    void switch_to(fiber& other)
    {
#if defined(__x86_64__)
        change(&sp_, other.sp_);
#else
        ::swapcontext(&context_, &other.context_);
#endif
    }

private:
#if defined(__x86_64__)
    // Stores the registers that a call preserves below the stack pointer, and loads those of the other stack.
    [[gnu::naked, gnu::noinline]] static void change(void** /*from*/, void* /*to*/)
    {
        asm("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
            "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
            "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tretq");
    }
    void* sp_ = nullptr;
#else
    ::ucontext_t context_;
#endif
    char* stack_ = nullptr;
};

constexpr int setup = 6;  // what the program does before its threads, of which there are fewer, begin
constexpr int clocks = 8;
constexpr int most_words = 120;
constexpr std::size_t most_steps = 2000;
constexpr std::int16_t gap = 64;  // between neighbours in modification order

// Of each word the oldest store that may be read, by its place in modification order; and what happened before, as the
// number of steps of each thread.
struct view {
    std::array<std::int16_t, most_words> word;
    std::array<std::int16_t, clocks> clock;

    void add(view const& o, int words)
    {
        for (int i = 0; i < words; ++i)
            word[static_cast<std::size_t>(i)] = std::max(word[static_cast<std::size_t>(i)], o.word[static_cast<std::size_t>(i)]);
        for (std::size_t i = 0; i != clocks; ++i)
            clock[i] = std::max(clock[i], o.clock[i]);
    }
};

using label = std::uint32_t;  // a choice: the store that is read or follows in modification order; or one of these
constexpr label only = 0xffff'fff0;
constexpr label dies = 0xffff'fff1;

struct stored {
    word value;
    std::int16_t at;  // in modification order
    bool modifies;    // a read-modify-write: nothing comes between it and the one before
    bool plain;
    std::int8_t thread;
    std::int16_t clock;
    label name;
    view carried;
};

struct place {
    void const* address;
    int count = 0;
    std::array<stored, 40> all;  // in modification order
    view woken;                  // what wakes of this futex have published
    std::array<std::int16_t, clocks> read_clock{}, plain_read_clock{}, store_clock{};
    bool has_plain = false;
    std::int8_t plain_thread = 0;
    std::int16_t plain_clock = 0;

    bool has_room_behind(int i) const { return i + 1 == count || !all[static_cast<std::size_t>(i + 1)].modifies; }
};

enum class kind : std::uint8_t {
    begin, load, store, modify, compare, fence, light, heavy, wait, wake, resume, plain_write, plain_read, lock, unlock, end, time
};
constexpr char const* names[] = {"begin", "load", "store", "modify", "compare", "fence", "light", "heavy", "wait", "wake",
                                 "awake", "write", "read", "lock", "unlock", "end", "slices end"};

struct operation {
    kind what = kind::begin;
    int at = -1;  // word, or lock
    std::memory_order order = std::memory_order_relaxed;
    std::memory_order failure = std::memory_order_relaxed;
    change how = change::exchange;
    word value = 0;
    word expected = 0;
    site where{};
    mutation::kind fault = mutation::none;
};

bool acquires(std::memory_order o) { return o == std::memory_order_acquire || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst; }
bool releases(std::memory_order o) { return o == std::memory_order_release || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst; }
std::memory_order without_acquire(std::memory_order o)
{
    return o == std::memory_order_acq_rel || o == std::memory_order_seq_cst ? std::memory_order_release
           : o == std::memory_order_acquire                                   ? std::memory_order_relaxed
                                                                              : o;
}
std::memory_order without_release(std::memory_order o)
{
    return o == std::memory_order_acq_rel || o == std::memory_order_seq_cst ? std::memory_order_acquire
           : o == std::memory_order_release                                   ? std::memory_order_relaxed
                                                                              : o;
}

constexpr std::size_t most_choices = 24;
struct choices {
    std::array<label, most_choices> all;
    std::size_t count = 0;
    void add(label l)
    {
        if (count == most_choices) {
            std::fputs("model: too many choices of one step\n", stderr);
            std::abort();
        }
        all[count++] = l;
    }
    bool has(label l) const { return std::find(all.begin(), all.begin() + count, l) != all.begin() + count; }
};

// What the reduction needs of a step, or of one that is to come.
struct footprint {
    kind what;
    std::int16_t at;
    bool reads, writes;
    bool full;  // a fence that is ordered with all other full ones
};

struct asleep {
    std::int8_t thread;
    label choice;
    footprint print;
};

struct node {
    std::int8_t thread = 0;
    label choice = 0;
    bool chosen = false;  // false: the thread is known, and its choice is made when the execution comes here
    bool fresh = true;    // its races are not looked for yet
    std::uint8_t can_run = 0;
    std::uint8_t wanted = 0, tried = 0;
    footprint print{};
    label read = only, wrote = only;
    std::array<std::int16_t, clocks> clock{};  // of the order that matters to the reduction
    std::vector<asleep> sleep, explored;
    choices left;  // of the thread
    // For the trace.
    word value = 0;
    site where{};
};

enum class status : std::uint8_t { waiting_for_other, ready, sleeping, ended, dead };

struct thread {
    fiber stack;
    status is = status::ready;
    operation next;
    view now, acquired, released;
    label made = 0;       // stores so far
    std::int16_t steps = 0;
    int last_node = -1;   // of its own
    int woken_by = -1;    // the node that made it ready
    bool has_late = false;
    operation late;
    int copied = 0;  // words of its last copy, and when each was read
    std::array<std::pair<std::int16_t, std::int16_t>, 8> copy;
    word result = 0;
    bool success = false;
};

bool ends_with(char const* text, std::string const& end)
{
    std::string_view const t(text);
    return t.size() >= end.size() && t.substr(t.size() - end.size()) == end;
}

std::string short_name(char const* file)
{
    std::string_view s(file);
    std::size_t slash = s.rfind('/');
    if (slash != s.npos && slash != 0)
        slash = s.rfind('/', slash - 1);
    return std::string(slash == s.npos ? s : s.substr(slash + 1));
}

class explorer {
public:
    report run(std::function<program*()> const& make, options const& how)
    {
        make_ = &make;
        how_ = how;
        path_.clear();
        depth_ = 0;
        out_ = {};
        for (;;) {
            execute();
            if (!wrong_.empty())
                break;
            if (!back_up()) {
                out_.complete = true;
                break;
            }
            if (out_.executions + out_.redundant >= how_.most)
                break;
        }
        out_.wrong = wrong_;
        if (!wrong_.empty())
            out_.trace = trace();
        for (auto const& [file, line, what, function] : sites_)
            out_.sites.push_back({file, line, static_cast<mutation::kind>(what), function});
        sites_.clear();
        wrong_.clear();
        return out_;
    }

    // From here on: called by the program.

    bool is_fault_at(site const& s, mutation::kind k)
    {
        if (how_.list_sites) {
            bool const was = std::exchange(in_program_, false);
            sites_.insert({short_name(s.file), s.line, static_cast<int>(k), s.function});
            in_program_ = was;
        }
        return how_.fault.what == k && how_.fault.line == s.line && ends_with(s.file, how_.fault.file);
    }

    std::memory_order changed(std::memory_order o, site const& s)
    {
        if (acquires(o) && is_fault_at(s, mutation::no_acquire))
            o = without_acquire(o);
        if (releases(o) && is_fault_at(s, mutation::no_release))
            o = without_release(o);
        return o;
    }

    int word_at(void const* address, unsigned size)
    {
        auto at = reinterpret_cast<std::uintptr_t>(address);
        if (at - twice_ < 2 * twice_bytes_ && at - twice_ >= twice_bytes_)
            at -= twice_bytes_;
        std::size_t h = (at >> 2) * 0x9e37'79b9'7f4a'7c15U >> 54;
        for (;; h = (h + 1) % table_.size()) {
            slot& found = table_[h];
            if (found.generation != generation_) {
                if (words_ == most_words) {
                    std::fputs("model: too many words\n", stderr);
                    std::abort();
                }
                found = {generation_, at, words_};
                break;
            }
            if (found.address == at)
                return found.index;
        }
        place& p = places_[static_cast<std::size_t>(words_)];
        p.address = reinterpret_cast<void const*>(at);
        p.count = 1;
        p.read_clock = p.plain_read_clock = p.store_clock = {};
        p.has_plain = false;
        stored& first = p.all[0];
        first.value = 0;
        std::memcpy(&first.value, reinterpret_cast<void const*>(at), size);
        first.at = 0;
        first.modifies = first.plain = false;
        first.thread = setup;
        first.clock = 0;
        first.name = static_cast<label>(setup) << 16;
        first.carried = {};
        p.woken = {};
        return words_++;
    }

    // Does one step of the thread that runs, when it is its turn.
    void step(operation const& o)
    {
        in_program_ = false;
        if (running_ == setup) {
            threads_[setup].next = o;
            choices const c = choices_of(setup);
            perform(setup, c.all[0], nullptr);
        } else {
            step_of_thread(o);
        }
        in_program_ = true;
    }

private:
    void step_of_thread(operation const& o)
    {
        int const me = running_;
        thread& t = threads_[static_cast<std::size_t>(me)];
        if (t.has_late) {
            t.has_late = false;
            operation const late = t.late;
            step_now(me, o);
            word const result = t.result;
            bool const success = t.success;
            step_now(me, late);
            t.result = result;
            t.success = success;
        } else if (o.fault == mutation::late) {
            t.has_late = true;
            t.late = o;
        } else {
            step_now(me, o);
        }
    }

public:
    word result() const { return threads_[static_cast<std::size_t>(running_)].result; }
    bool success() const { return threads_[static_cast<std::size_t>(running_)].success; }

    // Acquire and release fences are seen by their own thread alone.
    void own_fence(std::memory_order o)
    {
        thread& t = threads_[static_cast<std::size_t>(running_)];
        if (acquires(o))
            t.now = t.acquired;
        if (releases(o))
            t.released = t.now;
    }

    [[noreturn]] void fail(char const* what)
    {
        in_program_ = false;
        wrong_ = what;
        leave();
    }

    void begin_copy() { threads_[static_cast<std::size_t>(running_)].copied = 0; }
    void note_copied(int at)
    {
        thread& t = threads_[static_cast<std::size_t>(running_)];
        if (t.copied != static_cast<int>(t.copy.size()))
            t.copy[static_cast<std::size_t>(t.copied++)] = {static_cast<std::int16_t>(at), t.steps};
    }
    void use_copy()
    {
        thread& t = threads_[static_cast<std::size_t>(running_)];
        for (int k = 0; k != t.copied; ++k) {
            auto const [at, when] = t.copy[static_cast<std::size_t>(k)];
            places_[static_cast<std::size_t>(at)].plain_read_clock[static_cast<std::size_t>(running_)] = when;
        }
    }

    bool is_running() const { return in_program_; }
    bool has_died(int i) const { return threads_[static_cast<std::size_t>(i)].is == status::dead; }
    int deaths() const { return deaths_; }
    bool full_fences() const { return how_.full_fences; }

    void* allocate(std::size_t n, std::size_t alignment)
    {
        used_ = (used_ + alignment - 1) / alignment * alignment;
        void* const at = arena() + used_;
        used_ += n;
        if (used_ > arena_bytes) {
            std::fputs("model: too little memory for one execution\n", stderr);
            std::abort();
        }
        return at;
    }
    static bool is_own(void const* p)
    {
        return arena_ && reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(arena_) < arena_bytes;
    }

    void map_twice(void const* at, std::size_t n)
    {
        twice_ = reinterpret_cast<std::uintptr_t>(at);
        twice_bytes_ = n;
    }

    static explorer& one()
    {
        static explorer e;
        return e;
    }

private:
    static constexpr std::size_t arena_bytes = 4 << 20;
    static char* arena()
    {
        if (!arena_)
            arena_ = static_cast<char*>(std::aligned_alloc(4096, arena_bytes));
        return arena_;
    }

    static void entry()
    {
        explorer& e = one();
        int const me = e.running_;
        e.in_program_ = true;
        e.program_->run(me);
        e.in_program_ = false;
        thread& t = e.threads_[static_cast<std::size_t>(me)];
        if (t.has_late) {
            t.has_late = false;
            e.step_now(me, t.late);
        }
        e.step_now(me, {.what = kind::end});
        std::abort();
    }

    [[noreturn]] void leave()
    {
        if (running_ == setup) {
            std::fputs("model: the program fails before its threads begin\n", stderr);
            std::abort();
        }
        fiber& from = threads_[static_cast<std::size_t>(running_)].stack;
        running_ = setup;
        from.switch_to(main_);
        std::abort();
    }

    void execute()
    {
        depth_ = 0;
        words_ = 0;
        if (++generation_ == 0)
            std::abort();
        used_ = 0;
        twice_ = twice_bytes_ = 0;
        deaths_ = slices_ = 0;
        all_fences_ = heavy_fences_ = light_fences_ = {};
        locks_.fill(-1);
        running_ = setup;
        for (view& v : lock_views_)
            v = {};
        reset(threads_[setup]);
        in_program_ = true;
        program_ = (*make_)();
        in_program_ = false;
        count_ = program_->threads();
        for (int i = 0; i != count_; ++i) {
            thread& t = threads_[static_cast<std::size_t>(i)];
            reset(t);
            t.now = threads_[setup].now;
            t.acquired = t.now;
            t.stack.prepare(&entry);
            if (program_->succeeds(i) >= 0)
                t.is = status::waiting_for_other;
        }
        int const next = choose(-1);
        if (next >= 0) {
            running_ = next;
            main_.switch_to(threads_[static_cast<std::size_t>(next)].stack);
        }
        running_ = setup;
        if (wrong_.empty()) {
            if (cut_) {
                ++out_.redundant;
            } else {
                ++out_.executions;
                check_end();
            }
        }
    }

    static void reset(thread& t)
    {
        t.is = status::ready;
        t.next = {};
        t.now = t.acquired = t.released = {};
        t.made = 0;
        t.steps = 0;
        t.last_node = t.woken_by = -1;
        t.has_late = false;
        t.copied = 0;
    }

    void check_end()
    {
        for (int i = 0; i != count_; ++i)
            if (threads_[static_cast<std::size_t>(i)].is == status::sleeping) {
                wrong_ = "a thread sleeps for ever: a wake-up is lost";
                return;
            }
        finishing_ = true;
        program_->finish();
        finishing_ = false;
    }

public:
    // fail() in finish().
    void note(char const* what)
    {
        if (wrong_.empty())
            wrong_ = what;
    }
    bool is_finishing() const { return finishing_; }

private:
    void step_now(int me, operation const& o)
    {
        thread& t = threads_[static_cast<std::size_t>(me)];
        t.next = o;
        for (;;) {
            int const next = choose(me);
            if (next != me) {
                if (next < 0)
                    leave();
                running_ = next;
                t.stack.switch_to(threads_[static_cast<std::size_t>(next)].stack);
            }
            // It is our turn, with the choice of this node.
            node& n = path_[static_cast<std::size_t>(depth_)];
            label const choice = n.choice;
            ++depth_;
            perform(me, choice, &n);
            if (t.is == status::ready)
                return;
            if (t.is == status::sleeping)
                t.next = {.what = kind::resume};
        }
    }

    // A thread that has not begun is at its entry: its step `begin` is done here.
    void begin_if_new(int i)
    {
        thread& t = threads_[static_cast<std::size_t>(i)];
        if (t.next.what != kind::begin)
            return;
        node& n = path_[static_cast<std::size_t>(depth_)];
        ++depth_;
        perform(i, n.choice, &n);
    }

    // Who runs next; -1: the execution is over, or cut_.
    int choose(int last)
    {
        cut_ = false;
        for (;;) {
            int const i = pick(last);
            if (i < 0)
                return i;
            if (i == setup) {
                let_time_pass();
                continue;
            }
            thread& t = threads_[static_cast<std::size_t>(i)];
            if (path_[static_cast<std::size_t>(depth_)].choice == dies) {
                node& n = path_[static_cast<std::size_t>(depth_)];
                ++depth_;
                t.is = status::dead;
                ++deaths_;
                after_end(i, &n);
                continue;
            }
            if (t.next.what == kind::begin) {
                begin_if_new(i);
                // Its stack is fresh: it goes on to its first step, and comes back to choose() there.
                t.next.what = kind::resume;
                t.next.at = -2;
                return i;
            }
            return i;
        }
    }

    std::uint8_t runnable() const
    {
        unsigned set = 0;
        for (int i = 0; i != count_; ++i)
            if (threads_[static_cast<std::size_t>(i)].is == status::ready)
                set |= 1U << i;
        return static_cast<std::uint8_t>(set);
    }

    int pick(int last)
    {
        if (depth_ != static_cast<int>(path_.size())) {
            node& n = path_[static_cast<std::size_t>(depth_)];
            if (!n.chosen) {
                n.left = choices_of(n.thread);
                return take_choice(n) ? n.thread : cut();
            }
            return n.thread;
        }
        std::uint8_t const can = runnable();
        bool any_sleeps = false;
        for (int i = 0; i != count_; ++i)
            any_sleeps = any_sleeps || threads_[static_cast<std::size_t>(i)].is == status::sleeping;
        if (can == 0 && !(any_sleeps && slices_ < deaths_))
            return -1;
        if (path_.size() == most_steps) {
            wrong_ = "an execution does not end";
            return -1;
        }
        path_.emplace_back();
        node& n = path_.back();
        n.can_run = can;
        if (depth_ > 0)
            inherit_sleep(path_[static_cast<std::size_t>(depth_ - 1)], n);
        if (can == 0) {
            n.thread = setup;
            n.choice = only;
            n.chosen = true;
            n.tried = 0xff;
            return setup;
        }
        for (int k = -1; k != count_; ++k) {
            int const i = k < 0 ? last : k;
            if (i < 0 || (can >> i & 1) == 0)
                continue;
            n.thread = static_cast<std::int8_t>(i);
            n.left = choices_of(i);
            if (take_choice(n)) {
                n.wanted = static_cast<std::uint8_t>(1U << i);
                return i;
            }
        }
        n.tried = 0xff;
        return cut();
    }

    int cut()
    {
        cut_ = true;
        return -1;
    }

    static bool sleeps(node const& n, label l)
    {
        for (auto const* list : {&n.sleep, &n.explored})
            for (asleep const& a : *list)
                if (a.thread == n.thread && a.choice == l)
                    return true;
        return false;
    }

    // The next choice of the node's thread that is not like one that was explored; newest stores first.
    bool take_choice(node& n)
    {
        for (std::size_t i = 0; i != n.left.count; ++i)
            if (label const l = n.left.all[i]; !sleeps(n, l)) {
                n.choice = l;
                n.chosen = n.fresh = true;
                return true;
            }
        return false;
    }

    static footprint print_of(operation const& o)
    {
        bool const fence = o.what == kind::fence || o.what == kind::heavy;
        switch (o.what) {
        case kind::load: return {o.what, static_cast<std::int16_t>(o.at), true, false, false};
        case kind::store: return {o.what, static_cast<std::int16_t>(o.at), false, true, false};
        case kind::modify:
        case kind::compare: return {o.what, static_cast<std::int16_t>(o.at), true, true, false};
        case kind::wait: return {o.what, static_cast<std::int16_t>(o.at), true, false, false};
        default: return {o.what, static_cast<std::int16_t>(o.at), false, false, fence};
        }
    }

    // Whether two steps of different threads do not commute; of a read and a write, whether the one has read the other, is
    // known only when both are done.
    static bool conflict(footprint const& a, footprint const& b)
    {
        if (a.full && b.full)
            return true;
        if ((a.what == kind::light && b.what == kind::heavy) || (a.what == kind::heavy && b.what == kind::light))
            return true;
        bool const a_lock = a.what == kind::lock || a.what == kind::unlock;
        bool const b_lock = b.what == kind::lock || b.what == kind::unlock;
        if (a_lock || b_lock)
            return (a_lock || a.what == kind::end) && (b_lock || b.what == kind::end);
        if (a.at != b.at || a.at < 0)
            return false;
        if (a.writes && b.writes)
            return true;
        bool const a_futex = a.what == kind::wait || a.what == kind::wake;
        bool const b_futex = b.what == kind::wait || b.what == kind::wake;
        return a_futex && b_futex && (a.what == kind::wake || b.what == kind::wake);
    }

    void inherit_sleep(node const& before, node& n)
    {
        if (before.thread == setup)
            return;
        for (auto const* list : {&before.sleep, &before.explored})
            for (asleep const& a : *list)
                if (a.thread != before.thread && !conflict(a.print, before.print))
                    n.sleep.push_back(a);
    }

    // Makes the next choice anew, as late as possible. False: all has been explored.
    bool back_up()
    {
        while (!path_.empty()) {
            node& n = path_.back();
            if (n.thread != setup && n.chosen) {
                n.explored.push_back({n.thread, n.choice, n.print});
                if (take_choice(n))
                    return true;
            }
            n.tried = static_cast<std::uint8_t>(n.tried | 1U << n.thread);
            if (unsigned const more = n.wanted & ~unsigned{n.tried} & n.can_run; more != 0) {
                int i = 0;
                while ((more >> i & 1) == 0)
                    ++i;
                n.thread = static_cast<std::int8_t>(i);
                n.chosen = false;
                n.fresh = true;
                return true;
            }
            path_.pop_back();
        }
        return false;
    }

    choices choices_of(int i)
    {
        thread& t = threads_[static_cast<std::size_t>(i)];
        operation const& o = t.next;
        choices c;
        if (o.what == kind::load || o.what == kind::wait || o.what == kind::store || o.what == kind::modify || o.what == kind::compare) {
            place const& p = places_[static_cast<std::size_t>(o.at)];
            std::int16_t from = t.now.word[static_cast<std::size_t>(o.at)];
            if (o.what == kind::wait)
                from = std::max(from, p.woken.word[static_cast<std::size_t>(o.at)]);
            for (int k = p.count - 1; k >= 0; --k) {
                stored const& s = p.all[static_cast<std::size_t>(k)];
                if (s.at < from)
                    break;
                bool const needs_room = o.what == kind::store || o.what == kind::modify ||
                                        (o.what == kind::compare && s.value == o.expected);
                if (!needs_room || p.has_room_behind(k))
                    c.add(s.name);
            }
        } else {
            c.add(only);
        }
        if (i != setup && deaths_ < how_.deaths && o.what != kind::end && o.what != kind::resume && program_->is_mortal(i))
            c.add(dies);
        return c;
    }

    // One step. `n` is null before the threads begin.
    void perform(int i, label choice, node* n)
    {
        thread& t = threads_[static_cast<std::size_t>(i)];
        operation const& o = t.next;
        if (n) {
            n->where = o.where;
            n->value = o.value;
        }
        std::int16_t const now = ++t.steps;
        t.now.clock[static_cast<std::size_t>(i)] = t.acquired.clock[static_cast<std::size_t>(i)] = now;
        label read = only;
        label wrote = only;
        bool writes = false;
        t.success = true;
        switch (o.what) {
        case kind::load:
        case kind::wait: {
            place& p = places_[static_cast<std::size_t>(o.at)];
            stored const& s = find(p, choice);
            read = choice;
            t.result = s.value;
            if (o.what == kind::wait)
                add(t, p.woken);
            receive(i, p, o.at, s, o.order);
            if (o.what == kind::wait && s.value == o.expected)
                t.is = status::sleeping;
            break;
        }
        case kind::store: {
            place& p = places_[static_cast<std::size_t>(o.at)];
            stored& s = insert(i, p, o.at, choice, o.value, false);
            s.carried = releases(o.order) ? t.now : t.released;
            s.carried.word[static_cast<std::size_t>(o.at)] = s.at;
            wrote = s.name;
            writes = true;
            break;
        }
        case kind::modify:
        case kind::compare: {
            place& p = places_[static_cast<std::size_t>(o.at)];
            stored const& s = find(p, choice);
            read = choice;
            t.result = s.value;
            if (o.what == kind::compare && s.value != o.expected) {
                t.success = false;
                receive(i, p, o.at, s, o.failure);
                break;
            }
            view const passed_on = s.carried;
            word const v = o.what == kind::compare          ? o.value
                           : o.how == change::exchange ? o.value
                           : o.how == change::add      ? s.value + o.value
                           : o.how == change::bit_or   ? (s.value | o.value)
                                                       : (s.value & o.value);
            receive(i, p, o.at, s, o.order);
            stored& made = insert(i, p, o.at, choice, v, true);
            made.carried = releases(o.order) ? t.now : t.released;
            made.carried.add(passed_on, words_);
            made.carried.word[static_cast<std::size_t>(o.at)] = made.at;
            wrote = made.name;
            writes = true;
            break;
        }
        case kind::fence:
            t.now = t.acquired;
            add(t, all_fences_);
            all_fences_.add(t.now, words_);
            t.released = t.now;
            break;
        case kind::light:
            light_fences_.add(t.acquired, words_);
            add(t, heavy_fences_);
            break;
        case kind::heavy:
            t.now = t.acquired;
            add(t, all_fences_);
            add(t, light_fences_);
            all_fences_.add(t.now, words_);
            heavy_fences_.add(t.now, words_);
            t.released = t.now;
            break;
        case kind::wake:
            places_[static_cast<std::size_t>(o.at)].woken.add(t.now, words_);
            for (int k = 0; k != count_; ++k) {
                thread& other = threads_[static_cast<std::size_t>(k)];
                if (other.is == status::sleeping && sleeps_at_[static_cast<std::size_t>(k)] == o.at) {
                    other.is = status::ready;
                    other.woken_by = depth_ - 1;
                }
            }
            break;
        case kind::plain_write: {
            place& p = places_[static_cast<std::size_t>(o.at)];
            for (std::size_t k = 0; k != clocks; ++k)
                if (std::max({p.read_clock[k], p.plain_read_clock[k], p.store_clock[k]}) > t.now.clock[k])
                    fail("a data race on a message");
            stored& s = insert(i, p, o.at, p.all[static_cast<std::size_t>(p.count - 1)].name, o.value, false);
            s.plain = true;
            s.carried = t.released;
            s.carried.word[static_cast<std::size_t>(o.at)] = s.at;
            p.has_plain = true;
            p.plain_thread = static_cast<std::int8_t>(i);
            p.plain_clock = now;
            break;
        }
        case kind::plain_read: {
            place& p = places_[static_cast<std::size_t>(o.at)];
            for (std::size_t k = 0; k != clocks; ++k)
                if (p.store_clock[k] > t.now.clock[k])
                    fail("a data race on a message");
            p.plain_read_clock[static_cast<std::size_t>(i)] = now;
            t.result = p.all[static_cast<std::size_t>(p.count - 1)].value;
            break;
        }
        case kind::lock:
            t.success = locks_[static_cast<std::size_t>(o.at)] < 0;
            if (t.success) {
                locks_[static_cast<std::size_t>(o.at)] = static_cast<std::int8_t>(i);
                add(t, lock_views_[static_cast<std::size_t>(o.at)]);
            }
            break;
        case kind::unlock:
            locks_[static_cast<std::size_t>(o.at)] = -1;
            lock_views_[static_cast<std::size_t>(o.at)] = t.now;
            break;
        case kind::end: t.is = status::ended; break;
        default: break;
        }
        if (o.what == kind::wait && t.is == status::sleeping)
            sleeps_at_[static_cast<std::size_t>(i)] = o.at;
        if (!n)
            return;
        n->value = o.what == kind::store || o.what == kind::plain_write ? o.value : t.result;
        n->where = o.where;
        footprint print = print_of(o);
        n->read = read;
        n->wrote = wrote;
        if (n->fresh) {
            ++out_.steps;
            n->print = print;
            look_for_races(i, *n, writes);
            n->fresh = false;
        }
        t.last_node = depth_ - 1;
        if (o.what == kind::end)
            after_end(i, nullptr);
    }

    // The thread has ended or died: its locks are free, and its successor may begin. `n` is the node of a death.
    void after_end(int i, node* n)
    {
        thread& t = threads_[static_cast<std::size_t>(i)];
        if (n) {
            n->where = {};
            n->value = 0;
            n->read = n->wrote = only;
            if (n->fresh) {
                ++out_.steps;
                n->print = {kind::end, -1, false, false, false};
                look_for_races(i, *n, false);
                n->fresh = false;
            }
            t.last_node = depth_ - 1;
        }
        for (std::size_t k = 0; k != locks_.size(); ++k)
            if (locks_[k] == i) {
                locks_[k] = -1;
                lock_views_[k] = t.now;
            }
        for (int k = 0; k != count_; ++k) {
            thread& other = threads_[static_cast<std::size_t>(k)];
            if (other.is == status::waiting_for_other && program_->succeeds(k) == i) {
                other.is = status::ready;
                other.woken_by = depth_ - 1;
                other.now.add(t.now, words_);
                other.acquired = other.now;
            }
        }
    }

    void let_time_pass()
    {
        node& n = path_[static_cast<std::size_t>(depth_)];
        ++depth_;
        ++slices_;
        n.print = {kind::time, -1, false, false, false};
        n.where = {};
        if (n.fresh)
            for (node const& e : path_)
                for (std::size_t k = 0; k != clocks; ++k)
                    n.clock[k] = std::max(n.clock[k], e.clock[k]);
        n.fresh = false;
        for (int k = 0; k != count_; ++k) {
            thread& other = threads_[static_cast<std::size_t>(k)];
            if (other.is == status::sleeping) {
                other.is = status::ready;
                other.woken_by = depth_ - 1;
            }
        }
    }

    void add(thread& t, view const& v) const
    {
        t.now.add(v, words_);
        t.acquired.add(v, words_);
    }

    static stored& find(place& p, label name)
    {
        for (int k = p.count - 1; k >= 0; --k)
            if (p.all[static_cast<std::size_t>(k)].name == name)
                return p.all[static_cast<std::size_t>(k)];
        std::fputs("model: an execution is not the one that was to be repeated\n", stderr);
        std::abort();
    }

    // What a load changes.
    void receive(int i, place& p, int at, stored const& s, std::memory_order order)
    {
        thread& t = threads_[static_cast<std::size_t>(i)];
        if (p.has_plain && p.plain_clock > t.now.clock[static_cast<std::size_t>(p.plain_thread)]) {
            fail("a data race of an atomic load with a message");
        }
        auto const w = static_cast<std::size_t>(at);
        p.read_clock[static_cast<std::size_t>(i)] = t.steps;
        t.now.word[w] = std::max(t.now.word[w], s.at);
        t.acquired.word[w] = std::max(t.acquired.word[w], s.at);
        t.acquired.add(s.carried, words_);
        if (acquires(order))
            t.now.add(s.carried, words_);
    }

    // A store behind the one of this name.
    stored& insert(int i, place& p, int at, label behind, word value, bool modifies)
    {
        thread& t = threads_[static_cast<std::size_t>(i)];
        auto const w = static_cast<std::size_t>(at);
        if (p.has_plain && p.plain_clock > t.now.clock[static_cast<std::size_t>(p.plain_thread)])
            fail("a data race of an atomic store with a message");
        for (std::size_t k = 0; k != clocks; ++k)
            if (p.plain_read_clock[k] > t.now.clock[k])
                fail("a data race of an atomic store with a message");
        if (p.count == static_cast<int>(p.all.size())) {
            std::fputs("model: too many stores to one word\n", stderr);
            std::abort();
        }
        int k = p.count - 1;
        while (p.all[static_cast<std::size_t>(k)].name != behind)
            if (--k < 0)
                std::abort();
        std::int16_t const low = p.all[static_cast<std::size_t>(k)].at;
        std::int16_t const high = k + 1 == p.count ? static_cast<std::int16_t>(low + 2 * gap) : p.all[static_cast<std::size_t>(k + 1)].at;
        auto const middle = static_cast<std::int16_t>((low + high) / 2);
        if (middle == low) {
            std::fputs("model: too many stores between two others\n", stderr);
            std::abort();
        }
        std::move_backward(p.all.begin() + k + 1, p.all.begin() + p.count, p.all.begin() + p.count + 1);
        ++p.count;
        stored& s = p.all[static_cast<std::size_t>(k + 1)];
        s.value = value;
        s.at = middle;
        s.modifies = modifies;
        s.plain = false;
        s.thread = static_cast<std::int8_t>(i);
        s.clock = t.steps;
        s.name = static_cast<label>(i) << 16 | ++t.made;
        p.store_clock[static_cast<std::size_t>(i)] = t.steps;
        t.now.word[w] = t.acquired.word[w] = middle;
        return s;
    }

    // Computes the node's clock, and asks for the orders that have not been explored.
    void look_for_races(int i, node& n, bool writes)
    {
        thread& t = threads_[static_cast<std::size_t>(i)];
        int const here = depth_ - 1;
        auto clock = t.last_node >= 0 ? path_[static_cast<std::size_t>(t.last_node)].clock : std::array<std::int16_t, clocks>{};
        if (t.woken_by >= 0)
            for (std::size_t k = 0; k != clocks; ++k)
                clock[k] = std::max(clock[k], path_[static_cast<std::size_t>(t.woken_by)].clock[k]);
        // Positions in the path, counted from 1, stand for the steps of a thread.
        for (int k = here - 1; k >= 0; --k) {
            node const& e = path_[static_cast<std::size_t>(k)];
            if (e.thread == i || e.thread == setup)
                continue;
            bool const known = clock[static_cast<std::size_t>(e.thread)] > k;
            bool ordered = conflict(e.print, n.print);
            if (ordered && e.print.at >= 0 && e.print.at == n.print.at && e.print.writes && n.print.writes) {
                // A comparison that has failed only reads, and is as much of a race.
                if (e.wrote == only)
                    ordered = false;
                else if (!writes) {
                    if (!known)
                        want(k, here, i);
                    ordered = n.read == e.wrote;
                    if (ordered)
                        join(clock, e.clock);
                    continue;
                }
            }
            if (ordered) {
                if (!known)
                    want(k, here, i);
                join(clock, e.clock);
            } else if (e.print.at >= 0 && e.print.at == n.print.at) {
                if (writes && e.print.reads && e.wrote == only && !known)
                    want(k, here, i);  // the load could have read this
                else if (n.print.reads && e.wrote != only && n.read == e.wrote)
                    join(clock, e.clock);
            }
        }
        clock[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(here + 1);
        n.clock = clock;
    }

    static void join(std::array<std::int16_t, clocks>& a, std::array<std::int16_t, clocks> const& b)
    {
        for (std::size_t k = 0; k != clocks; ++k)
            a[k] = std::max(a[k], b[k]);
    }

    // Step `here`, of thread i, shall also be taken before step k.
    void want(int k, int here, int i)
    {
        node& at = path_[static_cast<std::size_t>(k)];
        int const other = at.thread;
        unsigned initials = 0;
        unsigned seen = 0;
        int first = -1;
        for (int j = k + 1; j <= here; ++j) {
            node const& e = path_[static_cast<std::size_t>(j)];
            int const q = j == here ? i : e.thread;
            if (q == setup)
                return;
            if (j != here && e.clock[static_cast<std::size_t>(other)] > k)
                continue;  // it comes after step k
            if ((seen >> q & 1) != 0)
                continue;
            seen |= 1U << q;
            bool initial = true;
            for (int m = k + 1; m < j && initial; ++m) {
                node const& b = path_[static_cast<std::size_t>(m)];
                if (b.clock[static_cast<std::size_t>(other)] > k)
                    continue;
                initial = j == here ? !is_before_last(m, b, i) : e.clock[static_cast<std::size_t>(b.thread)] <= m;
            }
            if (initial) {
                initials |= 1U << q;
                if (first < 0)
                    first = q;
            }
        }
        if ((initials & at.wanted) == 0 && first >= 0)
            at.wanted = static_cast<std::uint8_t>(at.wanted | 1U << first);
    }

    // Whether step m comes before the step that thread i makes now, whose clock is not complete: by what the thread did
    // before. It may come before by the step itself; then to run it first is one more way, which is no harm.
    bool is_before_last(int m, node const& b, int i) const
    {
        thread const& t = threads_[static_cast<std::size_t>(i)];
        if (t.woken_by >= 0 && path_[static_cast<std::size_t>(t.woken_by)].clock[static_cast<std::size_t>(b.thread)] > m)
            return true;
        return t.last_node >= 0 && path_[static_cast<std::size_t>(t.last_node)].clock[static_cast<std::size_t>(b.thread)] > m;
    }

    std::string trace() const
    {
        std::string text;
        for (int k = 0; k < depth_ && k < static_cast<int>(path_.size()); ++k) {
            node const& n = path_[static_cast<std::size_t>(k)];
            char line[200];
            std::snprintf(line, sizeof line, "%3d  thread %d  %-8s word %2d  %llx  %s:%d %s\n", k, n.thread,
                          n.choice == dies ? "dies" : names[static_cast<int>(n.print.what)], n.print.at,
                          static_cast<unsigned long long>(n.value), n.where.file ? short_name(n.where.file).c_str() : "", n.where.line,
                          n.where.function ? n.where.function : "");
            text += line;
        }
        return text;
    }

    struct slot {
        std::uint32_t generation = 0;
        std::uintptr_t address = 0;
        int index = 0;
    };

    static inline char* arena_ = nullptr;

    std::function<program*()> const* make_ = nullptr;
    program* program_ = nullptr;
    options how_;
    report out_;
    std::string wrong_;
    bool cut_ = false;
    bool in_program_ = false;  // what is allocated is taken back when the execution is over
    bool finishing_ = false;
    int running_ = setup;
    int count_ = 0;
    int depth_ = 0;
    int words_ = 0;
    int deaths_ = 0;
    int slices_ = 0;
    std::size_t used_ = 0;
    std::uintptr_t twice_ = 0;
    std::size_t twice_bytes_ = 0;
    std::uint32_t generation_ = 0;
    fiber main_;
    std::array<thread, clocks> threads_;
    std::array<slot, 1024> table_;
    std::array<place, most_words> places_;
    std::array<int, clocks> sleeps_at_{};
    view all_fences_, heavy_fences_, light_fences_;
    std::array<std::int8_t, 8> locks_{};
    std::array<view, 8> lock_views_{};
    std::vector<node> path_;
    std::set<std::tuple<std::string, int, int, std::string>> sites_;
};

explorer& one() { return explorer::one(); }

}  // namespace

namespace {
constexpr char const* what_names[] = {"none", "no acquire", "no release", "no fence", "no wake", "late"};
}

std::string mutation::name() const { return file + ':' + std::to_string(line) + ' ' + function + ": " + what_names[what]; }
std::string mutation::kind_of_place() const { return file + ' ' + function + ": " + what_names[what]; }

void* program::operator new(std::size_t n) { return allocate(n, 64); }
void* program::operator new(std::size_t n, std::align_val_t alignment) { return allocate(n, static_cast<std::size_t>(alignment)); }

report explore(std::function<program*()> const& make, options const& how) { return one().run(make, how); }

void fail(char const* what)
{
    if (one().is_finishing())
        one().note(what);
    else
        one().fail(what);
}

bool has_died(int thread) { return one().has_died(thread); }
int deaths() { return one().deaths(); }
void* allocate(std::size_t n, std::size_t alignment) { return one().allocate(n, alignment); }
void map_twice(void const* at, std::size_t n) { one().map_twice(at, n); }

word load(void const* at, unsigned size, std::memory_order o, site s)
{
    explorer& e = one();
    e.step({.what = kind::load, .at = e.word_at(at, size), .order = e.changed(o, s), .where = s});
    return e.result();
}

void store(void const* at, unsigned size, word v, std::memory_order o, site s)
{
    explorer& e = one();
    mutation::kind fault = mutation::none;
    if (e.is_fault_at(s, mutation::late))
        fault = mutation::late;
    e.step({.what = kind::store, .at = e.word_at(at, size), .order = e.changed(o, s), .value = v, .where = s, .fault = fault});
}

word modify(void const* at, unsigned size, change how, word v, std::memory_order o, site s)
{
    explorer& e = one();
    e.step({.what = kind::modify, .at = e.word_at(at, size), .order = e.changed(o, s), .how = how, .value = v, .where = s});
    return e.result();
}

bool compare_exchange(void const* at, unsigned size, word& expected, word wanted, std::memory_order o, std::memory_order f, site s)
{
    explorer& e = one();
    e.step({.what = kind::compare,
            .at = e.word_at(at, size),
            .order = e.changed(o, s),
            .failure = e.changed(f, s),
            .value = wanted,
            .expected = expected,
            .where = s});
    bool const done = e.success();
    if (!done)
        expected = e.result();
    return done;
}

void thread_fence(std::memory_order o, site s)
{
    explorer& e = one();
    if (e.is_fault_at(s, mutation::no_fence))
        return;
    if (o == std::memory_order_seq_cst)
        e.step({.what = kind::fence, .where = s});
    else
        e.own_fence(o);
}

void light(site s)
{
    explorer& e = one();
    if (!e.is_fault_at(s, mutation::no_fence))
        e.step({.what = e.full_fences() ? kind::fence : kind::light, .where = s});
}

void heavy(site s)
{
    explorer& e = one();
    if (!e.is_fault_at(s, mutation::no_fence))
        e.step({.what = e.full_fences() ? kind::fence : kind::heavy, .where = s});
}

void futex_wait(void const* at, std::uint32_t seen, site s)
{
    explorer& e = one();
    e.step({.what = kind::wait, .at = e.word_at(at, 4), .expected = seen, .where = s});
}

void futex_wake(void const* at, site s)
{
    explorer& e = one();
    if (!e.is_fault_at(s, mutation::no_wake))
        e.step({.what = kind::wake, .at = e.word_at(at, 4), .where = s});
}

void write(void* at, word value, site s)
{
    explorer& e = one();
    e.step({.what = kind::plain_write, .at = e.word_at(at, 8), .value = value, .where = s});
}

word read(void const* at, site s)
{
    explorer& e = one();
    e.step({.what = kind::plain_read, .at = e.word_at(at, 8), .where = s});
    return e.result();
}

void begin_copy() { one().begin_copy(); }

word copied(void const* at, site s)
{
    word const v = load(at, 8, std::memory_order_relaxed, s);
    one().note_copied(one().word_at(at, 8));
    return v;
}

void use_copy() { one().use_copy(); }

bool try_lock(int which)
{
    explorer& e = one();
    e.step({.what = kind::lock, .at = which});
    return e.success();
}

void unlock(int which) { one().step({.what = kind::unlock, .at = which}); }

}  // namespace model

// What is allocated during an execution is taken back with all else when it is over.
void* operator new(std::size_t n)
{
    if (model::one().is_running())
        return model::allocate(n, 16);
    if (void* const p = std::malloc(n == 0 ? 1 : n))
        return p;
    throw std::bad_alloc();
}
void* operator new(std::size_t n, std::nothrow_t const&) noexcept
{
    return model::one().is_running() ? model::allocate(n, 16) : std::malloc(n == 0 ? 1 : n);
}
void* operator new[](std::size_t n) { return operator new(n); }
void* operator new[](std::size_t n, std::nothrow_t const& t) noexcept { return operator new(n, t); }
void operator delete(void* p) noexcept
{
    if (!model::explorer::is_own(p))
        std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }
void operator delete[](void* p) noexcept { operator delete(p); }
void operator delete[](void* p, std::size_t) noexcept { operator delete(p); }
