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
#include <strait/detail/sealed/writer.hpp>
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
// the old one.
template <message_layout L>
class sealed_sender {
    using shape = record_shape<L>;

public:
    sealed_sender(sealed_connector c, sealed_size const& size, deadline connect_until, std::chrono::nanoseconds linger)
        : link_(std::move(c), connect_until), ring_(size), linger_(linger), fence_(asymmetric_fence::attach())
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
        if (!ring_.has_room(size)) [[unlikely]]
            if (error_code const e = make_room(size, until))
                return e;
        reserved_ = true;
        return ring_.room(size);
    }

    // The receiver sees nothing of it before flush().
    void commit(std::size_t used) noexcept
    {
        if (std::exchange(reserved_, false) && ring_.has_memory()) [[likely]]
            ring_.commit(used);
        else
            late_ = true;
    }

    result<void> flush(deadline)
    {
        if (!ring_.is_staged()) [[unlikely]] {
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
            if (ring_.is_staged())
                done = flush(until);
            if (error_code const e = link_.socket() ? hear() : error_code(); e && e != errc::no_receiver)
                done = e;
            if (link_.socket()) {
                ring_.words()->left.store(1, std::memory_order_release);  // pairs with sealed_connection::listen()
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
        s.depth = ring_.depth();
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

    // Of a receiver that was reached: makes the ring, and hands it over with the greeting.
    [[gnu::noinline, gnu::cold]] error_code begin()
    {
        forget();
        if (!link_.socket())
            return {};  // of a pair, whose receiver has gone already
        descriptor fd;
        if (error_code const e = ring_.make(fd)) {
            link_.lose();
            return e;
        }
        bell_ = sealed_doorbell(ring_.words(), ring_.receiver());
        struct {
            stream_greeting greeting = stream_greeting::of(L, {}, stream_greeting::sealed);
            sealed_opening opening;
        } said;
        said.opening = {ring_.capacity(), shape::unit};
        static_assert(sizeof said == sizeof said.greeting + sizeof said.opening);
        int const handle = fd.get();
        auto const sent = send_with_handles(link_.socket().get(), std::as_bytes(std::span(&said, 1)), std::span(&handle, 1));
        STRAIT_CRASH_POINT("sealed: handed over");
        if (sent != static_cast<::ssize_t>(sizeof said)) {
            link_.lose();
            forget();
        }
        return {};
    }

    void forget() noexcept
    {
        ring_.forget();
        reserved_ = answered_ = false;
        bell_.meet(ring_.receiver());
    }

    // The receiver is gone, or lies. The next operation looks for another one.
    [[gnu::noinline, gnu::cold]] error_code lose(error_code const& why)
    {
        if (link_.socket())
            link_.lose();
        forget();
        return why;
    }

    // Shows the receiver what was committed, and wakes it.
    void publish() noexcept
    {
        ring_.publish(stats_);
        if (!answered_) [[unlikely]] {
            // The receiver reads the position after it has answered: it does so behind this, or its answer is here.
            detail::atomic_thread_fence(std::memory_order_seq_cst);
            failed_ = hear();
        }
        bell_.ring(link_.socket().get(), fence_);
    }

    error_code look_at_receiver()
    {
        if (answered_ && !ring_.has_left() && !is_time()) [[likely]]
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
        return ring_.has_left() ? make_error_code(errc::no_receiver) : hear();
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
        if (error_code const e = ring_.adopt(std::move(handles.front())))
            return e;
        bell_.meet(ring_.receiver());
        answered_ = true;
        return {};
    }

    [[gnu::noinline, gnu::cold]] error_code make_room(std::size_t size, deadline until)
    {
        if (error_code const e = link_.check())
            return e;
        if (size > ring_.limit())
            return errc::message_too_large;
        if (!link_.socket())
            if (error_code const e = connect(until))
                return e;
        if (ring_.is_staged())  // only a receiver that sees it makes room
            if (auto const done = flush(until); !done)
                return done.error();
        error_code e = look_closely();
        if (!e)
            e = ring_.refresh();
        if (e)
            return lose(e);
        if (ring_.has_room(size))
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
            e = ring_.refresh();
            return e || ring_.has_room(size);
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
    sealed_writer<L> ring_;
    std::chrono::nanoseconds linger_;
    asymmetric_fence fence_;
    adaptive_spin spin_;
    sealed_doorbell bell_;
    std::int64_t looked_at_ = 0;
    error_code failed_;  // what the next operation reports
    channel_stats stats_;
    bool answered_ = false;
    bool reserved_ = false;
    bool late_ = false;  // what was claimed in the ring of a receiver that is gone was committed
};

}  // namespace strait::detail

#endif
