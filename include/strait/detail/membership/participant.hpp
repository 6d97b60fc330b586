// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_MEMBERSHIP_PARTICIPANT_HPP
#define STRAIT_DETAIL_MEMBERSHIP_PARTICIPANT_HPP

#include <strait/detail/membership/control_block.hpp>
#include <strait/detail/membership/location.hpp>
#include <strait/detail/membership/role.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/detail/os/range_lock.hpp>
#include <strait/detail/wait/futex.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include <sys/stat.h>

namespace strait::detail {

// One end's membership in a channel of this host. Every channel has one small shared object, its control file, whatever
// carries the messages. It says what the channel is, which participants are in it, and which have left or died.
//
// Participants are found by their locks (os/range_lock.hpp). Counts tell leaving from dying: a sender that has joined,
// holds no lock and has not counted itself out has died. An end that joins takes its lock first, and counts itself in
// when it has opened everything that it needs: an end whose opening fails, for whatever reason, has never been counted
// and ends no stream. An end that leaves counts itself out first and gives up its lock then. So an end that is killed in
// between has no message in flight yet, or no more.
//
// Distinct objects: safe. Shared objects: unsafe.
class participant {
public:
    participant() = default;
    participant(participant&&) = default;
    participant& operator=(participant&&) = default;

    control_block& block() const noexcept { return *block_; }
    std::shared_ptr<mapping> const& memory() const noexcept { return memory_; }
    int fd() const noexcept { return lock_.get(); }

    // False after leaving, and in a child of fork(), where the lock belongs to the parent.
    bool is_member() const noexcept { return static_cast<bool>(lock_); }
    errc missing() const noexcept { return lock_.missing(); }

    // The number of its place among those of its role, from 0. Only for a member.
    std::uint64_t place() const noexcept { return static_cast<std::uint64_t>(place_ - lock_bytes::first(role_)); }

    bool any_alive(role r) const noexcept { return any_locked(lock_.get(), lock_bytes::first(r), lock_bytes::most); }

    bool is_nameless() const noexcept { return nameless_; }

    // To be called when the name was removed and no participant can join any more: the channel then counts as one
    // without a name.
    void forget_name() noexcept { nameless_ = true; }

    // Whether a process holds a pair (make_pair()) that may still become an end of this role.
    bool any_promised(role r) const noexcept { return nameless_ && any_locked(lock_.get(), lock_bytes::promise(r), 1); }

    // Whether the stream is over if nothing is left to read. The caller asks, then looks for messages once more, then
    // believes it. What a sender has committed before it left or died is visible to an end that sees its lock free,
    // because the kernel's lock orders the two.
    end_reason senders_gone() const noexcept
    {
        std::uint64_t const joined = block_->joined_senders.load(std::memory_order_acquire);
        if (any_alive(role::sender) || any_promised(role::sender) ||
            block_->joined_senders.load(std::memory_order_acquire) != joined)  // pairs with count_in()
            return end_reason::none;
        if (joined == 0)
            return nameless_ ? end_reason::died : end_reason::none;
        std::uint64_t const dead = joined - block_->left_senders.load(std::memory_order_acquire);  // pairs with count_out()
        if (joined != end_joined_) {
            dead_before_ = end_dead_;
            end_joined_ = joined;
            end_dead_ = dead;
        }
        return dead == dead_before_ ? end_reason::left : end_reason::died;
    }

    bool receivers_gone() const noexcept
    {
        return !any_alive(role::receiver) && !any_promised(role::receiver);
    }

    // Whether the control file has lost its name, because the channel was removed or the file was deleted: no other end
    // can come any more. False for a channel without a name. It is a system call, which is made when the caller has
    // slept, or when a millisecond has passed since the last one.
    bool is_removed(std::int64_t now, bool slept) const noexcept
    {
        if (removed_ || nameless_ || (!slept && now - removal_asked_at_ < removal_interval))
            return removed_;
        removal_asked_at_ = now;
        return removed_ = has_no_name(fd());
    }

    // Whether this open file has been deleted.
    static bool has_no_name(int fd) noexcept
    {
        struct ::stat found = {};
        return ::fstat(fd, &found) == 0 && found.st_nlink == 0;
    }

    // For a sender: whether a receiver was there when this end was opened, or has come since, and none is there now.
    // The first receiver is then waited for no longer. Makes a system call only when one was there.
    bool has_lost_receiver() const noexcept
    {
        bool const met = met_receiver_ || (is_member() && block_->joined_receivers.load(std::memory_order_acquire) != receivers_before_);
        return met && receivers_gone();
    }

