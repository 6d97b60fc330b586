// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_CHILD_HPP
#define SUPPORT_CHILD_HPP

#include <support/watchdog.hpp>

#include <cerrno>
#include <concepts>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace support {

/// Whether this process sleeps in the kernel.
inline bool is_asleep(pid_t process)
{
    std::FILE* const file = std::fopen(("/proc/" + std::to_string(process) + "/stat").c_str(), "re");
    if (!file)
        return false;
    char text[256] = {};
    std::string_view const all(text, std::fread(text, 1, sizeof text, file));
    std::fclose(file);
    auto const name = all.rfind(')');
    return name != all.npos && name + 2 < all.size() && all[name + 2] == 'S';
}

/// A real process. It dies with this one, has a watchdog of its own, and is killed and reaped when this object goes.
class child {
public:
    /// Forks and calls `body`. Its exit status is what `body` returns, 0 for void, 99 after an exception. A body must
    /// not use the checks of Boost.Test: their results would be lost with the process.
    template <std::invocable Body>
    explicit child(Body body) : pid_(start([&] { return call(body); }))
    {
    }

    /// This program, executed afresh with these arguments: nothing is inherited but the environment.
    static child executed(std::vector<std::string> arguments)
    {
        return child(start([&] {
            std::vector<char*> raw{const_cast<char*>("/proc/self/exe")};
            for (auto& a : arguments)
                raw.push_back(a.data());
            raw.push_back(nullptr);
            ::execv("/proc/self/exe", raw.data());
            return 98;
        }));
    }

    child(child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}
    child& operator=(child&& other) noexcept
    {
        if (this != &other) {
            kill();
            pid_ = std::exchange(other.pid_, -1);
            status_ = other.status_;
        }
        return *this;
    }
    ~child() { kill(); }

    pid_t pid() const noexcept { return pid_; }
    void signal(int number) const noexcept
    {
        if (pid_ > 0)  // -1 would mean every process
            ::kill(pid_, number);
    }

    /// By SIGKILL, and reaps it.
    void kill() noexcept
    {
        if (pid_ > 0) {
            signal(SIGKILL);
            wait();
        }
    }

    /// The exit status; minus the signal's number if a signal ended it.
    int wait() noexcept
    {
        while (pid_ > 0)
            if (int status = 0; ::waitpid(pid_, &status, 0) == pid_) {
                pid_ = -1;
                status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            } else if (errno != EINTR)
                break;
        return status_;
    }

private:
    explicit child(pid_t pid) noexcept : pid_(pid) {}

    template <class Body>
    static int call(Body& body) noexcept
    {
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<Body&>>)
                return body(), 0;
            else
                return static_cast<int>(body());
        } catch (std::exception const& e) {
            std::fprintf(stderr, "child %d: %s\n", static_cast<int>(::getpid()), e.what());
            return 99;
        }
    }

    template <class Body>
    static pid_t start(Body body)
    {
        std::fflush(nullptr);
        pid_t const parent = ::getpid();
        pid_t const pid = ::fork();
        if (pid != 0)
            return pid;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent)
            ::_exit(97);  // the parent died before it was asked for
        ::alarm(watchdog::patience);
        int const status = body();
        std::fflush(nullptr);
        ::_exit(status);
    }

    pid_t pid_ = -1;
    int status_ = 0;
};

}  // namespace support

#endif
