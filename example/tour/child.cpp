// Distributed under the Boost Software License, Version 1.0.
#include "child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tour {

child::child(std::vector<std::string> arguments)
{
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    pid_t const parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent && dup2(ends[1], STDOUT_FILENO) >= 0)
            execv("/proc/self/exe", argv.data());
        _exit(127);
    }
    int const error = errno;
    close(ends[1]);
    output_ = ends[0];
    if (pid_ < 0) {
        close(output_);
        throw std::system_error(error, std::generic_category(), "fork");
    }
    fcntl(output_, F_SETFL, O_NONBLOCK);
}

child::~child()
{
    kill();
    close(output_);
}

std::vector<std::string> child::lines()
{
    char buffer[4096];
    for (ssize_t n; (n = read(output_, buffer, sizeof buffer)) > 0;)
        partial_.append(buffer, static_cast<std::size_t>(n));
    std::vector<std::string> complete;
    for (std::size_t end; (end = partial_.find('\n')) != partial_.npos; partial_.erase(0, end + 1))
        complete.push_back(partial_.substr(0, end));
    return complete;
}

bool child::ended()
{
    if (!ended_)
        ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
    return ended_;
}

bool child::succeeded() const noexcept { return ended_ && WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

std::string child::how_it_ended() const
{
    if (!ended_)
        return "still runs";
    if (WIFSIGNALED(status_))
        return std::string("was killed by signal ") + std::to_string(WTERMSIG(status_)) + " (" +
               strsignal(WTERMSIG(status_)) + ")";
    return "ended with status " + std::to_string(WEXITSTATUS(status_));
}

void child::kill()
{
    if (ended_)
        return;
    ::kill(pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {}
    ended_ = true;
    killed_ = true;
}

}  // namespace tour
