// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_NAMELESS_PAIR_HPP
#define STRAIT_DETAIL_MEMBERSHIP_NAMELESS_PAIR_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/detail/os/allocation.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/range_lock.hpp>

#include <fcntl.h>
#include <sys/mman.h>

namespace strait::detail {

// A channel without a name that no end has joined yet. It may cross fork(). For each role it holds a promise: a lock
// that all holders of the pair share, and that becomes free when the last of them has taken its end or has died. So an
// end whose peer was killed before it joined does not wait for ever. The ends themselves take their locks through
// descriptions of their own, which the process opens that uses the end, and which no other process holds.
//
// Distinct objects: safe. Shared objects: unsafe.
class nameless_pair {
public:
    nameless_pair() = default;

    static error_code make(channel_traits const& traits, mirror twice, nameless_pair& p)
    {
        descriptor file(::memfd_create("strait", MFD_CLOEXEC));
        if (!file)
            return last_failure();
        if (auto allocated = allocate_beginning(file.get(), traits.size, traits.first_bytes()); !allocated)
            return allocated.error();
        p.traits_size_ = traits.size;
        p.twice_ = twice;
        for (role const r : {role::sender, role::receiver}) {
            if (error_code const e = reopen(file.get(), O_RDWR, p.promise(r)))
                return e;
            if (auto held = try_lock_byte(p.promise(r).get(), lock_bytes::promise(r)); !held)
                return held.error();
        }
        std::shared_ptr<mapping> first_page;
        if (error_code const e = mapping::map(file.get(), control_block::size_in_file, 0, first_page))
            return e;
        participant c;
        c.attach(std::move(first_page));
        c.block().fill(traits);
        c.block().ready.store(1, std::memory_order_release);
        return {};
    }

    // Joins in this process, and gives up this pair's promises then. The caller calls count_in() when its end is open.
    error_code take(role r, participant& joined) &&
    {
        error_code const e = join(r, nullptr, joined);
        STRAIT_CRASH_POINT("pair: joined, promises kept");
        for (auto* d : {&promises_[0], &promises_[1]})
            d->reset();
        return e;
    }

    // Joins both ends in this process, for two threads of it; they share one mapping.
    error_code split(participant& sender, participant& receiver) &&
    {
        error_code e = join(role::sender, nullptr, sender);
        if (!e)
            e = join(role::receiver, sender.memory(), receiver);
        for (auto* d : {&promises_[0], &promises_[1]})
            d->reset();
        return e;
    }

private:
    descriptor& promise(role r) noexcept { return promises_[r == role::sender ? 0 : 1]; }

    error_code join(role r, std::shared_ptr<mapping> shared, participant& joined)
    {
        if (!promise(r))
            return errc::not_open;
        descriptor fd;
        if (error_code const e = reopen(promise(r).get(), O_RDWR, fd))
            return e;
        STRAIT_CRASH_POINT("pair: opened anew");
        participant c;
        c.nameless_ = true;
        if (shared) {
            c.lock_ = guarded_descriptor(std::move(fd));
            c.attach(std::move(shared));
        } else if (error_code const e = c.adopt(std::move(fd), traits_size_, twice_)) {
            return e;
        }
        if (auto placed = c.take_place(r, 1, [](std::uint64_t) { return true; }); !placed)
            return placed.error();
        joined = std::move(c);
        return {};
    }

    descriptor promises_[2];
    std::uint64_t traits_size_ = 0;
    mirror twice_;
};

}  // namespace strait::detail

#endif
