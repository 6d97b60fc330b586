// Distributed under the Boost Software License, Version 1.0.
#ifndef WAKES_FIBERS_HPP
#define WAKES_FIBERS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <ucontext.h>

// Ends as fibers of one thread, so that a test decides who goes on at each crash point, and who sleeps at a futex is asleep
// until another one wakes it.
namespace wakes {

/// One order of steps. Each fiber goes on until it is over or asleep, but at these points, counted over all fibers from 0, the
/// next one that is not asleep takes over.
class fibers {
public:
    using body = std::function<void()>;

    fibers(std::vector<body> bodies, std::size_t first, std::vector<std::uint64_t> switches);
    fibers(fibers const&) = delete;
    fibers& operator=(fibers const&) = delete;
    ~fibers();

    /// Runs all to their end. False: all that were left were asleep, so a wake-up was missing.
    bool run();

    /// How many points were passed.
    std::uint64_t points() const noexcept { return points_; }

    /// Those that run now; null: none, and all is as in any other program.
    static fibers* active() noexcept;

    void point();
    /// What futex(2) does: false when the word is another one by now. A sleep has no end but a wake-up.
    bool sleep(std::uint32_t const* word, std::uint32_t seen);
    /// Wakes who sleeps at a word that has changed. (Each end has a mapping of its own, so that addresses say nothing.)
    void wake() noexcept;

private:
    struct fiber {
        ::ucontext_t context{};
        std::unique_ptr<std::byte[]> stack;
        body run;
        std::uint32_t const* word = nullptr;  // it sleeps here
        std::uint32_t seen = 0;
        bool over = false;
    };

    static void enter(unsigned low, unsigned high);
    bool go_on();
    void leave();

    std::vector<fiber> all_;
    std::size_t now_;
    std::vector<std::uint64_t> switches_;
    std::uint64_t points_ = 0;
    ::ucontext_t main_{};
    bool lost_ = false;
};

}  // namespace wakes

#endif
