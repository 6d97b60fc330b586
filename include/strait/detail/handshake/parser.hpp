// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_PARSER_HPP
#define STRAIT_DETAIL_HANDSHAKE_PARSER_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/handshake/protocol.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

// The two sides of a handshake as functions on bytes, which come in pieces of any size. There is no descriptor in here:
// the caller writes into room() what it reads and says with take() how much that was. Bytes behind the last step are never
// asked for: they belong to the ends of the connection.
namespace strait::detail {

// Collects one object of a fixed size.
template <class T>
class collected {
public:
    std::span<std::byte> room() noexcept { return std::span(bytes_).subspan(size_); }
    void take(std::size_t bytes) noexcept { size_ += bytes; }
    bool is_whole() const noexcept { return size_ == bytes_.size(); }
    std::size_t size() const noexcept { return size_; }

    T get() const noexcept
    {
        T object;
        std::memcpy(static_cast<void*>(&object), bytes_.data(), sizeof object);
        return object;
    }

private:
    std::array<std::byte, sizeof(T)> bytes_{};
    std::size_t size_ = 0;
};

enum class handshake_progress : std::uint8_t {
    waits,     // for more bytes
    complete,  // the step is done
    failed,    // refusal() says why
};

// What an acceptor hears from a client: first a greeting, then, once the acceptor has answered it, the word that the
// client has joined both channels.
class server_handshake_parser {
public:
    using progress = handshake_progress;

    // A client that is in the middle of it: it was accepted in another process.
    static server_handshake_parser behind_the_greeting() noexcept
    {
        server_handshake_parser p;
        p.greeted_ = true;
        return p;
    }

    bool is_greeted() const noexcept { return greeted_; }

    std::span<std::byte> room() noexcept { return greeted_ ? word_.room() : greeting_.room(); }
    void take(std::size_t bytes) noexcept { greeted_ ? word_.take(bytes) : greeting_.take(bytes); }

    // Whether the client has greeted as it must. `admitted`: the listener admits its identity.
    progress greet(stream_greeting const& wanted, bool admitted) noexcept
    {
        if (!greeting_.is_whole())
            return progress::waits;
        refusal_ = admitted ? greeting_.get().check(wanted) : make_error_code(errc::refused);
        greeted_ = !refusal_;
        return greeted_ ? progress::complete : progress::failed;
    }

    // Whether the client has joined both channels.
    progress join() const noexcept
    {
        if (!word_.is_whole())
            return progress::waits;
        return word_.get() == handshake_joined ? progress::complete : progress::failed;
    }

    // Why the greeting is refused.
    error_code const& refusal() const noexcept { return refusal_; }

private:
    collected<stream_greeting> greeting_;
    collected<unsigned char> word_;
    error_code refusal_;
    bool greeted_ = false;
};

// What a client hears from an acceptor: first the answer to its greeting, then the word that the connection is complete.
class client_handshake_parser {
public:
    using progress = handshake_progress;

    std::span<std::byte> room() noexcept { return answered_ ? word_.room() : answer_.room(); }
    void take(std::size_t bytes) noexcept { answered_ ? word_.take(bytes) : answer_.take(bytes); }

    // Whether the acceptor takes the client; if so, number() is that of its channels.
    progress welcome() noexcept
    {
        if (!answer_.is_whole())
            return progress::waits;
        refusal_ = refusal_of(answer_.get());
        answered_ = !refusal_;
        return answered_ ? progress::complete : progress::failed;
    }

    // Whether the acceptor has joined both channels, too.
    progress complete() noexcept
    {
        if (!word_.is_whole())
            return progress::waits;
        bool const right = word_.get() == handshake_complete;
        refusal_ = right ? error_code() : make_error_code(errc::untrusted_object);
        return right ? progress::complete : progress::failed;
    }

    // The other side has closed, in the middle of a step. What it has sent before may be the rejection of the receiver of
    // a plain channel, which listens there instead of an acceptor.
    void end() noexcept
    {
        refusal_ = errc::no_receiver;
        bool const rejection = answer_.size() >= sizeof(stream_rejection) && answer_.get().magic == stream_rejection::magic_value;
        if (!answered_ && rejection)
            refusal_ = refusal_of(answer_.get());
    }

    std::uint64_t number() const noexcept { return answer_.get().number; }
    bool is_served_elsewhere() const noexcept { return answer_.get().elsewhere != 0; }

    // Why a step has failed.
    error_code const& refusal() const noexcept { return refusal_; }

private:
    // The rejection of a plain channel's receiver may be followed by its schema, and so be as long as an answer.
    static error_code refusal_of(handshake_answer const& said) noexcept
    {
        stream_rejection r;
        r.magic = said.magic;
        r.why = said.why;
        return said.magic == stream_rejection::magic_value ? make_error_code(r.reason()) : said.refusal();
    }

    collected<handshake_answer> answer_;
    collected<unsigned char> word_;
    error_code refusal_;
    bool answered_ = false;
};

}  // namespace strait::detail

#endif
