// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SEALED_SENDER_HPP
#define STRAIT_DETAIL_SEALED_SENDER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/atomic.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/poll_descriptor.hpp>
#include <strait/detail/ring/records.hpp>
#include <strait/detail/schema/writer.hpp>
#include <strait/detail/sealed/connector.hpp>
#include <strait/detail/sealed/doorbell.hpp>
#include <strait/detail/sealed/memory.hpp>
#include <strait/detail/sealed/protocol.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/detail/socket/stream_link.hpp>
#include <strait/detail/wait/adaptive_spin.hpp>
#include <strait/detail/wait/asymmetric_fence.hpp>
#include <strait/stats.hpp>
#include <strait/wait.hpp>

#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace strait::detail {

// The sending end of a sealed ring. Each receiver that it finds gets a ring of its own, since the one before could still read
// the old one. Messages are written where the receiver reads them; it sees them when publish() has moved the position.
//
// What the receiver says is how far it has read. It is compared with what this end has published and with what the receiver
// has said before; a receiver that lies is left.
template <message_layout L>
class sealed_sender {
    using shape = record_shape<L>;

public:
    sealed_sender(sealed_connector c, sealed_size const& size, deadline connect_until, std::chrono::nanoseconds linger)
        : link_(std::move(c), connect_until), size_(size), linger_(linger), fence_(asymmetric_fence::attach())
    {
    }
    sealed_sender(sealed_sender&&) = default;
    sealed_sender& operator=(sealed_sender&&) = default;
    ~sealed_sender() { (void)close(deadline::after(linger_)); }

    // The first try, when the end is opened: what fails for want of a receiver is tried again by later operations.
    error_code try_connect()
    {
        error_code const e = link_.try_connect();
        return e || !link_.socket() ? e : begin();
    }

    // Takes a socket that is connected already.
    error_code adopt(descriptor socket)
    {
        link_.adopt(std::move(socket), false);
        return begin();
    }

    bool awaits_receiver() const noexcept { return link_.awaits_receiver(); }
    void expect_no_more_peers() noexcept { link_.connector().forget_name(); }

    result<std::span<std::byte>> reserve(std::size_t size, deadline until)
    {
        if (!has_room(size)) [[unlikely]]
            if (error_code const e = make_room(size, until))
                return e;
        reserved_ = true;
        return std::span(data_ + (position_ & mask_) + shape::unit, size);
    }

    // Writes the record's header. Others see nothing of it before publish().
    void commit(std::size_t used) noexcept
    {
        if (!std::exchange(reserved_, false) || !memory_) [[unlikely]] {
            late_ = true;
            return;
        }
        auto const header = std::bit_cast<std::uint64_t>(stream_frame{static_cast<std::uint32_t>(used), stream_frame::data});
        shared_word(data_ + (position_ & mask_)).store(header, std::memory_order_relaxed);
        position_ += shape::length(used);
        ++staged_;
        staged_bytes_ += used;
    }

    result<void> flush(deadline)
    {
        if (staged_ == 0) [[unlikely]] {
            error_code e = link_.check();
            if (std::exchange(late_, false) && !e)
                e = errc::no_receiver;
            return e ? result<void>(e) : result<void>();
        }
        if (error_code const e = look_at_receiver()) [[unlikely]]
            return lose(e);
        publish();
        return {};
    }

    result<void> close(deadline until)
    {
        if (!link_.is_open())
            return {};
        result<void> done;
        if (link_.is_usable() && link_.socket()) {
            if (staged_ != 0)
                done = flush(until);
            if (error_code const e = link_.socket() ? hear() : error_code(); e && e != errc::no_receiver)
                done = e;
            if (link_.socket()) {
                memory_.words()->left.store(1, std::memory_order_release);  // pairs with sealed_connection::listen()
                STRAIT_CRASH_POINT("sealed: end said");
                ::shutdown(link_.socket().get(), SHUT_RDWR);  // another process may have a copy of it
            }
        }
        link_.close();
        forget();
        return done;
    }

    channel_stats stats() const noexcept
    {
        channel_stats s = stats_;
        s.depth = published_ - taken_;
        return s;
    }

    // The receiver rings when it has made room for much, or has nothing left to read. So its caller looks again from time to time.
    wake_source arm() noexcept
    {
        if (link_.socket()) {
            bell_.announce();
            fence_.heavy();  // pairs with the light() of the receiver that has made room
        }
        return {.descriptor = link_.socket().get(), .events = POLLIN, .again = true, .serial = link_.socket().serial()};
    }
    void disarm() noexcept
    {
        if (link_.socket())
            bell_.awake();
    }

protected:
    guarded_descriptor const& socket() const noexcept { return link_.socket(); }

private:
    // How often an end that never waits looks whether its receiver is still there.
    static constexpr std::int64_t look_after = 100'000;  // nanoseconds

