// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SYSV_QUEUE_HPP
#define STRAIT_DETAIL_SYSV_QUEUE_HPP

#include <strait/detail/membership/backing_object.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/fork_guard.hpp>
#include <strait/detail/os/kernel_space.hpp>
#include <strait/detail/sysv/queue_key.hpp>

#include <cerrno>
#include <cstdint>
#include <utility>

#include <sys/msg.h>
#include <sys/stat.h>

namespace strait::detail {

// The kernel's message type of our messages. Where there are priorities (prioritized_member) it is that of the highest
// one.
inline constexpr long sysv_data = 1;

// The number of a queue. The kernel takes such a number from any process, so in a child of fork() it is forgotten:
// every use then reports inherited_handle.
class sysv_handle : fork_guard {
public:
    sysv_handle() : fork_guard(&disarm) {}
    sysv_handle(sysv_handle&& other) : fork_guard(&disarm), queue_(std::exchange(other.queue_, closed)) {}
    sysv_handle& operator=(sysv_handle&& other) noexcept
    {
        queue_ = std::exchange(other.queue_, closed);
        return *this;
    }

    void set(int queue) noexcept { queue_ = queue; }
    void reset() noexcept { queue_ = closed; }
    int get() const noexcept { return queue_; }
    explicit operator bool() const noexcept { return queue_ >= 0; }
    errc missing() const noexcept { return queue_ == inherited ? errc::inherited_handle : errc::not_open; }

private:
    static constexpr int closed = -1;
    static constexpr int inherited = -2;

    static void disarm(fork_guard& g) noexcept
    {
        auto& self = static_cast<sysv_handle&>(g);
        if (self.queue_ >= 0)
            self.queue_ = inherited;
    }

    int queue_ = closed;
};

// A queue at one of the keys that belong to the channel. A process that is killed at any instruction of create()
// leaves nothing, or a queue to which the control file leads, because its key is noted before the queue exists.
struct sysv_mechanism : no_backing_object {
    using leftover = sysv_leftover;
    static constexpr kernel_space needs = kernel_space::ipc;

    explicit sysv_mechanism(std::uint64_t limit = 0) noexcept : bytes(limit) {}

    std::uint64_t bytes;  // that the queue takes; 0: what the host gives

    error_code create(participant const& c, location const& where) const
    {
        auto& words = c.block().mechanism;
        struct ::stat file = {};
        if (::fstat(c.fd(), &file) != 0)
            return last_failure();
        for (std::uint64_t attempt = 0; attempt != sysv_attempts; ++attempt) {
            ::key_t const key = sysv_key(where, file, attempt);
            if (::msgget(key, 0) >= 0 || errno != ENOENT)
                continue;  // never noted, because it belongs to another program
            words[sysv_noted_attempt].store(attempt + 1, std::memory_order_relaxed);
            STRAIT_CRASH_POINT("create: key noted");
            int const queue = ::msgget(key, IPC_CREAT | IPC_EXCL | static_cast<int>(object_mode(where.access())));
            if (queue < 0 && errno == EEXIST)
                continue;
            if (queue < 0)
                return at_object("the System V queue of " + where.path(""), errno == ENOSPC ? make_error_code(errc::queue_count_limit) : last_failure());
            STRAIT_CRASH_POINT("create: queue made");
            words[sysv_noted_queue].store(static_cast<std::uint64_t>(queue) + 1, std::memory_order_relaxed);
            error_code const failed = own(file, queue);
            if (failed)
                ::msgctl(queue, IPC_RMID, nullptr);
            return failed;
        }
        return errc::names_taken;
    }

    bool unread(participant const& c, location const& where) const
    {
        ::msqid_ds found = {};
        int const queue = find(c);
        return c.block().retained != 0 && ::msgctl(queue, IPC_STAT, &found) == 0 && sysv_trusted(found, where.access()) && found.msg_qnum != 0;
    }

    void drop_unread(participant const& c, location const& where) const
    {
        ::msqid_ds found = {};
        int const queue = find(c);
        if (c.block().retained != 0 || !is_at_our_key(c, where) || ::msgctl(queue, IPC_STAT, &found) != 0)
            return;
        long type = 0;
        for (auto left = found.msg_qnum; left != 0 && ::msgrcv(queue, &type, 0, 0, IPC_NOWAIT | MSG_NOERROR) >= 0; --left) {}
    }

    void forget(participant const& c, location const& where) const
    {
        if (is_at_our_key(c, where))
            ::msgctl(find(c), IPC_RMID, nullptr);
    }

    static int find(participant const& c) noexcept
    {
        return static_cast<int>(c.block().mechanism[sysv_noted_queue].load(std::memory_order_relaxed)) - 1;
    }

    // Whether the queue that the control file notes has a key of this channel. Any participant can write into the control
    // file.
    static bool is_at_our_key(participant const& c, location const& where)
    {
        std::uint64_t const attempt = c.block().mechanism[sysv_noted_attempt].load(std::memory_order_relaxed) - 1;
        struct ::stat file = {};
        return attempt < sysv_attempts && ::fstat(c.fd(), &file) == 0 && ::msgget(sysv_key(where, file, attempt), 0) == find(c);
    }

private:
    // Gives the queue the group of the control file, which may be that of the directory. Limits the bytes of the unread
    // messages, and their number, to `bytes`. queue_limit: more than msgmnb.
    error_code own(struct ::stat const& file, int queue) const
    {
        ::msqid_ds now = {};
        if (::msgctl(queue, IPC_STAT, &now) != 0)
            return last_failure();
        now.msg_perm.gid = file.st_gid;
        if (bytes != 0)
            now.msg_qbytes = bytes;
        if (::msgctl(queue, IPC_SET, &now) != 0)
            return errno == EPERM || errno == EINVAL ? make_error_code(errc::queue_limit) : last_failure();
        return {};
    }
};
static_assert(backing_object<sysv_mechanism>);

using sysv_membership = membership<sysv_mechanism>;

}  // namespace strait::detail

#endif
