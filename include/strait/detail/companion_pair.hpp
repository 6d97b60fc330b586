// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_COMPANION_PAIR_HPP
#define STRAIT_DETAIL_COMPANION_PAIR_HPP

#include <strait/detail/allocation.hpp>
#include <strait/detail/companion.hpp>

#include <string>

#include <fcntl.h>
#include <sys/mman.h>

namespace strait::detail {

// A nameless channel that nobody has joined yet; may cross fork(). For each role it holds a promise: a lock that every
// holder of the pair shares and that is free when the last of them has taken its end or has died, so an end whose peer
// was killed before joining does not wait for ever. The ends themselves lock through descriptions of their own, opened
// by the process that uses them, which nobody else holds.
class companion_pair {
public:
    static result<companion_pair> make(channel_traits const& traits, std::uint64_t mirrored)
    {
        descriptor file(::memfd_create("strait", MFD_CLOEXEC));
        if (!file)
            return last_failure();
        if (auto allocated = allocate(file.get(), traits.size); !allocated)
            return allocated.error();
        companion_pair p;
        p.traits_size_ = traits.size;
        p.mirrored_ = mirrored;
        for (role const r : {role::sender, role::receiver}) {
            auto fd = reopen(file.get());
            if (!fd)
                return fd.error();
            if (auto held = try_lock_byte(fd->get(), lock_bytes::promise(r)); !held)
                return held.error();
            p.promise(r) = std::move(*fd);
        }
        auto mapped = mapping::map(file.get(), control_block::size_in_file);
        if (!mapped)
            return mapped.error();
        companion c;
        c.attach(std::move(*mapped));
        c.block().fill(traits);
        c.block().ready.store(1, std::memory_order_release);
        return p;
    }

    // Joins in this process, then gives up this pair's promises.
    result<companion> take(role r) &&
    {
        auto c = join(r, nullptr);
        for (auto* d : {&promises_[0], &promises_[1]})
            d->reset();
        return c;
    }

    // Both ends for threads of this process, over one mapping.
    result<std::pair<companion, companion>> split() &&
    {
        auto s = join(role::sender, nullptr);
        if (!s)
            return s.error();
        auto r = join(role::receiver, s->memory());
        if (!r)
            return r.error();
        for (auto* d : {&promises_[0], &promises_[1]})
            d->reset();
        return std::pair(std::move(*s), std::move(*r));
    }

private:
    companion_pair() = default;

    descriptor& promise(role r) noexcept { return promises_[r == role::sender ? 0 : 1]; }

    // A description of its own for the same file.
    static result<descriptor> reopen(int fd)
    {
        descriptor d(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC));
        if (!d)
            return last_failure();
        return d;
    }

    result<companion> join(role r, std::shared_ptr<mapping> shared)
    {
        if (!promise(r))
            return errc::not_open;
        auto fd = reopen(promise(r).get());
        if (!fd)
            return fd.error();
        companion c;
        c.nameless_ = true;
        if (shared) {
            c.lock_ = guarded_descriptor(std::move(*fd));
            c.attach(std::move(shared));
        } else if (auto mapped = c.adopt(std::move(*fd), traits_size_, mirrored_); !mapped) {
            return mapped.error();
        }
        if (auto placed = c.take_place(r, 1); !placed)
            return placed.error();
        c.count_in();
        return c;
    }

    descriptor promises_[2];
    std::uint64_t traits_size_ = 0;
    std::uint64_t mirrored_ = 0;
};

}  // namespace strait::detail

#endif
