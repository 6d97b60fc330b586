// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_BLOCKING_CALLS_HPP
#define STRAIT_DETAIL_RPC_BLOCKING_CALLS_HPP

#include <strait/connection.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/frame_parser.hpp>
#include <strait/detail/rpc/outstanding_requests.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace strait::detail {

// The connection of a client whose thread waits for replies, and its requests. `Wait` says how long an operation waits: a
// deadline, or a stop token; a stopped operation reports timed_out. Distinct objects: safe. Shared objects: unsafe.
template <class Interface, class X>
class blocking_calls {
    using request_type = request_frame<Interface>;
    using reply_type = reply_frame<Interface>;
    // A reply that has come while another one was waited for.
    using requests = outstanding_requests<reply_type, std::optional<reply_type>>;
    using outcome = typename requests::outcome;
    template <class Q>
    using reply_to = typename Interface::template reply_to<Q>;
    template <class R>
    using sent = sent_reply<R>;

public:
    using connection_type = connection<request_type, reply_type, X>;

    explicit blocking_calls(connection_type c) : connection_(std::move(c)) {}

    connection_type& channel() noexcept { return connection_; }
    connection_type const& channel() const noexcept { return connection_; }
    std::string const& failure() const noexcept { return failure_; }
    std::uint64_t late() const noexcept { return requests_.late(); }
    std::uint64_t malformed() const noexcept { return requests_.malformed(); }

    // Sends a request. Returns its number.
    template <class Q, class Wait>
    result<std::uint64_t> post(Q const& request, Wait const& until)
    {
        std::uint64_t number = 0;
        if (error_code const e = send(request, until, number))
            return e;
        requests_.add(number, Interface::template index<Q>, std::nullopt);
        return number;
    }

    void forget(std::uint64_t number) { requests_.abandon(number); }

    // All that is outstanding fails with server_gone. adopt() makes this object good for calls again.
    void drop()
    {
        (void)break_down(errc::server_gone);
        requests_.take_all([](auto&) {});
        of_this_connection_ = requests_.draw();
    }
    void adopt(connection_type c)
    {
        connection_ = std::move(c);
        broken_ = {};
    }

    // Sends a request and waits for its reply.
    template <class Q, class Wait>
    result<sent<reply_to<Q>>> ask(Q const& request, Wait const& until)
    {
        constexpr std::size_t index = Interface::template index<Q>;
        using R = sent<reply_to<Q>>;
        std::uint64_t number = 0;
        if (error_code const e = send(request, until, number)) [[unlikely]]
            return failed<R>(e);
        error_code const e = receive(until);
        rpc_frame_parser<reply_type> const f(reply_);
        if (!e && f.number() == number && f.kind() == frame_kind::message && f.index() == index) [[likely]]
            return read<index, R>(reply_);
        return ask_on<R>(number, index, e, until);
    }

    // Waits for the reply to a request that was posted.
    template <class R, class Wait>
    result<sent<R>> take(std::uint64_t number, Wait const& until)
    {
        for (;;) {
            STRAIT_STEP();
            auto* const r = requests_.find(number);
            if (!r)
                return failed<sent<R>>(broken_ ? broken_ : number < of_this_connection_ ? errc::server_gone : errc::empty);  // taken or forgotten
            if (r->answered) {
                auto const index = r->index;
                std::optional<reply_type> reply = std::move(r->call);
                std::string text = std::move(r->failure);
                requests_.remove(number);
                if (reply)
                    return read_any<sent<R>>(index, *reply);
                failure_ = std::move(text);
                return failed<sent<R>>(errc::handler_failed);
            }
            error_code e = receive(until);
            if (!e)
                e = store();
            if (e)
                return failed<sent<R>>(e);
        }
    }

private:
    // The first frame was not simply the reply, or none has come: from here on it is a request like those that were posted.
    template <class R, class Wait>
    [[gnu::noinline, gnu::cold]] result<R> ask_on(std::uint64_t number, std::size_t index, error_code e, Wait const& until)
    {
        requests_.add(number, index, std::nullopt);
        if (!e)
            e = store();
        auto r = e ? failed<R>(e) : take<R>(number, until);
        if (!r)
            requests_.abandon(number);
        return r;
    }

    template <class Q, class Wait>
    error_code send(Q const& request, Wait const& until, std::uint64_t& number)
    {
        if (broken_) [[unlikely]]
            return broken_;
        number = requests_.draw();
        fill_frame<request_type, Interface::template index<Q>>(request_, number, request);
        error_code const e = put(until);
        if (e) [[unlikely]]  // replies that the server has sent before it went are still to be read
            return e == errc::no_receiver ? make_error_code(errc::server_gone) : e;
        return {};
    }

    error_code put(deadline until)
    {
        auto const done = connection_.send_until(request_, until);
        return done ? error_code() : done.error();
    }
    template <stoppable_token Stop>
    error_code put(Stop const& stop)
    {
        return unless_thrown([&] { return connection_.send(request_, stop) ? error_code() : make_error_code(errc::timed_out); });
    }

    template <class Wait>
    error_code receive(Wait const& until)
    {
        if (broken_) [[unlikely]]
            return broken_;
        error_code const e = get(until);
        if (!e || e == errc::timed_out || e == errc::empty) [[likely]]
            return e;
        return break_down(e == errc::closed ? make_error_code(errc::server_gone) : e);
    }

    error_code get(deadline until)
    {
        if (until.is_never()) [[likely]]
            return unless_thrown([&] { return connection_.receive(reply_) ? error_code() : make_error_code(errc::closed); });
        auto got = connection_.receive_until(until);
        if (!got)
            return got.error();
        reply_ = std::move(*got);
        return {};
    }
    template <stoppable_token Stop>
    error_code get(Stop const& stop)
    {
        return unless_thrown([&]() -> error_code {
            if (connection_.receive(reply_, stop))
                return {};
            return stop.stop_requested() ? errc::timed_out : errc::closed;
        });
    }

    template <class Do>
    static error_code unless_thrown(Do attempt)
    {
        try {
            return attempt();
        } catch (boost::system::system_error const& e) {
            return e.code();
        }
    }

    // Hands the frame that has come to its request.
    error_code store()
    {
        typename requests::request* whose = nullptr;
        outcome const o = requests_.receive(reply_, whose);
        if (o == outcome::malformed)
            return break_down(errc::malformed_message);
        if (o == outcome::reply)
            whose->call.emplace(std::move(reply_));
        return {};
    }

    template <std::size_t I, class R>
    result<R> read(reply_type& f)
    {
        auto r = read_frame<I, R>(f);
        if (!r) [[unlikely]] {
            requests_.count_malformed();
            break_down(r.error());
        }
        return r;
    }

    // The reply of this index, which is an R: that is in the type of the pending reply.
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
    requests requests_;
    std::string failure_;
    error_code broken_;
    std::uint64_t of_this_connection_ = 0;  // requests with lower numbers were sent over an earlier one
};

}  // namespace strait::detail

#endif
