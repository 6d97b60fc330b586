// Distributed under the Boost Software License, Version 1.0.
#ifndef FUZZ_RINGS_HPP
#define FUZZ_RINGS_HPP

#include "fuzz.hpp"

#include <strait/detail/os/range_lock.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

// Ends of a ring that live as long as the harness. For each input the memory is what a new ring has, and each end opens it
// anew: so an input costs no file, no mapping and no descriptor. An input is a list of operations, some of which write to the
// memory. Until the first of these, each message has to arrive as the topology promises.
namespace fuzz {

struct opener;

}  // namespace fuzz

// A friend of the ends, and of participants.
template <class End, class Unused>
class strait::detail::ring_pair<fuzz::opener, End, Unused> {
public:
    static std::unique_ptr<End> make() { return std::unique_ptr<End>(new End()); }

    static auto& ring(End& e) noexcept { return e.ring_; }
    static auto& member(End& e) noexcept { return e.participant_; }

    // An end that has not been opened.
    static void renew(End& e)
    {
        e.ring_.detach();
        e.waiter_ = {};
        e.waiter_.fence = asymmetric_fence::attach();
        if constexpr (requires { e.room_; }) {
            e.room_ = {};
            e.room_.start(channel_options{});
            e.removed_ = false;
        } else
            e.end_ = {};
    }
};

template <>
class strait::detail::membership<fuzz::opener, fuzz::opener> {
public:
    static void join(participant& c, int fd, std::shared_ptr<mapping> const& memory, role r, ::off_t places)
    {
        descriptor own;
        fuzz::require(!reopen(fd, O_RDWR, own), "a description of its own");
        c.lock_ = guarded_descriptor(std::move(own));
        c.attach(memory);
        c.nameless_ = true;
        fuzz::require(c.take_place(r, places, [](std::uint64_t) { return true; }).has_value(), "there is a place");
    }

    static void renew(participant& c) noexcept
    {
        c.removed_ = false;
        c.removal_asked_at_ = 0;
        c.end_joined_ = c.end_dead_ = c.dead_before_ = 0;
    }

    static ::off_t place_of(participant const& c) noexcept { return c.place_; }
};

