// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_FLATBUFFERS_HPP
#define STRAIT_SERIALIZATION_FLATBUFFERS_HPP

#include <strait/detail/codec/class_name.hpp>
#include <strait/serialization/serializer.hpp>

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace strait {

/// Set it to true for a Table whose senders are trusted, to have borrow() show buffers in the memory of a ring, where
/// their sender could change them while they are read. That saves a copy, of about 100 us for 1 MB:
///
///     template <>
///     inline constexpr bool strait::trusted_flat_buffer<Order> = true;
template <class Table>
inline constexpr bool trusted_flat_buffer = false;

/// A finished FlatBuffer with a root of the generated class Table, as a message type:
///
///     builder.Finish(CreateOrder(builder, ...));
///     out.send(strait::flat_buffer<Order>(builder.Release()));
///
///     auto order = in.borrow();      // verified, not decoded
///     use((*order)->price());        // *order is an Order const*
///
/// receive() copies the buffer, borrow() does so only where its sender can still write to it, over transports with
/// guarantees.zero_copy: else a hostile sender could change an offset that was verified. trusted_flat_buffer<Table>
/// spares that copy. Both forms verify the buffer, and one that does not pass is errc::malformed_message. The verifier
/// makes sure that nothing points out of the buffer, not that every member is there, nor that the elements of a vector are
/// aligned: of a peer that is not trusted, copy numbers of 8 bytes from Vector::Data() with memcpy instead of looping over
/// them, since a compiler may make aligned loads of such a loop.
///
/// The fingerprint is a hash of the name of Table: peers with another table are refused, peers with another version of its
/// members are not, as FlatBuffers means it. An empty flat_buffer cannot be sent (errc::message_too_large). Members with
/// force_align above 8 are not supported.
///
/// Distinct objects: safe. Shared objects: unsafe, but to read. Move only.
template <class Table>
class flat_buffer {
public:
    flat_buffer() = default;

    /// Takes over what FlatBufferBuilder::Release() returns.
    explicit flat_buffer(flatbuffers::DetachedBuffer finished) : buffer_(std::move(finished)) {}

    /// The root; null if this is empty.
    Table const* get() const noexcept
    {
        return buffer_.size() == 0 ? nullptr : flatbuffers::GetRoot<Table>(buffer_.data());
    }
    Table const& operator*() const noexcept { return *get(); }   ///< undefined if this is empty
    Table const* operator->() const noexcept { return get(); }  ///< undefined if this is empty

    /// The buffer as it is sent, without a size before it.
    std::span<std::byte const> bytes() const noexcept { return std::as_bytes(std::span(buffer_.data(), buffer_.size())); }

private:
    flatbuffers::DetachedBuffer buffer_;
};

template <class Table>
struct serializer<flat_buffer<Table>> {
    using view_type = Table const*;
    /// What the format is called, for schemas.
    static constexpr char const* encoding = "FlatBuffers";
    static constexpr std::uint64_t fingerprint = detail::hash_of_name<Table>();
    static constexpr std::size_t alignment = 8;
    /// Whether a buffer may be read where its sender can still write to it.
    static constexpr bool reads_shared_memory = trusted_flat_buffer<Table>;

    static std::size_t size(flat_buffer<Table> const& message)
    {
        return message.get() ? message.bytes().size() : SIZE_MAX;  // which no transport takes
    }

    static void encode(flat_buffer<Table> const& message, std::span<std::byte> out)
    {
        auto const bytes = message.bytes();
        std::memcpy(out.data(), bytes.data(), bytes.size());
    }

    // As a part of another message it may lie anywhere, so it is verified where it was copied to.
    static result<flat_buffer<Table>> decode(std::span<std::byte const> in)
    {
        auto* const copy = new std::uint8_t[in.size() + 1];
        flatbuffers::DetachedBuffer buffer(nullptr, false, copy, in.size() + 1, copy, in.size());
        if (!in.empty())
            std::memcpy(copy, in.data(), in.size());
        flat_buffer<Table> message(std::move(buffer));
        if (error_code const e = validate(message.bytes()))
            return e;
        return message;
    }

    static error_code validate(std::span<std::byte const> in)
    {
        if (in.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)  // the verifier asserts it
            return errc::malformed_message;
        flatbuffers::Verifier verifier(reinterpret_cast<std::uint8_t const*>(in.data()), in.size());
        return verifier.VerifyBuffer<Table>(nullptr) ? error_code() : errc::malformed_message;
    }

    static view_type view(std::span<std::byte const> in) { return flatbuffers::GetRoot<Table>(in.data()); }
};

}  // namespace strait

#endif
