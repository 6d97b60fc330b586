// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_STEPPED_HPP
#define CRASH_STEPPED_HPP

#include <support/child.hpp>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crash {

/// Stops this process where its tracer waits for it. Every second mark ends what is looked at.
inline void mark() noexcept { ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGSTOP); }

/// A moment between two instructions: before the one at this address is executed the nth time, from 0.
struct moment {
    std::uint64_t address;
    std::uint64_t nth;
};

/// A child under our hand: what it executes between an odd mark() and the next one is looked at. It runs free elsewhere.
class stepped {
public:
    template <class Body>
    explicit stepped(Body body)
        : child_([body] {
              if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
                  return 77;
              body();
              return 0;
          })
    {
        next_stop();
    }

    /// At a mark. False: nobody may trace here, or the child has ended.
    bool is_stopped() const noexcept { return stopped_by_ == SIGSTOP; }

    /// Steps through all that is looked at, and says where it came by.
    std::vector<moment> trace()
    {
        std::vector<moment> seen;
        std::map<std::uint64_t, std::uint64_t> times;
        for (; is_stopped(); go(PTRACE_CONT))
            for (;;) {
                std::uint64_t const at = address();
                seen.push_back({at, times[at]++});
                if (!go(PTRACE_SINGLESTEP))
                    return seen;
                if (is_stopped())
                    break;
            }
        return seen;
    }

    /// Runs to this moment, with a breakpoint; past all marks if it does not come by.
    void run_to(moment m)
    {
        for (; is_stopped(); go(PTRACE_CONT)) {
            do {
                if (address() == m.address) {
                    if (m.nth-- == 0)
                        return;
                    if (!go(PTRACE_SINGLESTEP) || is_stopped())
                        continue;
                }
                long const code = ::ptrace(PTRACE_PEEKTEXT, child_.pid(), m.address, nullptr);
                ::ptrace(PTRACE_POKETEXT, child_.pid(), m.address, (code & ~0xffL) | 0xcc);  // int3
                bool const here = go(PTRACE_CONT);
                ::ptrace(PTRACE_POKETEXT, child_.pid(), m.address, code);
                if (!here)
                    return;
                if (stopped_by_ == SIGTRAP)
                    set_address(m.address);
            } while (!is_stopped());
        }
    }

    void kill() noexcept { child_.kill(); }

private:
    // False when the child is no more.
    bool go(__ptrace_request how) noexcept
    {
        do {
            int const deliver = stopped_by_ == SIGTRAP || stopped_by_ == SIGSTOP ? 0 : stopped_by_;
            if (::ptrace(how, child_.pid(), nullptr, deliver) != 0)
                stopped_by_ = 0;
            else
                next_stop();
        } while (stopped_by_ != 0 && stopped_by_ != SIGTRAP && stopped_by_ != SIGSTOP);
        return stopped_by_ != 0;
    }

    void next_stop() noexcept
    {
        int status = 0;
        pid_t const stopped = ::waitpid(child_.pid(), &status, WUNTRACED);
        stopped_by_ = stopped == child_.pid() && WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
    }

#if defined(__x86_64__)
    std::uint64_t address() const noexcept
    {
        return static_cast<std::uint64_t>(::ptrace(PTRACE_PEEKUSER, child_.pid(), offsetof(::user, regs.rip), nullptr));
    }
    void set_address(std::uint64_t at) noexcept { ::ptrace(PTRACE_POKEUSER, child_.pid(), offsetof(::user, regs.rip), at); }
#else
    std::uint64_t address() const noexcept { return 0; }
    void set_address(std::uint64_t) noexcept {}
#endif

    support::child child_;
    int stopped_by_ = 0;
};

/// Whether this kernel lets us step a child, tried on one. Breakpoints are those of x86-64.
inline bool can_step()
{
#if !defined(__x86_64__)
    return false;
#endif
    stepped one([] {
        mark();
        mark();
    });
    bool const can = one.is_stopped() && one.trace().size() > 2;
    one.kill();
    return can;
}

}  // namespace crash

#endif
