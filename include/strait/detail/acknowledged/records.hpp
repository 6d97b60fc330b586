// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_RECORDS_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_RECORDS_HPP

#include <strait/detail/acknowledged/protocol.hpp>
#include <strait/detail/membership/control_block.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

namespace strait::detail {

// How much of one session was consumed. All zero: of none.
//   0 id[2]  16 consumed  24 used
struct ack_record {
    std::atomic<std::uint64_t> id[2];
    std::atomic<std::uint64_t> consumed;  // messages, from the beginning
    std::atomic<std::uint64_t> used;      // grows with each connection that comes: the highest is the latest

    bool is_of(session_id const& wanted) const noexcept
    {
        return id[0].load(std::memory_order_acquire) == wanted[0] && id[1].load(std::memory_order_relaxed) == wanted[1];
    }
};
static_assert(sizeof(ack_record) == 32);

// What the receivers of a name have consumed of each session, in the channel's control file behind its control block: so
// the next receiver goes on where one was killed. Only the receiver writes, of which there is one; the next one reads and
// writes when the kernel has freed its place. A record that is half written when its receiver dies belongs to no session:
// none has that id.
//
// Of a channel without a name there are none.
class ack_records {
public:
    static constexpr std::size_t most = 96;

    ack_records() = default;
    explicit ack_records(control_block& block) noexcept
        : all_(std::launder(reinterpret_cast<ack_record*>(reinterpret_cast<std::byte*>(&block) + offset)), most)
    {
        for (ack_record const& r : all_)
            latest_ = std::max(latest_, r.used.load(std::memory_order_relaxed));
    }

    // The record of this session; null: there is none.
    ack_record* find(session_id const& id) const noexcept
    {
        auto const found = std::find_if(all_.begin(), all_.end(), [&](auto const& r) { return r.is_of(id); });
        return found == all_.end() ? nullptr : &*found;
    }

    // The record that was used least recently, of those that may be taken; null: there is none.
    template <class Predicate>
    ack_record* oldest(Predicate may_be_taken) const noexcept
    {
        ack_record* chosen = nullptr;
        for (ack_record& r : all_)
            if ((!chosen || r.used.load(std::memory_order_relaxed) < chosen->used.load(std::memory_order_relaxed)) && may_be_taken(r))
                chosen = &r;
        return chosen;
    }

    // Makes this the record of another session.
    static void begin(ack_record& r, session_id const& id, std::uint64_t consumed) noexcept
    {
        r.id[0].store(0, std::memory_order_relaxed);
        r.id[1].store(id[1], std::memory_order_release);
        r.consumed.store(consumed, std::memory_order_release);
        r.id[0].store(id[0], std::memory_order_release);  // pairs with is_of() of the next receiver
    }

    void use(ack_record& r) noexcept { r.used.store(++latest_, std::memory_order_relaxed); }

private:
    static constexpr std::size_t offset = control_block::size_in_file;
    static_assert(most * sizeof(ack_record) <= control_block::size_in_file);

    std::span<ack_record> all_;
    std::uint64_t latest_ = 0;
};

}  // namespace strait::detail

#endif
