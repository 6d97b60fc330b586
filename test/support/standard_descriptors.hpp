// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_STANDARD_DESCRIPTORS_HPP
#define SUPPORT_STANDARD_DESCRIPTORS_HPP

#include <support/child.hpp>

#include <concepts>

#include <fcntl.h>
#include <unistd.h>

namespace support {

/// Whether nothing is open where this process would print to.
inline bool standard_descriptors_are_closed()
{
    bool closed = true;
    for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        closed = ::fcntl(fd, F_GETFD) == -1 && closed;
    return closed;
}

/// Calls `body` in a process whose standard input, output and error are closed; the exit status is what it returns.
template <std::invocable Body>
int with_standard_descriptors_closed(Body body)
{
    child apart([&] {
        for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            ::close(fd);
        return static_cast<int>(body());
    });
    return apart.wait();
}

}  // namespace support

#endif