namespace fuzz {

using strait::deadline;
using strait::errc;
using strait::error_code;
using strait::message_layout;
using strait::detail::lock_bytes;
using strait::detail::mapping;
using strait::detail::role;

inline strait::message_type const type_name("fuzz");  // traits point to it

inline constexpr std::uint64_t most_steps = 1 << 17;  // as in test/crash/steps_of_damage.cpp

// An operation of the library is over.
inline void end_operation() noexcept
{
    require(steps_made <= most_steps, "an operation makes a bounded number of steps");
    steps_made = 0;
}

// Maps the file so that nothing that can be read lies right before or behind it.
inline std::shared_ptr<mapping> map_between_guards(int fd, std::size_t size, strait::detail::mirror twice)
{
    constexpr std::size_t guard = std::size_t{1} << 20;
    std::size_t const extent = twice.first == 0 ? size : twice.first + 2 * (size - twice.first);
    static std::vector<std::shared_ptr<mapping>> passed_over;
    for (int i = 0; i != 10'000; ++i) {  // the kernel fills its smaller holes first
        auto* const above = static_cast<std::byte*>(::mmap(nullptr, guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        std::shared_ptr<mapping> m;
        require(!mapping::map(fd, size, twice, m), "the file is mapped");
        auto* const below = ::mmap(m->data() - guard, guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (m->data() + (extent + 4095) / 4096 * 4096 == above && below == m->data() - guard)
            return m;
        passed_over.push_back(m);
    }
    fail("no place between guards");
}

template <class Topology, message_layout L, std::uint64_t Capacity, unsigned Senders, unsigned Receivers>
class ring {
    using ends = strait::detail::ring_topology<Topology, strait::adaptive>;
    using geometry = typename ends::template geometry<L>;
    using view_type = typename geometry::view_type;
    using sender_end = typename ends::template sender<L, geometry>;
    using receiver_end = typename ends::template receiver<L, geometry>;
    using sender_access = strait::detail::ring_pair<opener, sender_end, opener>;
    using receiver_access = strait::detail::ring_pair<opener, receiver_end, opener>;
    using membership = strait::detail::membership<opener, opener>;

    static constexpr bool varies = L.fixed_size == 0;
    static constexpr bool overwrites = !ends::guarantees.bounded;
    static constexpr bool to_all = ends::guarantees.delivery == strait::delivery_mode::each_to_all;
    static constexpr bool newest = std::is_same_v<Topology, strait::broadcast<strait::latest>>;
    static constexpr bool copies = std::is_same_v<Topology, strait::mpmc> || overwrites;  // a message is consumed when it is seen
    static constexpr bool resumes = !to_all && !copies;  // the next receiver sees again what was seen and not released
    static constexpr bool large = L.fixed_size > 4096;
    static constexpr bool has_history = ends::guarantees.has_history;
    static constexpr std::uint64_t most_history = overwrites ? 8 : 4;  // of lossless: as many as it is created with
    static constexpr std::size_t smallest_known = 9;  // bytes that tell a message from the others

public:
    ring()
    {
        strait::channel_options how;
        constexpr bool many = std::is_same_v<Topology, strait::mpmc>;
        how.capacity = many ? 8 : Capacity;  // of mpmc always messages, never bytes
        how.max_message_size = varies ? 600 : 0;
        how.history = has_history ? most_history : 0;
        strait::detail::channel_traits traits;
        require(!geometry::traits(how, type_name, traits), "such a ring can be");
        strait::detail::descriptor const file(::memfd_create("fuzz", MFD_CLOEXEC));
        require(::ftruncate(file.get(), static_cast<::off_t>(traits.size)) == 0, "there is memory");
        auto const memory = map_between_guards(file.get(), traits.size, geometry::mechanism().mirrored(traits.size));
        for (auto& s : senders_) {
            s.end = sender_access::make();
            membership::join(sender_access::member(*s.end), file.get(), memory, role::sender, geometry::places(role::sender));
        }
        for (auto& r : receivers_) {
            r.end = receiver_access::make();
            membership::join(receiver_access::member(*r.end), file.get(), memory, role::receiver, geometry::places(role::receiver));
        }
        // What an input can change: not the lanes or buffers that no sender of ours has, but for one.
        all_ = static_cast<std::byte*>(::mmap(nullptr, traits.size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
        data_ = geometry::mechanism().data_offset();
        bool const lanes = std::is_same_v<Topology, strait::mpsc>;
        std::uint64_t const shared = many ? strait::detail::mpmc_buffers_offset(traits.capacity) : data_;
        used_ = lanes || many ? shared + (traits.size - shared) / 64 / 8 * 8 * (Senders + 1) : traits.size;
        auto& block = sender_access::member(*senders_[0].end).block();
        block.fill(traits);
        block.ready.store(1);
        for (auto& s : senders_)
            sender_access::member(*s.end).count_in();
        for (auto& r : receivers_)
            receiver_access::member(*r.end).count_in();
        pristine_.assign(all_, all_ + used_);
    }

    void play(input& in)
    {
        std::memcpy(all_, pristine_.data(), used_);
        clean_ = true;
        outstanding_.clear();
        sent_.clear();
        unsigned const late = in.byte();  // the high bits: what history receivers ask for; a bit for each sender that opens only when an operation lets it
        history_ = has_history ? (late >> 4) % (most_history + 1) : 0;
        for (auto& s : senders_)
            renew(s, (late >> (&s - senders_.data()) & 1) == 0);
        for (auto& r : receivers_)
            renew(r);
        while (!in.empty()) {
            operate(in);
            end_operation();
        }
    }

private:
    struct message {
        std::uint64_t serial;
        std::size_t size;
    };

    struct sender_state {
        std::unique_ptr<sender_end> end;
        std::uint64_t sent = 0;
        std::size_t reserved = 0;  // bytes that may be committed, and 1 more; 0: none
        std::uint64_t next = 0;    // serial of the message that is reserved
        std::optional<message> staged{};
        bool open = false;
    };

    struct receiver_state {
        std::unique_ptr<receiver_end> end;
        std::deque<message> expected{};  // of a broadcast ring: what it has not seen
        std::optional<message> seen{};   // and not released
        std::uint64_t dropped = 0;
        bool holds = false;
        bool open = false;
        bool locked = true;  // its place
    };

    // Opening.

    void renew(sender_state& s, bool opened)
    {
        sender_access::renew(*s.end);
        membership::renew(sender_access::member(*s.end));
        s.sent = s.reserved = 0;
        s.staged.reset();
        s.open = false;
        if (opened)
            reopen(s);
    }

    void renew(receiver_state& r)
    {
        if (!std::exchange(r.locked, true))
            require(lock(r, true), "its place is free");
        receiver_access::renew(*r.end);
        membership::renew(receiver_access::member(*r.end));
        r.expected.clear();
        r.seen.reset();
        r.holds = false;
        reopen(r);
    }

    template <class Access, class State>
    bool attach(State& s, role r)
    {
        auto& ring = Access::ring(*s.end);
        ring = {};  // an end is opened once
        view_type view{};
        error_code e = geometry::view(Access::member(*s.end), r, view);
        if constexpr (has_history)
            view.history = r == role::receiver ? history_ : 0;
        if (!e)
            e = ring.attach(view);
        if (e)
            ring.detach();
        end_operation();
        require(!e || !clean_, "what nobody has damaged can be opened");
        return !e;
    }

    void reopen(sender_state& s)
    {
        s.reserved = 0;
        s.staged.reset();
        s.open = attach<sender_access>(s, role::sender);
    }

    void reopen(receiver_state& r)
    {
        r.holds = false;
        if (r.seen && clean_ && resumes)
            give_back(*r.seen);
        r.seen.reset();
        std::size_t const past = std::min<std::size_t>(newest ? 1 : history_, sent_.size());
        r.expected.assign(sent_.end() - static_cast<std::ptrdiff_t>(past), sent_.end());
        r.dropped = 0;
        r.open = attach<receiver_access>(r, role::receiver);
    }

    // Sending.

    [[gnu::noinline, clang::no_sanitize("coverage")]] static void write(std::span<std::byte> to, std::uint64_t serial) noexcept
    {
        for (std::size_t i = 0; i != to.size(); i = large && i == 64 ? to.size() - 64 : i + 1)
            to[i] = static_cast<std::byte>(i < 8 ? serial >> 8 * i : serial + i);
    }

    [[gnu::noinline, clang::no_sanitize("coverage")]] static bool is(std::span<std::byte const> bytes, message const& m) noexcept
    {
        if (bytes.size() != m.size)
            return false;
        for (std::size_t i = 0; i != bytes.size(); i = large && i == 64 ? bytes.size() - 64 : i + 1)
            if (bytes[i] != static_cast<std::byte>(i < 8 ? m.serial >> 8 * i : m.serial + i))
                return false;
        return true;
    }

    std::size_t largest() const noexcept { return varies ? 600 : L.fixed_size; }

    std::size_t size_for(unsigned choice) const noexcept
    {
        if (!varies)
            return L.fixed_size;
        return choice < 200 ? choice : choice < 250 ? (choice - 199) * 12 : 598 + choice - 250;
    }

    void reserve(sender_state& s, unsigned choice)
    {
        std::size_t const n = size_for(choice);
        if (!s.open)
            return require(!sender_access::ring(*s.end).has_room(n), "an end that is not open has no room");
        bool const was_staged = s.staged.has_value();
        auto const room = s.end->reserve(n, deadline::poll());
        end_operation();
        if (was_staged)
            settle(s);
        if (!room) {
            if (clean_)
                check_refusal(room.error(), n);
            return;
        }
        require(room->size() >= n && (varies || room->size() == L.fixed_size), "there is room for the message");
        std::uint64_t const serial = static_cast<std::uint64_t>(&s - senders_.data()) << 56 | ++s.sent << 8;
        write(room->first(n), serial);
        s.reserved = n + 1;
        s.next = serial;
    }

    void check_refusal(error_code const& e, std::size_t n) const
    {
        if (n > largest())
            return require(e == errc::message_too_large, "what is too large is refused");
        require(!overwrites && (e == errc::full || (e == errc::no_receiver && !has_receivers())), "a ring is full, or has no receiver");
    }

    bool has_receivers() const
    {
        return std::any_of(receivers_.begin(), receivers_.end(), [](auto const& r) { return to_all ? r.open : r.locked; });
    }

    void commit(sender_state& s)
    {
        std::size_t const n = std::exchange(s.reserved, 0);
        if (n == 0)
            return;
        s.end->commit(n - 1);
        if (!s.open)
            return;
        if (n - 1 < std::min(smallest_known, largest()))
            clean_ = false;  // messages that look alike are not told apart
        message const m{s.next, n - 1};
        if constexpr (requires { sender_access::ring(*s.end).is_staged(); })
            if (sender_access::ring(*s.end).is_staged()) {
                s.staged = m;
                return;
            }
        add(m);
    }

    // What was staged is in the ring, or is no message.
    void settle(sender_state& s)
    {
        if constexpr (requires { sender_access::ring(*s.end).is_staged(); })
            if (s.staged && !sender_access::ring(*s.end).is_staged()) {
                add(*s.staged);
                s.staged.reset();
            }
    }

    void flush(sender_state& s)
    {
        if (!s.open)
            return;
        auto const done = s.end->flush(deadline::poll());
        end_operation();
        if (!done)
            s.staged.reset();  // withdrawn
        settle(s);
        if (!s.staged && clean_ && !copies)
            require(done.has_value(), "what is committed is sent");
    }

    void add(message const& m)
    {
        if (to_all) {
            sent_.push_back(m);
            for (auto& r : receivers_)
                if (r.open)
                    r.expected.push_back(m);
        } else
            outstanding_.push_back(m);
    }

    // Receiving.

    void give_back(message const& m) { outstanding_.push_front(m); }

    void receive(receiver_state& r, bool release)
    {
        if (!r.open)  // the end would say now that it is not open
            return require(!receiver_access::ring(*r.end).look(), "an end that is not open finds nothing");
        auto const got = r.end->peek(deadline::poll());
        end_operation();
        if (!got) {
            if (clean_)
                check_empty(r, got.error());
            return;
        }
        require(varies ? got->size() <= (clean_ ? largest() : used_) : got->size() == L.fixed_size, "a message has its size");
        require(reinterpret_cast<std::uintptr_t>(got->data()) % std::max<std::size_t>(8, L.alignment) == 0, "a message is aligned");
        if (large) {
            read_all(got->first(64));
            read_all(got->last(64));
        } else
            read_all(*got);
        if (clean_)
            check_message(r, *got);
        r.holds = true;
        if (release)
            this->release(r);
    }

    void look_at_newest(receiver_state& r)
    {
        if (!r.open)
            return;
        auto const shown = r.end->current();
        end_operation();
        if (!shown)
            return require(!clean_ || (sent_.empty() && shown.error() == errc::empty), "the newest message is always there");
        read_all(*shown);
        require(!clean_ || (!sent_.empty() && is(*shown, sent_.back())), "the newest message is shown again and again");
    }

    void release(receiver_state& r)
    {
        if (!std::exchange(r.holds, false))
            return;
        r.end->release();
        r.seen.reset();
    }

    void check_empty(receiver_state const& r, error_code const& e) const
    {
        require(e == errc::empty, "an end that finds nothing says so");
        require(!r.seen, "what was seen is there until it is released");
        require(to_all ? r.expected.empty() : outstanding_.empty(), "no message is lost");
    }

    void check_message(receiver_state& r, std::span<std::byte const> got)
    {
        if (r.seen)
            return require(is(got, *r.seen), "what was seen is shown until it is released");
        auto& from = to_all ? r.expected : outstanding_;
        if constexpr (overwrites) {
            auto const at = std::find_if(from.begin(), from.end(), [&](message const& m) { return is(got, m); });
            require(at != from.end(), "a message is one that was sent since the last");
            require(!newest || at + 1 == from.end(), "the newest message is shown");
            r.dropped += static_cast<std::uint64_t>(at - from.begin());
            r.seen = *at;
            from.erase(from.begin(), at + 1);
            require(r.end->stats().dropped == r.dropped, "what was missed is counted");
        } else {
            // Of many senders only the messages of each one are in order.
            std::uint64_t senders = 0;
            auto const at = std::find_if(from.begin(), from.end(), [&](message const& m) {
                std::uint64_t const bit = std::uint64_t{1} << (m.serial >> 56);
                bool const first = (senders & bit) == 0;
                senders |= bit;
                return first && is(got, m);
            });
            require(at != from.end(), "a message is the next one of its sender");
            r.seen = *at;
            from.erase(at);
        }
    }

    // A receiver is killed: its place is free, and whatever it has said in the memory stays. Or another one takes its place.
    bool lock(receiver_state const& r, bool taken) const
    {
        auto& member = receiver_access::member(*r.end);
        ::off_t const place = membership::place_of(member);
        if (taken)
            return strait::detail::try_lock_byte(member.fd(), place).has_value();
        strait::detail::unlock_byte(member.fd(), place);
        return true;
    }

    void kill_or_replace(receiver_state& r)
    {
        if (r.locked) {
            lock(r, false);
            receiver_access::ring(*r.end).detach();
            r.open = r.locked = false;
            if (r.seen && clean_ && resumes)
                give_back(*r.seen);
            r.seen.reset();
            r.holds = false;
        } else if (lock(r, true)) {
            r.locked = true;
            reopen(r);
        }
    }

    // Damage.

    std::byte* somewhere(unsigned region, std::uint64_t offset) const noexcept
    {
        std::uint64_t const begin = region == 0 ? 0 : region == 1 ? 4096 : data_;
        std::uint64_t const end = region == 0 ? sizeof(strait::detail::control_block) : region == 1 ? data_ : used_;
        return all_ + begin + offset % ((end - begin) / 8) * 8;
    }

    // Words are often nearly right, or near an end of the range.
    void scribble(unsigned how, input& in)
    {
        clean_ = false;
        unsigned const region = how % 4 == 3 ? 1 : how % 4;
        unsigned const where = in.take<std::uint16_t>();
        // The words of the header lie 128 bytes from each other; of the control block an opener believes the sizes.
        std::uint64_t chosen = where;
        if (region == 0 && where % 2 != 0)
            chosen = offsetof(strait::detail::control_block, element_size) / 8 + where / 2 % 4;
        else if (region == 1 && where % 4 != 0)
            chosen = std::uint64_t{where / 4} * 16;
        std::byte* const at = somewhere(region, chosen);
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        unsigned const choice = in.byte();
        std::uint64_t const small = choice >> 3;
        switch (choice & 7) {
        case 0: word += small; break;
        case 1: word -= small; break;
        case 2: word += small * 8; break;
        case 3: word ^= std::uint64_t{1} << in.byte() % 64; break;
        case 4: word = small; break;
        case 5: word = ~small; break;
        case 6: std::memcpy(&word, somewhere(1 + choice / 128, in.byte()), sizeof word); break;
        default: word = in.take<std::uint64_t>();
        }
        std::memcpy(at, &word, sizeof word);
    }

    void operate(input& in)
    {
        unsigned const op = in.byte();
        unsigned const more = op >> 4;
        sender_state& s = senders_[more % Senders];
        receiver_state& r = receivers_[more % Receivers];
        switch (op & 15) {
        case 0:
        case 1:
        case 2:
            reserve(s, in.byte());
            commit(s);
            if (more < 12)
                flush(s);
            break;
        case 3:
        case 4:
        case 5: receive(r, more < 12); break;
        case 6:
            for (unsigned n = 1 + in.byte() % 40; n != 0; --n)
                receive(r, true);
            break;
        case 7:
            if (more < 8)
                reserve(s, in.byte());
            else
                flush(s);
            break;
        case 8:
            if (more < 8)
                release(r);
            else
                commit(s);
            break;
        case 9: {
            if constexpr (newest)
                look_at_newest(r);
            auto const sent = s.end->stats();
            end_operation();
            auto const received = r.end->stats();
            (void)r.end->ended();
            if constexpr (requires { r.end->has_message(); })
                (void)r.end->has_message();
            if (clean_ && s.open && r.open)
                require(sent.depth <= 1 << 20 && received.depth <= 1 << 20, "a depth is one of this ring");
            break;
        }
        case 10:
            if (more < 8 && s.open)
                (void)s.end->arm();
            if (more >= 8 && r.open)
                (void)r.end->arm();
            if (more % 2 == 0 && s.open)
                s.end->disarm();
            if (more % 2 == 0 && r.open)
                r.end->disarm();
            break;
        case 11:
            if (more < 8)
                reopen(s);
            else if (r.locked)
                reopen(r);
            break;
        case 12:
            if (more < 4) {  // an end that was closed; what comes too late does nothing
                sender_access::ring(*s.end).detach();
                s.open = false;
                commit(s);
            } else if (more < 8) {
                if (r.locked && r.open && clean_)
                    receiver_access::ring(*r.end).leave();
                receiver_access::ring(*r.end).detach();
                r.open = false;
                if (r.seen && clean_ && resumes)
                    give_back(*r.seen);
                r.seen.reset();
                release(r);
            } else
                kill_or_replace(r);
            break;
        default: scribble(more, in);
        }
    }

    std::array<sender_state, Senders> senders_;
    std::array<receiver_state, Receivers> receivers_;
    std::deque<message> outstanding_;
    std::deque<message> sent_;   // of a broadcast ring
    std::uint64_t history_ = 0;  // what each receiver asks for
    bool clean_ = true;  // nothing was written to the memory but by the ends
    std::byte* all_;
    std::uint64_t data_;
    std::uint64_t used_;
    bytes pristine_;
};

inline constexpr message_layout text{0, 1, 1};
inline constexpr message_layout number{48, 16, 2};

template <class Topology, unsigned Senders, unsigned Receivers>
void play_any(std::span<std::byte const> all)
{
    static auto& of_text = *new ring<Topology, text, 4096, Senders, Receivers>;
    static auto& of_numbers = *new ring<Topology, number, 8, Senders, Receivers>;
    input in(all);
    if (in.byte() % 2 == 0)
        of_numbers.play(in);
    else
        of_text.play(in);
}

inline std::vector<bytes> ring_seeds()
{
    std::vector<bytes> all;
    for (unsigned kind = 0; kind != 2; ++kind) {
        output past;  // messages, then a receiver that asks for a history
        past.byte(kind).byte(0x40);
        for (unsigned i = 0; i != 30; ++i)
            past.byte(0).byte(20 + i).byte(3).byte(19).byte(35);
        past.byte(11 + 128).byte(6).byte(9).byte(9).byte(12 + 128).byte(12 + 128).byte(6).byte(9);
        all.push_back(past);
        output usual;
        usual.byte(kind).byte(kind);
        for (unsigned i = 0; i != 30; ++i)
            usual.byte(0).byte(20 + i).byte(16).byte(70).byte(3).byte(i % 3 == 0 ? 19U : 3U);
        all.push_back(usual);
        all.push_back(output().byte(kind).byte(2).byte(0).byte(20).byte(7 + 16).byte(30).byte(11).byte(3 + 16 * 13).byte(11 + 16 * 9).byte(6).byte(9));
        all.push_back(output().byte(kind).byte(0).byte(0).byte(9).byte(13 + 16).add(std::uint16_t{0}).byte(8).byte(0).byte(3).byte(11).byte(11 + 128).byte(3).byte(9).byte(7).byte(9));
        all.push_back(output().byte(kind).byte(0).byte(0).byte(9).byte(13 + 32).add(std::uint16_t{0}).byte(0).byte(0).byte(6).byte(9).byte(10).byte(0).byte(9).byte(12 + 128).byte(12 + 128));
    }
    return all;
}

}  // namespace fuzz

#endif
