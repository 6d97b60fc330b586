// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_OUTSTANDING_REQUESTS_HPP
#define STRAIT_DETAIL_RPC_OUTSTANDING_REQUESTS_HPP

#include <strait/connection.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace strait::detail {

// A client's connection, and what it has asked and not been answered. Distinct objects: safe. Shared objects: unsafe.
template <class Interface, class X>
class outstanding_requests {
    using request_type = request_frame<Interface>;
    using reply_type = reply_frame<Interface>;
    template <class Q>
    using reply_to = typename Interface::template reply_to<Q>;
    template <class R>
    using sent = sent_reply<R>;

public:
    using connection_type = connection<request_type, reply_type, X>;

    explicit outstanding_requests(connection_type c) : connection_(std::move(c)) {}

    connection_type& channel() noexcept { return connection_; }
    connection_type const& channel() const noexcept { return connection_; }
    std::string const& failure() const noexcept { return failure_; }
    std::uint64_t late() const noexcept { return late_; }

    // Its number.
    template <class Q>
    result<std::uint64_t> post(Q const& request)
    {
        std::uint64_t const number = next_;
        if (error_code const e = send(request, deadline::never()))
            return e;
        outstanding_.push_back({number, Interface::template index<Q>, std::nullopt, {}});
        return number;
    }

    void forget(std::uint64_t number)
    {
        std::erase_if(outstanding_, [&](waiting const& w) { return w.number == number; });
    }

    template <class Q>
    result<sent<reply_to<Q>>> ask(Q const& request, deadline until)
    {
        constexpr std::size_t index = Interface::template index<Q>;
        using R = sent<reply_to<Q>>;
        std::uint64_t const number = next_;
        if (error_code const e = send(request, until)) [[unlikely]]
            return failed<R>(e);
        std::string text;
        for (;;) {
            if (error_code const e = receive(until)) [[unlikely]]
                return failed<R>(e);
            if (number_of(reply_) != number) [[unlikely]] {
                if (error_code const e = keep())
                    return failed<R>(e);
                continue;
            }
            if (kind_of_reply(reply_, index) == reply_kind::reply) [[likely]]
                return read<index, R>(reply_);
            if (error_code const e = hear_failure(index, text); e != errc::empty)
                return failed<R>(e);
        }
    }

    template <class R>
    result<sent<R>> take(std::uint64_t number, deadline until)
    {
        for (;;) {
            auto const w = std::find_if(outstanding_.begin(), outstanding_.end(), [&](waiting const& o) { return o.number == number; });
            if (w == outstanding_.end())
                return failed<sent<R>>(broken_ ? broken_ : make_error_code(errc::empty));  // taken or forgotten
            if (w->reply) {
                waiting done = std::move(*w);
                outstanding_.erase(w);
                if (kind_of_reply(*done.reply, done.index) == reply_kind::reply)
                    return read_any<sent<R>>(done.index, *done.reply);
                failure_ = std::move(done.failure);
                return failed<sent<R>>(errc::handler_failed);
            }
            error_code e = receive(until);
            if (!e)
                e = keep();
            if (e)
                return failed<sent<R>>(e);
        }
    }

private:
    // A reply that came before it was asked for.
    struct waiting {
        std::uint64_t number;
        std::size_t index;
        std::optional<reply_type> reply;
        std::string failure;
    };

    static deadline::clock::time_point moment(deadline d) noexcept
    {
        return deadline::clock::time_point(std::chrono::nanoseconds(d.nanoseconds()));
    }

    template <class Q>
    error_code send(Q const& request, deadline until)
    {
        if (broken_) [[unlikely]]
            return broken_;
        fill_frame<request_type, Interface::template index<Q>>(request_, next_, request);
        auto const done = connection_.send_until(request_, moment(until));
        if (!done) [[unlikely]]
            return done.error() == errc::no_receiver ? break_down(errc::server_gone) : done.error();
        next_ = (next_ + 1) & number_mask;
        return {};
    }

    error_code receive(deadline until)
    {
        if (broken_) [[unlikely]]
            return broken_;
        if (until.is_never()) [[likely]] {
            if (connection_.receive(reply_)) [[likely]]
                return {};
            return break_down(errc::server_gone);
        }
        auto got = connection_.receive_until(moment(until));
        if (got) {
            reply_ = std::move(*got);
            return {};
        }
        if (got.error() == errc::timed_out)
            return got.error();
        return break_down(got.error() == errc::closed ? make_error_code(errc::server_gone) : got.error());
    }

    // The reply that has come is not the one that is waited for.
    error_code keep()
    {
        std::uint64_t const number = number_of(reply_);
        auto const w = std::find_if(outstanding_.begin(), outstanding_.end(), [&](waiting const& o) { return o.number == number; });
        if (w == outstanding_.end()) {
            // Of one that was given up; what was never asked has no reply.
            if (number >= next_)
                return break_down(errc::peer_corrupt);
            ++late_;
            return {};
        }
        if (w->reply)
            return break_down(errc::peer_corrupt);
        auto const kind = kind_of_reply(reply_, w->index);
        if (kind == reply_kind::nonsense || (kind != reply_kind::reply && !add_failure_text(reply_, w->failure)))
            return break_down(errc::peer_corrupt);
        if (kind != reply_kind::part_of_failure)
            w->reply.emplace(std::move(reply_));
        return {};
    }

    // empty: there is more to come.
    [[gnu::noinline, gnu::cold]] error_code hear_failure(std::size_t index, std::string& text)
    {
        auto const kind = kind_of_reply(reply_, index);
        if (kind == reply_kind::nonsense || !add_failure_text(reply_, text))
            return break_down(errc::peer_corrupt);
        if (kind == reply_kind::part_of_failure)
            return errc::empty;
        failure_ = std::move(text);
        return errc::handler_failed;
    }

    template <std::size_t I, class R>
    result<R> read(reply_type& f)
    {
        auto r = read_frame<I, R>(f);
        if (!r) [[unlikely]]
            break_down(r.error());
        return r;
    }

    // The I-th, whose reply is an R, as whoever posted it knows.
    template <class R, std::size_t I = 0>
    result<R> read_any(std::size_t index, reply_type& f)
    {
        if constexpr (I == std::tuple_size_v<typename Interface::replies>) {
            return failed<R>(errc::malformed_message);
        } else {
            if constexpr (std::is_same_v<std::tuple_element_t<I, typename Interface::replies>, R>)
                if (index == I)
                    return read<I, R>(f);
            return read_any<R, I + 1>(index, f);
        }
    }

    [[gnu::noinline, gnu::cold]] error_code break_down(error_code const& why)
    {
        broken_ = why;
        (void)connection_.close();
        return why;
    }

    connection_type connection_;
    request_type request_{};
    reply_type reply_{};
    std::uint64_t next_ = 0;
    std::uint64_t late_ = 0;
    std::vector<waiting> outstanding_;
    std::string failure_;
    error_code broken_;
};

}  // namespace strait::detail

#endif