    // The first position that is not known to be free; there is no room in an end that was moved from.
    struct known_room {
        known_room() = default;
        known_room(known_room&& other) noexcept : end(std::exchange(other.end, 0)) {}
        known_room& operator=(known_room&& other) noexcept
        {
            end = std::exchange(other.end, 0);
            return *this;
        }

        std::uint64_t end = 0;
    };

    // Before the receiver has answered it has consumed nothing and does not sleep.
    static inline constinit sealed_words nothing{};

    bool has_room(std::size_t size) const noexcept
    {
        return size <= size_.limit && position_ + shape::length(size) <= room_.end;
    }

    // Of a receiver that was reached: makes the ring, and hands it over with the greeting.
    [[gnu::noinline, gnu::cold]] error_code begin()
    {
        forget();
        if (!link_.socket())
            return {};  // of a pair, whose receiver has gone already
        descriptor fd;
        sealed_region made;
        if (error_code const e = sealed_region::make(size_.capacity, made, fd)) {
            link_.lose();
            return e;
        }
        memory_ = std::move(made);
        mask_ = size_.capacity - 1;
        room_.end = size_.capacity;
        data_ = memory_.data();
        bell_ = sealed_doorbell(memory_.words(), &nothing);
        receiver_ = &nothing;
        struct {
            stream_greeting greeting = stream_greeting::of(L, {}, stream_greeting::sealed);
            sealed_opening opening;
        } said;
        said.opening = {size_.capacity, shape::unit};
        static_assert(sizeof said == sizeof said.greeting + sizeof said.opening);
        int const handle = fd.get();
        auto const sent = send_with_handles(link_.socket().get(), std::as_bytes(std::span(&said, 1)), std::span(&handle, 1));
        STRAIT_CRASH_POINT("sealed: handed over");
        if (sent != static_cast<::ssize_t>(sizeof said)) {
            link_.lose();
            room_.end = 0;
        }
        return {};
    }

    // There is no ring. The memory stays mapped until there is another one, for a claim that was not committed.
    void forget() noexcept
    {
        position_ = published_ = taken_ = room_.end = 0;
        staged_ = staged_bytes_ = 0;
        reserved_ = answered_ = false;
        theirs_ = {};
        receiver_ = &nothing;
        bell_.meet(&nothing);
    }

    // The receiver is gone, or lies. The next operation looks for another one.
    [[gnu::noinline, gnu::cold]] error_code lose(error_code const& why)
    {
        if (link_.socket())
            link_.lose();
        forget();
        return why;
    }

    // Moves the position past what was committed.
    void publish() noexcept
    {
        published_ = position_;
        STRAIT_CRASH_POINT("sealed: written");
        memory_.words()->position.store(position_, std::memory_order_release);  // pairs with sealed_connection::look()
        STRAIT_CRASH_POINT("sealed: published");
        stats_.messages += std::exchange(staged_, 0);
        stats_.bytes += std::exchange(staged_bytes_, 0);
        if (!answered_) [[unlikely]] {
            // The receiver reads the position after it has answered: it does so behind this, or its answer is here.
            detail::atomic_thread_fence(std::memory_order_seq_cst);
            failed_ = hear();
        }
        bell_.ring(link_.socket().get(), fence_);
    }

    error_code look_at_receiver()
    {
        if (answered_ && receiver_->left.load(std::memory_order_relaxed) == 0 && !is_time()) [[likely]]
            return link_.socket() ? error_code() : make_error_code(link_.socket().missing());
        return look_closely();
    }

    [[gnu::noinline, gnu::cold]] error_code look_closely()
    {
        if (error_code const e = link_.check())
            return e;
        if (!link_.socket())
            return errc::no_receiver;
        if (failed_)
            return std::exchange(failed_, {});
        if (!answered_)
            if (error_code const e = hear_answer(); e || !answered_)
                return e;
        return receiver_->left.load(std::memory_order_relaxed) != 0 ? make_error_code(errc::no_receiver) : hear();
    }

    bool is_time() noexcept
    {
#if defined(__x86_64__)
        auto const now = static_cast<std::int64_t>(__builtin_ia32_rdtsc());
        constexpr std::int64_t interval = look_after * 5 / 2;  // as if at 2.5 GHz: only the order of magnitude matters
#else
        std::int64_t const now = deadline::now();
        constexpr std::int64_t interval = look_after;
#endif
        if (now - looked_at_ < interval && now >= looked_at_) [[likely]]
            return false;
        looked_at_ = now;
        return true;
    }

    // Reads once what has come from the receiver.
    error_code hear()
    {
        if (!answered_) [[unlikely]]
            return hear_answer();
        switch (bell_.hear(link_.socket().get())) {
        case sealed_doorbell::heard::gone: return errc::no_receiver;
        case sealed_doorbell::heard::lied: return errc::peer_corrupt;
        case sealed_doorbell::heard::nothing: return {};
        case sealed_doorbell::heard::rung: break;
        }
        if (bell_.renew())
            fence_.heavy();  // pairs with the light() of the receiver that has made room
        return {};
    }