    // Wakes participants that wait for others to join or leave. Any end may call it.
    void signal() const noexcept
    {
        block_->event.fetch_add(1, std::memory_order_seq_cst);
        futex_wake_all(block_->event);
        ring_doorbell(fd());
    }

    std::uint32_t event() const noexcept { return block_->event.load(std::memory_order_seq_cst); }

    // Sleeps until a signal() after event() was `seen`, at most for a wait slice, because a death signals nothing.
    void wait_event(std::uint32_t seen, deadline until) const noexcept
    {
        futex_wait(block_->event, seen, until.capped(wait_slice));
    }

    // Counts this end in, which makes it one whose leaving or death may end a stream, and wakes those that wait for it.
    // To be called as the last step of opening, when nothing can fail any more. Idempotent.
    void count_in() noexcept
    {
        if (counted_ || !is_member())
            return;
        counted_ = true;
        receivers_before_ = block_->joined_receivers.load(std::memory_order_acquire);
        met_receiver_ = receivers_before_ != block_->left_receivers.load(std::memory_order_acquire) && any_alive(role::receiver);
        (role_ == role::sender ? block_->joined_senders : block_->joined_receivers).fetch_add(1, std::memory_order_seq_cst);
        STRAIT_CRASH_POINT("join: counted in");
        signal();
        STRAIT_CRASH_POINT("join: signalled");
    }

    // Leaves a channel that has no name to remove. Idempotent; does nothing in a child of fork().
    void leave_nameless() noexcept
    {
        if (!is_member())
            return;
        count_out();
        STRAIT_CRASH_POINT("leave: counted out");
        signal_after_unlock();
    }

private:
    template <class Mechanism, class Leftovers>
    friend class membership;
    friend class nameless_pair;

    error_code adopt(descriptor fd, std::uint64_t size, mirror twice)
    {
        std::shared_ptr<mapping> mapped;
        error_code const e = mapping::map(fd.get(), size, twice, mapped);
        if (!e) {
            lock_ = guarded_descriptor(std::move(fd));
            attach(std::move(mapped));
        }
        return e;
    }

    void attach(std::shared_ptr<mapping> memory) noexcept
    {
        memory_ = std::move(memory);
        block_ = std::launder(reinterpret_cast<control_block*>(memory_->data()));
    }

    // Takes a free place of these, and one for which good() is true if there is any. busy: none
    // is free.
    template <class Good>
    result<void> take_place(role r, place_range among, Good good)
    {
        ::off_t const first = lock_bytes::first(r);
        ::off_t const none = among.end;
        ::off_t place = none;
        for (::off_t i = among.begin; i < among.end; ++i) {
            auto const held = try_lock_byte(lock_.get(), first + i);
            if (!held && held.error() != errc::busy)
                return held;
            if (!held)
                continue;
            bool const best = good(static_cast<std::uint64_t>(i));
            if (best || place == none) {
                if (place != none)
                    unlock_byte(lock_.get(), first + place);
                place = i;
            } else {
                unlock_byte(lock_.get(), first + i);
            }
            if (best)
                break;
        }
        if (place == none)
            return errc::busy;
        STRAIT_CRASH_POINT("join: place taken");
        role_ = r;
        place_ = first + place;
        return {};
    }

    // Does nothing for an end that was not counted in.
    void count_out() noexcept
    {
        if (!std::exchange(counted_, false))
            return;
        (role_ == role::sender ? block_->left_senders : block_->left_receivers).fetch_add(1, std::memory_order_seq_cst);
    }

    void signal_after_unlock() noexcept
    {
        unlock_byte(lock_.get(), place_);
        STRAIT_CRASH_POINT("leave: place given up");
        signal();
        lock_.reset();
    }

    guarded_descriptor lock_;
    std::shared_ptr<mapping> memory_;
    control_block* block_ = nullptr;
    ::off_t place_ = 0;
    role role_ = role::sender;
    static constexpr std::int64_t removal_interval = 1'000'000;  // nanoseconds

    bool nameless_ = false;
    bool counted_ = false;
    bool met_receiver_ = false;            // when this end was counted in, and
    std::uint64_t receivers_before_ = 0;  // how many had joined by then
    mutable bool removed_ = false;
    mutable std::int64_t removal_asked_at_ = 0;
    // What senders_gone() answered last, so that a death is reported at one end of the stream and not at every later
    // one.
    mutable std::uint64_t end_joined_ = 0;
    mutable std::uint64_t end_dead_ = 0;
    mutable std::uint64_t dead_before_ = 0;
};

}  // namespace strait::detail

#endif
