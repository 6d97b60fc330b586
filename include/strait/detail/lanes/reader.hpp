// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_LANES_READER_HPP
#define STRAIT_DETAIL_LANES_READER_HPP

#include <strait/detail/lanes/opened_lanes.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/ring/geometry.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/detail/wait/sleep_word.hpp>
#include <strait/error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace strait::detail {

template <message_layout L>
class lane_reader;

// Stands for the words that a receiver of many lanes sets before it sleeps: those of the lanes, and the one at which it
// sleeps. It has the functions of wait/sleep_word.hpp that a waiting end calls, and store() and futex_wait() for
// wait_for_peer().
template <message_layout L>
struct lane_sleep_words {
    void store(std::uint32_t asleep, std::memory_order order) const noexcept
    {
        if (asleep != 0)
            lanes.rest();
        else
            lanes.wake();
        lanes.receiver_word().store(asleep, order);
    }

    lane_reader<L>& lanes;
};

template <message_layout L>
void futex_wait(lane_sleep_words<L> const& words, std::uint32_t seen, deadline until) noexcept
{
    futex_wait(words.lanes.receiver_word(), seen, until);
}

template <message_layout L>
void await_doorbell(lane_sleep_words<L> const& words, asymmetric_fence const& fence) noexcept
{
    words.lanes.rest();
    await_doorbell(words.lanes.receiver_word(), fence);
}

template <message_layout L>
void stop_awaiting_doorbell(lane_sleep_words<L> const& words) noexcept
{
    words.store(0, std::memory_order_relaxed);
}

// The receiver's side of many lanes. It polls the lanes that it watches, in turn, and is called to the others: how, how long a
// lane waits, and what the dead leave behind is said in lanes/geometry.hpp.
// Distinct objects: safe. Shared objects: unsafe.
template <message_layout L>
class lane_reader : public ring_reader_defaults {
public:
    static constexpr unsigned pace = spsc_reader<L>::pace;
    static constexpr unsigned longest_turn = 32;          // messages
    static constexpr unsigned turns_between_rounds = 64;  // of all lanes that are open
    static constexpr int watched_idle = 8;                // lanes: to look at so few costs less than to be called

    // Watches all lanes at first. Must be called only while no other reader lives.
    error_code attach(lanes_view const& v) noexcept
    {
        if (error_code const e = lanes_.attach(v))
            return e;
        fence_ = asymmetric_fence::attach();
        open_new_lanes();
        watched_ = lanes_.all();
        return lanes_.wrong();
    }

    void detach() noexcept
    {
        lanes_.detach();
        turn_ = turns_ = 0;
        watched_ = unposted_ = 0;
    }

    // A lane keeps its turn while it has messages, up to longest_turn of them.
    bool look() noexcept
    {
        if (turn_ != 0 && current_->look()) [[likely]]
            return true;
        return find();
    }
    bool has_message() const noexcept { return (turn_ != 0 && current_->has_message()) || others_have(); }
    std::span<std::byte const> message() const noexcept { return current_->message(); }
    atomic<std::uint64_t> const& progress() const noexcept
        requires(slot_progress<L>::shown)
    {
        return current_->progress();
    }

    // A lane whose next message is partly written; null when there is none. The lane of the last message comes first: in
    // another one the sender may have died, and then nothing ends the message.
    spsc_reader<L> const* partly_written() const noexcept
    {
        auto const has_part = [](spsc_reader<L> const& lane) {
            return slot_progress<L>::bytes_of(lane.progress().load(std::memory_order_relaxed)) != 0;
        };
        unsigned i = lanes_.first_behind(place_, watched_ & lane_bit(place_), has_part);
        if (i == lanes_.none)
            i = lanes_.first_behind(place_, watched_, has_part);
        return i == lanes_.none ? nullptr : &lanes_[i];
    }

    bool release() noexcept
    {
        if (turn_ == 0)
            return false;  // called too late: the end is closed, moved from or inherited
        --turn_;
        return current_->release();
    }

    bool posted() const noexcept
    {
        bool all = true;
        lanes_.for_each(unposted_, [&](spsc_reader<L> const& lane) { all = all && lane.posted(); });
        return all;
    }

    // Wakes each sender that waits for room in its lane, as post_and_wake() does.
    void post() noexcept
    {
        lane_set const at_work = turn_ != 0 ? lane_bit(place_) : 0;
        lanes_.for_each(std::exchange(unposted_, at_work),
                        [&](spsc_reader<L>& lane) { lane.post_and_wake(fence_, lanes_.fd()); });
    }
    void post_and_wake(asymmetric_fence const&, int) noexcept { post(); }

    // Messages of other lanes come before the damage of one.
    std::optional<error_code> inspect() noexcept
    {
        open_new_lanes();
        error_code wrong = lanes_.wrong();
        if (inspect(lanes_.all(), wrong))
            return error_code();
        // A lane calls us without a message at most once, if its sender was in the middle of calling.
        lane_set idle = to_stop();
        for (unsigned calls = 0; idle != 0 && calls <= lanes_header::most; ++calls, idle = resting_ ? to_stop() : 0) {
            STRAIT_STEP();
            stop_watching(idle);
            fence_.heavy();  // pairs with the light() of peer_sleeps()
            if (inspect(idle, wrong))
                return error_code();
        }
        if (wrong)
            return wrong;
        return {};
    }

