// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_PROCESS_HPP
#define SUPPORT_PROCESS_HPP

#include "over.hpp"

#include <csignal>
#include <exception>
#include <system_error>
#include <utility>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace support {

/// This program once more, in a process of its own, over the same transport, with other words. The destructor waits for
/// its end; on the way out of an exception it kills.
class process {
public:
    process(command const& like, std::vector<std::string> words)
    {
        words.insert(words.begin(), program_invocation_short_name);
        words.insert(words.end(), {"--transport", like.transport});
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        if (int const error = posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, argv.data(), environ))
            throw std::system_error(error, std::generic_category(), "posix_spawn");
    }
    process(process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
    process& operator=(process&& other) noexcept
    {
        wait();
        pid_ = std::exchange(other.pid_, 0);
        return *this;
    }
    ~process()
    {
        if (pid_ > 0 && std::uncaught_exceptions() > 0)
            kill(pid_, SIGKILL);
        wait();
    }

    void wait() noexcept
    {
        if (pid_ > 0)
            waitpid(std::exchange(pid_, 0), nullptr, 0);
    }

private:
    pid_t pid_ = 0;
};

/// A name that no other run of the example has. Hand it to the processes that belong to this one.
inline std::string unique_name(std::string_view what) { return std::string(what) + "-" + std::to_string(getpid()); }

}  // namespace support

#endif
