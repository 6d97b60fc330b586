// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_PARSER_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_PARSER_HPP

#include <strait/detail/acknowledged/protocol.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

// What a sender of an acknowledged stream decides, on bytes and times that are passed in: there is no descriptor and no
// clock here.
namespace strait::detail {

// Takes the bytes that a receiver sends, in pieces of any size.
class acknowledgement_parser {
public:
    // Where the next bytes belong.
    std::span<std::byte> room() noexcept { return std::span(bytes_).subspan(held_); }
    void take(std::size_t bytes) noexcept { held_ += bytes; }

    // The next acknowledgement; nullopt: none has come as a whole, or what has come is none, and refusal() says what it
    // means.
    std::optional<acknowledgement> next() noexcept
    {
        acknowledgement a;
        if (held_ - at_ < sizeof a) {
            std::memmove(bytes_.data(), bytes_.data() + at_, held_ - at_);
            held_ -= std::exchange(at_, 0);
            return std::nullopt;
        }
        std::memcpy(&a, bytes_.data() + at_, sizeof a);
        if (!a.is_valid()) {
            refuse();
            return std::nullopt;
        }
        at_ += sizeof a;
        return a;
    }

    // The acknowledgement that next() has shown last cannot be: the receiver is corrupt.
    void refuse_last() noexcept
    {
        at_ -= sizeof(acknowledgement);
        refuse();
    }

    // What the receiver has said instead of an acknowledgement: why it refuses the stream, or peer_corrupt. No error:
    // nothing yet.
    errc refusal() const noexcept { return refusal_; }

    // What has come with the rejection that refusal() is from, and behind it.
    std::span<std::byte const> rejection() const noexcept { return std::span(bytes_).subspan(at_, held_ - at_); }

    // The next bytes are those of another connection.
    void reset() noexcept
    {
        held_ = at_ = 0;
        refusal_ = errc();
    }

private:
    void refuse() noexcept
    {
        stream_rejection r;
        std::memcpy(&r, bytes_.data() + at_, sizeof r);
        errc const said = r.reason();
        refusal_ = said == errc::no_receiver ? errc::peer_corrupt : said;
    }

    std::array<std::byte, 64 * sizeof(acknowledgement)> bytes_;
    std::size_t held_ = 0;
    std::size_t at_ = 0;  // of them, so many were shown
    errc refusal_ = errc();
};

// When to try the next connection: at once behind one that has brought an acknowledgement, else later each time.
class reconnect_schedule {
public:
    static constexpr std::int64_t shortest = 1'000'000;   // nanoseconds between two tries
    static constexpr std::int64_t longest = 250'000'000;

    bool is_due(std::int64_t now) const noexcept { return now >= due_; }
    std::int64_t due() const noexcept { return due_; }

    // A try has failed.
    void back_off(std::int64_t now) noexcept
    {
        due_ = now + pause_;
        pause_ = std::min(2 * pause_, longest);
    }
    // A receiver may have come: the next try is at once.
    void hurry() noexcept { due_ = 0; }
    // Something was acknowledged on this connection.
    void progress() noexcept { progress_ = true; }
    // The connection is over.
    void lost(std::int64_t now) noexcept
    {
        if (std::exchange(progress_, false)) {
            pause_ = shortest;
            due_ = 0;
        }
        else
            back_off(now);
    }

private:
    std::int64_t due_ = 0;
    std::int64_t pause_ = shortest;
    bool progress_ = false;
};

}  // namespace strait::detail

#endif
