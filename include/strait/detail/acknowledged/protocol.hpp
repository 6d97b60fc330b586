// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_PROTOCOL_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_PROTOCOL_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <sys/random.h>

// What acknowledged streams add to frame/protocol.hpp: behind the greeting the sender says which session the connection
// carries on, and the receiver answers with records of 16 bytes: acknowledgements, and a rejection at most.
namespace strait::detail {

// Identifies one sender's stream, across all the connections that carry it. It is random, so that no stranger can take part.
using session_id = std::array<std::uint64_t, 2>;

inline error_code draw_session_id(session_id& id) noexcept
{
    bool const drawn = ::getrandom(id.data(), sizeof id, 0) == static_cast<::ssize_t>(sizeof id);
    return drawn ? error_code() : last_failure();
}

//  0 id[2]  16 first  24 unused
struct session_claim {
    session_id id{};
    std::uint64_t first = 0;  // how many messages of the session come before the first one on this connection
    std::uint64_t unused = 0;
};
static_assert(sizeof(session_claim) == 32 && offsetof(session_claim, first) == 16 && std::is_trivially_copyable_v<session_claim>);

//  0 magic   8 consumed
struct acknowledgement {
    static constexpr std::uint64_t of_messages = 0x6163'6b6e'6f77'6c65U;
    static constexpr std::uint64_t of_the_end = 0x6163'6b65'6e64'6564U;  // and of the end frame behind them

    std::uint64_t magic = of_messages;
    std::uint64_t consumed = 0;  // messages of the session, from its beginning

    bool is_valid() const noexcept { return magic == of_messages || magic == of_the_end; }
    friend bool operator==(acknowledgement const&, acknowledgement const&) = default;
};
static_assert(sizeof(acknowledgement) == 16 && sizeof(stream_rejection) == 16);

// The claim that a connection has behind its greeting.
inline session_claim claim_of(std::span<std::byte const, sizeof(session_claim)> bytes) noexcept
{
    session_claim c;
    std::memcpy(&c, bytes.data(), sizeof c);
    return c;
}

}  // namespace strait::detail

#endif
