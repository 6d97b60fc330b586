// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MQUEUE_QUEUE_HPP
#define STRAIT_DETAIL_MQUEUE_QUEUE_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/participant.hpp>
#include <strait/detail/mqueue/leftover.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strait::detail {

// The queue that an end has found is not the one that its channel was made with, because the channel was removed
// meanwhile.
inline error_code const queue_removed{ENOENT, boost::system::system_category()};

// Priorities of the kernel's messages. A hint is an empty message that makes a receiver look at the control file,
// because a sender has left.
inline constexpr unsigned data_priority = 0;
inline constexpr unsigned hint_priority = 1;

// On Linux a queue descriptor is a file descriptor.
static_assert(std::is_same_v<::mqd_t, int>);

// The error for this errno of mq_open(3). Its EMFILE has two meanings: RLIMIT_MSGQUEUE, or no more descriptors.
inline error_code queue_failure(int number)
{
    switch (number) {
    case EINVAL: return errc::queue_limit;
    case ENOSPC: return errc::queue_count_limit;
    case EACCES:
    case EPERM: return errc::untrusted_object;
    case EMFILE: {
        descriptor const another(::open("/", O_RDONLY | O_CLOEXEC | O_DIRECTORY));
        return another || errno != EMFILE ? errc::queue_memory_limit : errc::descriptor_limit;
    }
    default: return system_failure(number);
    }
}

// The name of the channel's queue, as the control file says.
inline std::string noted_name(participant const& c, location const& where)
{
    return queue_name(where, c.block().mechanism[mqueue_noted_attempt].load(std::memory_order_relaxed) % mqueue_attempts);
}

// A queue under one of the names that follow from the channel's. The control file notes its inode: mechanism[0] number,
// [1] device. [2] counts the receivers that sleep on the queue. [3] is the number of its name, since another user may
// have taken the others first.
struct mqueue_mechanism : no_backing_object {
    using leftover = mqueue_leftover;
    static constexpr kernel_space needs = kernel_space::ipc;

    std::size_t messages = 0;
    std::size_t message_size = 0;

