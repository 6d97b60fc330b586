// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_FRAME_HPP
#define STRAIT_DETAIL_RPC_FRAME_HPP

#include <strait/detail/codec/codec.hpp>
#include <strait/error.hpp>
#include <strait/serialization.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

// The frames of requests and replies. They are the same for every interface, so that programs with different versions of an
// interface can talk to each other: what a request is and which types it has is said by its id (rpc/request_id.hpp).
//
//   request   body: the message, as its codec encodes it     id u64    head u64: number << 16 | kind
//   reply     body, as the kind says                         head u64: number << 16 | kind
//
// A request has a number, which its reply repeats. Numbers are in the byte order of the machine, which both ends compare when
// they connect.
namespace strait::detail {

// Bytes whose memory is used again, and is part of the object while they are few. More than 1 MiB is given back when much less is
// needed.
// Distinct objects: safe. Shared objects: safe for reading.
class frame_bytes {
public:
    frame_bytes() noexcept {}
    frame_bytes(frame_bytes const& other) { assign(other.view()); }
    frame_bytes(frame_bytes&& other) noexcept { take(other); }
    frame_bytes& operator=(frame_bytes const& other)
    {
        if (this != &other)
            assign(other.view());
        return *this;
    }
    frame_bytes& operator=(frame_bytes&& other) noexcept
    {
        if (this != &other)
            take(other);
        return *this;
    }
    ~frame_bytes() = default;

    // So many bytes, with any values.
    std::span<std::byte> resize(std::size_t size)
    {
        if (capacity_ > most_unused && size < capacity_ / 8) [[unlikely]] {
            large_.reset();
            capacity_ = 0;
        }
        if (size > (large_ ? capacity_ : in_the_object)) [[unlikely]] {
            large_ = std::make_unique_for_overwrite<std::byte[]>(size);
            capacity_ = size;
        }
        size_ = size;
        return {large_ ? large_.get() : small_, size};
    }
    void assign(std::span<std::byte const> bytes)
    {
        auto const room = resize(bytes.size());
        if (!bytes.empty())
            std::memcpy(room.data(), bytes.data(), bytes.size());
    }
    void assign(std::string_view text) { assign(std::as_bytes(std::span(text))); }

    std::span<std::byte const> view() const noexcept { return {large_ ? large_.get() : small_, size_}; }
    std::string_view text() const noexcept { return {reinterpret_cast<char const*>(view().data()), size_}; }

private:
    static constexpr std::size_t in_the_object = 112;
    static constexpr std::size_t most_unused = std::size_t{1} << 20;

    void take(frame_bytes& other) noexcept
    {
        large_ = std::move(other.large_);
        capacity_ = std::exchange(other.capacity_, 0);
        size_ = std::exchange(other.size_, 0);
        if (!large_)
            std::memcpy(small_, other.small_, size_);
    }

    std::size_t size_ = 0;
    std::size_t capacity_ = 0;  // of large_
    std::unique_ptr<std::byte[]> large_;
    alignas(16) std::byte small_[in_the_object];
};

enum class request_kind : std::uint16_t {
    call,   // body: the request
    types,  // body: the schema of the types of the request with this id, to which members may have been appended; it gets no reply
};

enum class reply_kind : std::uint16_t {
    message,  // body: the reply
    failure,  // body: the text of what the handler has thrown, or why the reply cannot be sent
    unknown,  // body: u8, 1 if a request of this name is known with other types; then the schema of these, which may be missing
};

inline constexpr std::uint64_t number_mask = (std::uint64_t{1} << 48) - 1;

// In bytes. The text of an exception that is longer is cut.
inline constexpr std::size_t longest_failure = 1024;

// A frame that a client sends. Distinct objects: safe. Shared objects: safe for reading.
struct rpc_request {
    using kind_type = request_kind;
    static constexpr std::uint16_t kinds = 2;
    static constexpr bool has_id = true;

