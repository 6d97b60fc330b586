// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_SERIALIZATION_PROTOBUF_HPP
#define STRAIT_SERIALIZATION_PROTOBUF_HPP

#include <strait/detail/codec/class_name.hpp>
#include <strait/serialization/serializer.hpp>

#include <google/protobuf/message_lite.h>

#include <climits>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace strait {

/// Every message class that protoc generates can be sent, in Protobuf's own encoding; link protobuf::libprotobuf or
/// libprotobuf-lite. Nothing has to be registered.
///
/// The fingerprint is a hash of the name of the class: peers with another class are refused, peers with another version of
/// its fields are not, as Protobuf means it. Bytes that do not parse are errc::malformed_message, also where a required
/// field is missing; Protobuf checks lengths and nesting. Up to 2 GiB - 1 bytes. Thread safe.
template <std::derived_from<google::protobuf::MessageLite> T>
struct serializer<T> {
    /// What the format is called, for schemas.
    static constexpr char const* encoding = "protobuf";
    static constexpr std::uint64_t fingerprint = detail::hash_of_name<T>();

    static std::size_t size(T const& message)
    {
        std::size_t const bytes = message.ByteSizeLong();
        return bytes <= INT_MAX ? bytes : SIZE_MAX;  // which no transport takes
    }

    static void encode(T const& message, std::span<std::byte> out)
    {
        message.SerializePartialToArray(out.data(), static_cast<int>(out.size()));
    }

    static error_code decode(std::span<std::byte const> in, T& message)
    {
        if (in.size() > INT_MAX || !message.ParsePartialFromArray(in.data(), static_cast<int>(in.size())) ||
            !message.IsInitialized())  // asked here: a parser that looks for required fields writes to the log
            return errc::malformed_message;
        return {};
    }

    static result<T> decode(std::span<std::byte const> in) { return detail::decode_new<serializer, T>(in); }
};

}  // namespace strait

#endif
