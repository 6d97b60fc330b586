// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_BLOCKING_CALLS_HPP
#define STRAIT_DETAIL_RPC_BLOCKING_CALLS_HPP

#include <strait/connection.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/rpc/frame.hpp>
#include <strait/detail/rpc/outstanding_requests.hpp>
#include <strait/detail/rpc/refused_requests.hpp>
#include <strait/detail/rpc/request_id.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strait::detail {

// The connection of a client whose thread waits for replies, and its requests. `Wait` says how long an operation waits: a
// deadline, or a stop token; a stopped operation reports timed_out. Distinct objects: safe. Shared objects: unsafe.
template <class X>
class blocking_calls {
    // A reply that has come while another one was waited for.
    using requests = outstanding_requests<std::optional<rpc_reply>>;
    using outcome = typename requests::outcome;

public:
    using connection_type = connection<rpc_request, rpc_reply, X>;

    explicit blocking_calls(connection_type c) : connection_(std::move(c)) {}

    connection_type& channel() noexcept { return connection_; }
    connection_type const& channel() const noexcept { return connection_; }
    std::string const& failure() const noexcept { return failure_; }
    std::uint64_t late() const noexcept { return requests_.late(); }
    std::uint64_t malformed() const noexcept { return requests_.malformed(); }

    // Sends a request. Returns its number.
    template <class Q, class Wait>
    result<std::uint64_t> post(request_key const& key, Q const& request, Wait const& until)
    {
        std::uint64_t number = 0;
        if (error_code const e = send(key, request, until, number))
            return e;
        requests_.add(number, key, std::nullopt);
        return number;
    }

    void forget(std::uint64_t number) { requests_.abandon(number); }

    // All that is outstanding fails with server_gone. adopt() makes this object good for calls again.
    void drop()
    {
        (void)break_down(errc::server_gone);
        requests_.take_all([](auto&) {});
        shown_.clear();
        of_this_connection_ = requests_.draw();
    }
    void adopt(connection_type c)
    {
        connection_ = std::move(c);
        broken_ = {};
    }

    // Sends a request and waits for its reply, an R.
    template <class R, class Q, class Wait>
    result<R> ask(request_key const& key, Q const& request, Wait const& until)
    {
        std::uint64_t number = 0;
        if (error_code const e = send(key, request, until, number)) [[unlikely]]
            return failed<R>(e);
        error_code const e = receive(until);
        if (!e && reply_.head == frame_head(number, reply_kind::message)) [[likely]]
            return read<R>(reply_);
        return ask_on<R>(number, key, e, until);
    }

    // Waits for the reply to a request that was posted.
    template <class R, class Wait>
    result<R> take(std::uint64_t number, Wait const& until)
    {
        for (;;) {
            STRAIT_STEP();
            auto* const r = requests_.find(number);
            if (!r)
                return failed<R>(broken_ ? broken_ : number < of_this_connection_ ? errc::server_gone : errc::empty);  // taken or forgotten
            if (r->answered) {
                std::optional<rpc_reply> reply = std::move(r->call);
                call_failure failure = std::move(r->failure);
                requests_.remove(number);
                if (reply)
                    return read<R>(*reply);
                failure_ = std::move(failure.text);
                return failed<R>(failure.code);
            }
            error_code e = receive(until);
            if (!e)
                e = store();
            if (e)
                return failed<R>(e);
        }
    }

private:
    // The first frame was not simply the reply, or none has come: from here on it is a request like those that were posted.
    template <class R, class Wait>
    [[gnu::noinline, gnu::cold]] result<R> ask_on(std::uint64_t number, request_key const& key, error_code e, Wait const& until)
    {
        requests_.add(number, key, std::nullopt);
        if (!e)
            e = store();
        auto r = e ? failed<R>(e) : take<R>(number, until);
        if (!r)
            requests_.abandon(number);
        return r;
    }

    template <class Q, class Wait>
    error_code send(request_key const& key, Q const& request, Wait const& until, std::uint64_t& number)
    {
        if (broken_) [[unlikely]]
            return broken_;
        if (key.grows)
            if (error_code const e = show_types(key, until)) [[unlikely]]
                return e;
        if (error_code const e = encode_body(request, request_.body)) [[unlikely]]
            return e;
        number = requests_.draw();
        request_.id = key.id;
        request_.head = frame_head(number, request_kind::call);
        error_code const e = put(request_, until);
        if (e) [[unlikely]]  // replies that the server has sent before it went are still to be read
            return e == errc::no_receiver ? make_error_code(errc::server_gone) : e;
        return {};
    }

    // Says, once for each connection, what types a request has to which members may have been appended. Where that is larger than the
    // channel takes, it is left out.
    template <class Wait>
    error_code show_types(request_key const& key, Wait const& until)
    {
        if (std::find(shown_.begin(), shown_.end(), &key) != shown_.end()) [[likely]]
            return {};
        error_code const e = put(types_frame(key), until);
        if (e && e != errc::message_too_large)
            return e == errc::no_receiver ? make_error_code(errc::server_gone) : e;
        shown_.push_back(&key);
        return {};
    }

    error_code put(rpc_request const& f, deadline until)
    {
        auto const done = connection_.send_until(f, until);
        return done ? error_code() : done.error();
    }
    template <stoppable_token Stop>
    error_code put(rpc_request const& f, Stop const& stop)
    {
        return unless_thrown([&] { return connection_.send(f, stop) ? error_code() : make_error_code(errc::timed_out); });
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
        auto const got = connection_.in().receive_batch_until({&reply_, 1}, until);
        return got ? error_code() : got.error();
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

    template <class R>
    result<R> read(rpc_reply const& f)
    {
        auto r = decode_body<R>(f.body);
        if (!r) [[unlikely]] {
            requests_.count_malformed();
            break_down(r.error());
        }
        return r;
    }

    [[gnu::noinline, gnu::cold]] error_code break_down(error_code const& why)
    {
        broken_ = why;
        (void)connection_.close();
        return why;
    }

    connection_type connection_;
    rpc_request request_;
    rpc_reply reply_;
    requests requests_;
    std::vector<request_key const*> shown_;  // whose types were said over this connection
    std::string failure_;
    error_code broken_;
    std::uint64_t of_this_connection_ = 0;  // requests with lower numbers were sent over an earlier one
};

}  // namespace strait::detail

#endif