    error_code create(participant const& c, location const& where)
    {
        constexpr auto most = static_cast<std::size_t>(std::numeric_limits<long>::max());
        if (messages > most || message_size > most)
            return errc::queue_limit;
        ::mq_attr wanted = {};
        wanted.mq_maxmsg = static_cast<long>(messages);
        wanted.mq_msgsize = static_cast<long>(message_size);
        std::string name;
        descriptor queue;
        for (std::uint64_t attempt = 0; !queue; ++attempt) {
            STRAIT_STEP();
            if (attempt == mqueue_attempts)
                return at_object("the POSIX queues " + queue_name(where) + "~*", errc::names_taken);
            name = queue_name(where, attempt);
            if (::mq_unlink(name.c_str()) != 0 && errno != ENOENT && errno != EPERM && errno != EACCES)
                return at_object("the POSIX queue " + name, queue_failure(errno));
            c.block().mechanism[mqueue_noted_attempt].store(attempt, std::memory_order_relaxed);
            queue.reset(::mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, object_mode(where.access()), &wanted));
            if (!queue && errno != EEXIST)
                return at_object("the POSIX queue " + name, queue_failure(errno));
        }
        struct ::stat made = {};
        error_code failed = share(c, where, queue.get());
        if (!failed && ::fstat(queue.get(), &made) != 0)
            failed = last_failure();
        if (failed) {
            ::mq_unlink(name.c_str());
            return failed;
        }
        c.block().mechanism[0].store(made.st_ino, std::memory_order_relaxed);
        c.block().mechanism[1].store(made.st_dev, std::memory_order_relaxed);
        return {};
    }

    bool unread(participant const& c, location const& where) const
    {
        if (c.block().retained == 0)
            return false;
        descriptor const queue(::mq_open(noted_name(c, where).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        struct ::stat found = {};
        if (!queue || ::fstat(queue.get(), &found) != 0 || !trusted_object(found, S_IFREG, where.access()))
            return false;
        return holds_data(queue.get());
    }

    // Whether a message lies in a queue that no end uses, which is open for reading and writing. Hints do not count. They have
    // the higher priority, so they only lie before data and never behind it. In a queue of empty messages only, they are found
    // by taking messages and putting back the first that is data; empty data is all alike.
    static bool holds_data(int queue)
    {
        ::mq_attr now = {};
        if (::mq_getattr(queue, &now) != 0)
            return false;
        for (long left = now.mq_maxmsg; left >= 0; --left) {  // others can send hints without end
            STRAIT_STEP();
            if (::mq_getattr(queue, &now) != 0 || now.mq_curmsgs == 0)
                return false;
            if (bytes_in(queue) != 0)
                return true;
            std::string room(static_cast<std::size_t>(now.mq_msgsize), '\0');
            unsigned priority = 0;
            auto const size = uninterrupted([&] { return ::mq_receive(queue, room.data(), room.size(), &priority); });
            if (size < 0)
                return false;
            if (priority == data_priority) {
                ::mq_send(queue, room.data(), static_cast<std::size_t>(size), data_priority);
                return true;
            }
        }
        return true;  // whatever it is, it is there
    }

    void drop_unread(participant const& c, location const& where) const
    {
        if (c.block().retained != 0)
            return;
        descriptor const queue(::mq_open(noted_name(c, where).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        ::mq_attr now = {};
        if (!queue || ::mq_getattr(queue.get(), &now) != 0)
            return;
        std::string room(static_cast<std::size_t>(now.mq_msgsize), '\0');
        for (long i = 0; i != now.mq_maxmsg; ++i)
            if (::mq_receive(queue.get(), room.data(), room.size(), nullptr) < 0)
                return;
    }

    // A later channel of this name has a queue of its own, which stays.
    void forget(participant const& c, location const& where) const
    {
        std::string const name = noted_name(c, where);
        descriptor const queue(::mq_open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        struct ::stat found = {};
        if (queue && ::fstat(queue.get(), &found) == 0 && found.st_ino == c.block().mechanism[0].load(std::memory_order_relaxed) &&
            found.st_dev == c.block().mechanism[1].load(std::memory_order_relaxed))
            ::mq_unlink(name.c_str());
    }

    // The bytes of all messages. Reading a queue's descriptor as a file gives "QSIZE:<bytes of all messages> ...". 1
    // where that cannot be read, which counts as data.
    static unsigned long bytes_in(int queue) noexcept
    {
        char text[128] = {};
        if (::pread(queue, text, sizeof text - 1, 0) <= 6 || std::string_view(text, 6) != "QSIZE:")
            return 1;
        return std::strtoul(text + 6, nullptr, 10);
    }

private:
    // Gives the queue the group of the control file, which may be that of the directory, and its mode, of which the umask
    // may have taken bits. EPERM: the group matters, and this user is not in it.
    static error_code share(participant const& c, location const& where, int queue) noexcept
    {
        struct ::stat file = {};
        if (::fstat(c.fd(), &file) != 0)
            return last_failure();
        if (::fchown(queue, static_cast<::uid_t>(-1), file.st_gid) != 0 && where.access() == access_mode::group)
            return last_failure();
        return ::fchmod(queue, object_mode(where.access())) == 0 ? error_code() : last_failure();
    }
};
static_assert(backing_object<mqueue_mechanism>);

// Opens the channel's queue without blocking; also returns the size of its messages. queue_removed, untrusted_object.
inline result<std::pair<descriptor, std::size_t>> open_queue(participant const& c, location const& where, int mode)
{
    std::string const name = noted_name(c, where);
    descriptor queue(uninterrupted([&] { return ::mq_open(name.c_str(), mode | O_NONBLOCK | O_CLOEXEC); }));
    if (!queue)
        return errno == ENOENT ? queue_removed : at_object("the POSIX queue " + name, queue_failure(errno));
    struct ::stat found = {};
    ::mq_attr attributes = {};
    if (::fstat(queue.get(), &found) != 0 || ::mq_getattr(queue.get(), &attributes) != 0)
        return last_failure();
    if (!trusted_object(found, S_IFREG, where.access()))
        return at_object("the POSIX queue " + name, errc::untrusted_object, &found);
    if (found.st_ino != c.block().mechanism[0].load(std::memory_order_relaxed) ||
        found.st_dev != c.block().mechanism[1].load(std::memory_order_relaxed))
        return queue_removed;
    return std::pair(std::move(queue), static_cast<std::size_t>(attributes.mq_msgsize));
}

}  // namespace strait::detail

#endif