    [[gnu::noinline, gnu::cold]] error_code hear_answer()
    {
        struct {
            sealed_answer answer;
            char behind[schema_limit];
        } said;
        sealed_answer const& answer = said.answer;
        std::vector<descriptor> handles;
        handles.reserve(1);
        bool cut = false;
        auto const n = receive_with_handles(link_.socket().get(), std::as_writable_bytes(std::span(&said, 1)), MSG_DONTWAIT, 1,
                                            handles, cut);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return {};
        if (n <= 0)
            return errc::no_receiver;
        if (n >= static_cast<::ssize_t>(sizeof answer) && answer.magic == stream_rejection::magic_value) {
            auto const rejection = std::bit_cast<stream_rejection>(answer);
            link_.connector().note_rejection(rejection, {said.behind, static_cast<std::size_t>(n) - sizeof answer});
            return rejection.reason();
        }
        // No read goes on behind a piece that has descriptors: what the receiver has sent since is read later.
        if (n != static_cast<::ssize_t>(sizeof answer) || answer.magic != sealed_answer::magic_value || handles.size() != 1 || cut)
            return errc::peer_corrupt;
        if (error_code const e = sealed_region::adopt(std::move(handles.front()), 0, theirs_))
            return e == errc::untrusted_object ? make_error_code(errc::peer_corrupt) : e;
        receiver_ = theirs_.words();
        bell_.meet(receiver_);
        answered_ = true;
        return {};
    }

    // Looks how far the receiver has read. Success: there may be room now.
    error_code refresh() noexcept
    {
        std::uint64_t const taken = receiver_->position.load(std::memory_order_acquire);  // pairs with sealed_connection::release()
        if (taken < taken_ || taken > published_ || taken % shape::unit != 0)
            return errc::peer_corrupt;
        taken_ = taken;
        room_.end = taken + size_.capacity;
        return {};
    }

    [[gnu::noinline, gnu::cold]] error_code make_room(std::size_t size, deadline until)
    {
        if (error_code const e = link_.check())
            return e;
        if (size > size_.limit)
            return errc::message_too_large;
        if (!link_.socket())
            if (error_code const e = connect(until))
                return e;
        if (staged_ != 0)  // only a receiver that sees it makes room
            if (auto const done = flush(until); !done)
                return done.error();
        error_code e = look_closely();
        if (!e)
            e = refresh();
        if (e)
            return lose(e);
        if (has_room(size))
            return {};
        if (until.is_poll())
            return errc::full;
        ++stats_.waits;
        e = wait(size, until);
        bell_.awake();
        return e && e != errc::timed_out ? lose(e) : e;
    }

    error_code connect(deadline until)
    {
        error_code e = link_.connect(until, stats_.waits);
        if (!e)
            e = begin();
        if (!e && !link_.socket())
            e = errc::no_receiver;
        return e;
    }

    error_code wait(std::size_t size, deadline until)
    {
        error_code e;
        auto const ready = [&] {
            e = refresh();
            return e || has_room(size);
        };
        if (spin_.worthwhile()) {
            if (spin_for<shape::pace>(adaptive::spin_nanoseconds, until, ready)) {
                spin_.succeeded();
                return e;
            }
            spin_.failed();
        }
        for (;;) {
            STRAIT_STEP();
            bell_.announce();
            fence_.heavy();  // pairs with the light() of sealed_doorbell::ring()
            if (ready())
                return e;
            if (until.passed())
                return errc::timed_out;
            STRAIT_CRASH_POINT("sealed: waits for room");
            // Its ring may come late, or never: one that reads slowly rings when a quarter of the ring is free.
            (void)wait_readable(link_.socket().get(), until.capped(wait_slice));
            if ((e = hear()))
                return e;
            if (ready())
                return e;
            bell_.awake();
        }
    }

    stream_link<L, sealed_connector> link_;
    sealed_size size_;
    std::chrono::nanoseconds linger_;
    asymmetric_fence fence_;
    adaptive_spin spin_;
    sealed_region memory_;
    sealed_region theirs_;
    sealed_doorbell bell_;
    sealed_words const* receiver_ = &nothing;
    std::byte* data_ = nullptr;
    std::uint64_t mask_ = 0;
    std::uint64_t position_ = 0;     // behind the last committed record
    std::uint64_t published_ = 0;    // behind the last that the receiver may see
    std::uint64_t taken_ = 0;        // how far the receiver has read, as it has said last
    known_room room_;
    std::uint64_t staged_ = 0;       // committed and not published
    std::uint64_t staged_bytes_ = 0;
    std::int64_t looked_at_ = 0;
    error_code failed_;  // what the next operation reports
    channel_stats stats_;
    bool answered_ = false;
    bool reserved_ = false;
    bool late_ = false;  // what was claimed in the ring of a receiver that is gone was committed
};

}  // namespace strait::detail

#endif
