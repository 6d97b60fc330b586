// Distributed under the Boost Software License, Version 1.0.
#include "ends.hpp"

#include "case.hpp"
#include "shared.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace benchmark {

void pin_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    checked(::sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

namespace {

bool succeeds(end_body const& end, int cpu)
{
    try {
        pin_to(cpu);
        end();
        return true;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return false;
    }
}

[[noreturn]] void live_as_child(end_body const& end, int cpu, pid_t parent)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
        ::_exit(1);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);  // libraries print there; only the outcome belongs there
    bool const good = succeeds(end, cpu);
    std::exit(good ? 0 : 1);  // a library may have to say goodbye to its daemon
}

class children {
public:
    children() = default;
    children(children const&) = delete;
    children& operator=(children const&) = delete;
    ~children()
    {
        for (pid_t const p : pids_)
            ::kill(p, SIGKILL);
        for (pid_t const p : pids_)
            ::waitpid(p, nullptr, 0);
    }

    void start(end_body const& end, int cpu)
    {
        pid_t const parent = ::getpid();
        pid_t const child = checked(::fork(), "fork");
        if (child == 0)
            live_as_child(end, cpu, parent);
        pids_.push_back(child);
    }

    bool empty() const noexcept { return pids_.empty(); }

    // Forgets those that have ended; throws when one has failed.
    void reap()
    {
        std::string failure;
        std::erase_if(pids_, [&](pid_t p) {
            int status = 0;
            if (checked(::waitpid(p, &status, WNOHANG), "waitpid") == 0)
                return false;
            if (WIFSIGNALED(status))
                failure = "an end was ended by signal " + std::to_string(WTERMSIG(status));
            else if (WEXITSTATUS(status) != 0)
                failure = "an end failed";
            return true;
        });
        if (!failure.empty())
            throw broken_channel(failure);
    }

private:
    std::vector<pid_t> pids_;
};

}  // namespace

void run_as_processes(std::vector<end_body> const& ends, std::vector<int> const& cpus, double seconds)
{
    // Blocked before the first fork, so that no child can end unseen; that children inherit it does no harm.
    sigset_t child_ended;
    ::sigemptyset(&child_ended);
    ::sigaddset(&child_ended, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);

    children all;
    for (std::size_t i = 0; i != ends.size(); ++i)
        all.start(ends[i], cpus[i % cpus.size()]);
    auto const until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!all.empty()) {
        double const left = std::chrono::duration<double>(until - std::chrono::steady_clock::now()).count();
        if (left <= 0)
            throw broken_channel("hung: not finished after " + std::to_string(std::lround(seconds)) + " s");
        timespec const wait{static_cast<time_t>(left), static_cast<long>((left - std::floor(left)) * 1e9)};
        ::sigtimedwait(&child_ended, nullptr, &wait);
        all.reap();
    }
}

void run_as_threads(std::vector<end_body> const& ends, std::vector<int> const& cpus, double seconds)
{
    ::alarm(static_cast<unsigned>(std::ceil(seconds)));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i != ends.size(); ++i)
        threads.emplace_back([&end = ends[i], cpu = cpus[i % cpus.size()]] {
            // The other threads may wait for this one for ever.
            if (!succeeds(end, cpu))
                ::_exit(1);
        });
    for (std::thread& t : threads)
        t.join();
    ::alarm(0);
}

}  // namespace benchmark
