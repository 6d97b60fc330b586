// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_DESCRIPTOR_HPP
#define STRAIT_DETAIL_OS_DESCRIPTOR_HPP

#include <strait/detail/os/fork_guard.hpp>
#include <strait/error.hpp>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace strait::detail {

// The error for this value of errno: one of ours where we have a sentence for it, else that of the system.
inline error_code system_failure(int number) noexcept
{
    switch (number) {
    case EMFILE:
    case ENFILE: return errc::descriptor_limit;
    case ENOSPC:
    case ENOMEM:
    case EDQUOT: return errc::out_of_memory;
    case ENAMETOOLONG: return errc::name_too_long;
    case EBADF: return errc::not_open;
    default: return {number, boost::system::system_category()};
    }
}

inline error_code last_failure() noexcept { return system_failure(errno); }

// The error for this errno of a call that maps memory. EAGAIN: mlockall(2) applies to new mappings, and no more may be
// locked.
inline error_code mapping_failure(int number) noexcept
{
    return number == EAGAIN ? make_error_code(errc::locked_memory_limit) : system_failure(number);
}

// Repeats a system call that a signal handler of the application has interrupted.
template <class Call>
auto uninterrupted(Call call)
{
    auto r = call();
    while (r < 0 && errno == EINTR)
        r = call();
    return r;
}

// The lowest number of a descriptor that the library opens. What a program prints goes to those below it, also in a
// process that was started with them closed.
inline constexpr int first_descriptor = STDERR_FILENO + 1;

// Moves a descriptor that has the number of standard input, output or error to one above; -1, and errno, where that
// fails.
[[gnu::noinline, gnu::cold]] inline int moved_above_standard(int fd) noexcept
{
    int const moved = ::fcntl(fd, F_DUPFD_CLOEXEC, first_descriptor);
    int const failed = errno;
    ::close(fd);
    errno = failed;
    return moved;
}

// Owns a descriptor. A child of fork() inherits it, as any descriptor.
//
// Distinct objects: safe. Shared objects: unsafe.
class descriptor {
public:
    descriptor() = default;

    // Takes what a system call has just returned: a number, which is moved to first_descriptor or above, or -1. It holds
    // no descriptor, and errno says why, after -1 and where moving fails.
    explicit descriptor(int fd) noexcept : fd_(fd) { move_up(); }

    // Takes a descriptor of the application, which has the number that the application knows.
    static descriptor of_application(int fd) noexcept
    {
        descriptor d;
        d.fd_ = fd;
        return d;
    }

    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept
    {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }
    // Closes the descriptor, and takes what a system call has just returned, as the constructor does.
    void reset(int fd) noexcept
    {
        if (fd_ >= 0) {
            int const failed = errno;
            ::close(fd_);
            errno = failed;
        }
        fd_ = fd;
        move_up();
    }

private:
    void move_up() noexcept
    {
        if (fd_ >= 0 && fd_ < first_descriptor) [[unlikely]]
            fd_ = moved_above_standard(fd_);
    }

    int fd_ = -1;
};

// Another descriptor, close-on-exec, of the same open description; no descriptor, and errno, where that fails.
inline descriptor duplicate(int fd) noexcept { return descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, first_descriptor)); }

// A path to what this descriptor of this process has open. Opening it makes a description of its own for the same
// object.
inline std::string path_of_descriptor(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// Whether descriptors of this process have paths: in a chroot or a container /proc may be missing.
inline bool has_paths_of_descriptors() noexcept { return ::access("/proc/self/fd", F_OK) == 0; }

// Opens a new description, close-on-exec, of what `fd` has open. no_proc: /proc is not mounted.
inline error_code reopen(int fd, int flags, descriptor& opened)
{
    opened = descriptor(::open(path_of_descriptor(fd).c_str(), flags | O_CLOEXEC));
    if (opened)
        return {};
    error_code const e = last_failure();
    return has_paths_of_descriptors() ? e : make_error_code(errc::no_proc);
}

// True until it is cleared or moved from.
class open_flag {
public:
    open_flag() = default;
    open_flag(open_flag&& other) noexcept : open_(std::exchange(other.open_, false)) {}
    open_flag& operator=(open_flag&& other) noexcept
    {
        open_ = std::exchange(other.open_, false);
        return *this;
    }

    explicit operator bool() const noexcept { return open_; }
    void clear() noexcept { open_ = false; }

private:
    bool open_ = true;
};

// Owns a descriptor of an open end. In a child of fork() it is closed, and every use then reports inherited_handle.
//
// Distinct objects: safe. Shared objects: unsafe.
class guarded_descriptor : fork_guard {
public:
    guarded_descriptor() : fork_guard(&disarm) {}
    explicit guarded_descriptor(descriptor fd) : fork_guard(&disarm), fd_(fd.release()), serial_(next_serial()) {}
    guarded_descriptor(guarded_descriptor&& other)
        : fork_guard(&disarm), fd_(std::exchange(other.fd_, closed)), serial_(other.serial_)
    {
    }
    guarded_descriptor& operator=(guarded_descriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, closed);
            serial_ = other.serial_;
        }
        return *this;
    }
    ~guarded_descriptor() { reset(); }

    int get() const noexcept { return fd_; }

    // Differs for each descriptor that was ever held, unlike its number.
    std::uint64_t serial() const noexcept { return serial_; }

    explicit operator bool() const noexcept { return fd_ >= 0; }
    bool is_inherited() const noexcept { return fd_ == inherited; }
    descriptor release() noexcept { return fd_ >= 0 ? descriptor(std::exchange(fd_, closed)) : descriptor(); }
    void reset() noexcept
    {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, closed));
    }

    // Why there is no descriptor: inherited_handle or not_open.
    errc missing() const noexcept { return is_inherited() ? errc::inherited_handle : errc::not_open; }

    // What a system call on this descriptor, which has just failed, means.
    error_code failure() const noexcept { return fd_ < 0 ? make_error_code(missing()) : last_failure(); }

private:
    static constexpr int closed = -1;
    static constexpr int inherited = -2;

    static std::uint64_t next_serial() noexcept
    {
        static std::atomic<std::uint64_t> last{0};
        return last.fetch_add(1, std::memory_order_relaxed) + 1;
    }

    static void disarm(fork_guard& g) noexcept
    {
        auto& self = static_cast<guarded_descriptor&>(g);
        if (self.fd_ >= 0)
            ::close(std::exchange(self.fd_, inherited));
    }

    int fd_ = closed;
    std::uint64_t serial_ = 0;
};

}  // namespace strait::detail

#endif