    std::uint64_t number() const noexcept { return head >> 16; }
    request_kind kind() const noexcept { return static_cast<request_kind>(head & 0xffff); }

    frame_bytes body;
    std::uint64_t id = 0;
    std::uint64_t head = 0;
};

// A frame that a server sends. Distinct objects: safe. Shared objects: safe for reading.
struct rpc_reply {
    using kind_type = reply_kind;
    static constexpr std::uint16_t kinds = 3;
    static constexpr bool has_id = false;

    std::uint64_t number() const noexcept { return head >> 16; }
    reply_kind kind() const noexcept { return static_cast<reply_kind>(head & 0xffff); }
    // Of a failure.
    std::string_view text() const noexcept { return body.text().substr(0, longest_failure); }

    frame_bytes body;
    std::uint64_t head = 0;
};

template <class Kind>
constexpr std::uint64_t frame_head(std::uint64_t number, Kind k) noexcept
{
    return number << 16 | static_cast<std::uint16_t>(k);
}

// message_too_large: it has no encoding. Throws what its serializer throws.
template <class T>
error_code encode_body(T const& message, frame_bytes& to)
{
    if constexpr (std::is_same_v<T, std::monostate>) {
        (void)to.resize(0);
    } else {
        std::size_t const size = codec<T>::size(message);
        if (size == unencodable) [[unlikely]]
            return errc::message_too_large;
        codec<T>::encode(message, to.resize(size));
    }
    return {};
}

// malformed_message: its bytes are no T.
template <class T>
result<T> decode_body(frame_bytes const& from)
{
    if constexpr (std::is_same_v<T, std::monostate>) {
        if (from.view().empty())
            return T{};
        return errc::malformed_message;
    } else {
        return codec<T>::decode(from.view());
    }
}

// The encoding of both kinds of frames, which the codec of a channel uses. A frame whose kind is none is malformed.
template <class Frame>
struct frame_serializer {
    static constexpr std::size_t trailer = Frame::has_id ? 16 : 8;
    static constexpr std::uint64_t fingerprint = Frame::has_id ? 0x7270'6371'7565'0001U : 0x7270'6372'6570'0001U;
    static constexpr char const* encoding = "strait rpc 1";
    static constexpr bool reads_shared_memory = true;  // it copies what it reads, once

    static std::size_t size(Frame const& f) noexcept { return f.body.view().size() + trailer; }

    static void encode(Frame const& f, std::span<std::byte> out) noexcept
    {
        auto const body = f.body.view();
        if (!body.empty())
            std::memcpy(out.data(), body.data(), body.size());
        std::byte* const at = out.data() + body.size();
        if constexpr (Frame::has_id)
            std::memcpy(at, &f.id, 8);
        std::memcpy(at + trailer - 8, &f.head, 8);
    }

    static error_code decode(std::span<std::byte const> in, Frame& f)
    {
        if (in.size() < trailer) [[unlikely]]
            return errc::malformed_message;
        std::size_t const size = in.size() - trailer;
        if constexpr (Frame::has_id)
            std::memcpy(&f.id, in.data() + size, 8);
        std::memcpy(&f.head, in.data() + in.size() - 8, 8);
        if ((f.head & 0xffff) >= Frame::kinds) [[unlikely]]
            return errc::malformed_message;
        f.body.assign(in.first(size));
        return {};
    }

    static result<Frame> decode(std::span<std::byte const> in)
    {
        result<Frame> f{std::in_place};
        if (error_code const e = decode(in, *f)) [[unlikely]]
            return e;
        return f;
    }
};

}  // namespace strait::detail

template <>
struct strait::serializer<strait::detail::rpc_request> : strait::detail::frame_serializer<strait::detail::rpc_request> {};
template <>
struct strait::serializer<strait::detail::rpc_reply> : strait::detail::frame_serializer<strait::detail::rpc_reply> {};

#endif
