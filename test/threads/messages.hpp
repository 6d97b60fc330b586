// Distributed under the Boost Software License, Version 1.0.
#ifndef THREADS_MESSAGES_HPP
#define THREADS_MESSAGES_HPP

#include <strait/transport.hpp>

#include <support/messages.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

// Messages as the bytes that ends and the two sides of a ring take and show.
namespace split {

template <class T>
constexpr strait::message_layout layout{sizeof(T), alignof(T), 1};
template <>
inline constexpr strait::message_layout layout<std::string>{0, 1, 2};

template <class T>
std::span<std::byte const> bytes_of(T const& message)
{
    if constexpr (std::is_same_v<T, std::string>)
        return std::as_bytes(std::span(message));
    else
        return std::as_bytes(std::span(&message, 1));
}

template <class T>
T message_in(std::span<std::byte const> shown)
{
    T message{};
    if constexpr (std::is_same_v<T, std::string>)
        message.assign(reinterpret_cast<char const*>(shown.data()), shown.size());
    else
        std::memcpy(&message, shown.data(), sizeof message);
    return message;
}

}  // namespace split

#endif