    // Before sleeping: from here on each lane must call us.
    void rest() noexcept
    {
        resting_ = true;
        stop_watching(watched_);
    }
    void wake() noexcept { resting_ = false; }

    lane_sleep_words<L> receivers() noexcept { return {*this}; }
    atomic<std::uint32_t>& receiver_word() const noexcept { return lanes_.header().receiver_sleeps; }

    std::uint64_t messages() const noexcept { return lanes_.sum([](spsc_reader<L> const& lane) { return lane.messages(); }); }
    std::uint64_t bytes() const noexcept { return lanes_.sum([](spsc_reader<L> const& lane) { return lane.bytes(); }); }

private:
    template <class Has>
    bool take_turns(lane_set set, Has has) noexcept
    {
        unsigned const i = lanes_.first_behind(place_, set, has);
        if (i == lanes_.none)
            return false;
        begin_turn(i);
        return true;
    }

    void begin_turn(unsigned i) noexcept
    {
        current_ = &lanes_[i];
        place_ = i;
        turn_ = longest_turn;
        watched_ |= lane_bit(i);
        unposted_ |= lane_bit(i);
        busy_ |= lane_bit(i);
        ++turns_;
    }

    [[gnu::noinline]] bool find() noexcept
    {
        if (lanes_.header().called.load(std::memory_order_relaxed) != 0) [[unlikely]]
            take_calls();
        if (turns_ >= turns_between_rounds) [[unlikely]]
            if (go_round())
                return true;
        return take_turns(watched_, [](spsc_reader<L>& lane) { return lane.look(); });
    }

    // The bits are taken before we look at the lanes: a call that comes later is for a later look.
    [[gnu::noinline, gnu::cold]] void take_calls() noexcept
    {
        lane_set const called = lanes_.header().called.exchange(0, std::memory_order_acquire);  // pairs with lane_writer::call()
        STRAIT_CRASH_POINT("calls taken");
        if ((called & ~lanes_.all()) != 0)
            open_new_lanes();
        watched_ |= called & lanes_.all();
    }

    // Called now and then, also when there is always a message: for senders that were killed before they could call us.
    [[gnu::noinline, gnu::cold]] bool go_round() noexcept
    {
        turns_ = 0;
        post();
        open_new_lanes();
        lane_set const idle = too_many_idle();
        stop_watching(idle);
        if (idle != 0)
            fence_.heavy();  // pairs with the light() of peer_sleeps()
        return take_turns(lanes_.all(), [](spsc_reader<L>& lane) { return lane.look(); });
    }

    bool inspect(lane_set set, error_code& wrong) noexcept
    {
        return take_turns(set, [&](spsc_reader<L>& lane) {
            std::optional<error_code> const seen = lane.inspect();
            if (seen && *seen)
                wrong = *seen;
            return seen && !*seen;
        });
    }

    lane_set to_stop() noexcept
    {
        if (!resting_)
            return too_many_idle();
        if (lanes_.header().called.load(std::memory_order_relaxed) != 0)  // behind the heavy() of wait_for_peer(), or ours
            take_calls();
        return watched_;
    }

    // Of the lanes that we watch, those that have had no message since the last call; none while we watch few lanes.
    lane_set too_many_idle() noexcept
    {
        lane_set const idle = watched_ & ~std::exchange(busy_, 0);
        return std::popcount(watched_) > watched_idle ? idle : 0;
    }

    void stop_watching(lane_set set) noexcept
    {
        lanes_.for_each(set, [](spsc_reader<L>& lane) {
            lane.header().receiver_sleeps.store(1, std::memory_order_relaxed);
            STRAIT_CRASH_POINT("stop watching: call asked for");
        });
        watched_ &= ~set;
    }

    void open_new_lanes() noexcept
    {
        unposted_ |= lanes_.open_new();  // a sender may have waited for a receiver since the last one died
    }

    [[gnu::noinline]] bool others_have() const noexcept
    {
        bool has = lanes_.header().called.load(std::memory_order_relaxed) != 0;
        lanes_.for_each(watched_, [&](spsc_reader<L> const& lane) { has = has || lane.has_message(); });
        return has;
    }

    spsc_reader<L>* current_ = nullptr;
    unsigned turn_ = 0;  // messages left to the current lane
    unsigned place_ = 0;
    unsigned turns_ = 0;
    lane_set watched_ = 0;
    lane_set busy_ = 0;
    lane_set unposted_ = 0;
    bool resting_ = false;
    asymmetric_fence fence_;
    opened_lanes<L> lanes_;
};

static_assert(ring_reader<lane_reader<message_layout{8, 8, 1}>, lanes_view>);

}  // namespace strait::detail

#endif
