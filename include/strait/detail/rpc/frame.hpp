// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RPC_FRAME_HPP
#define STRAIT_DETAIL_RPC_FRAME_HPP

#include <strait/detail/channel/ends.hpp>
#include <strait/error.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/serialization.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

// The frames of requests and replies, and how they are filled. Where all messages of one direction are sent as their bytes
// stand in memory, so is the frame: it is as large as the largest of them and 8 bytes more. Else it is a variant in the
// portable encoding.
//
// A request has a number, which its reply repeats. A frame holds one of the messages of its direction; a reply may instead
// hold the text, or a part of the text, of the exception that a handler has thrown. rpc_frame_parser reads them.
namespace strait::detail {

template <class Tuple>
inline constexpr bool all_sent_as_they_are = false;
template <class... T>
inline constexpr bool all_sent_as_they_are<std::tuple<T...>> = ((sent_as_it_is<T> || std::is_same_v<T, std::monostate>) && ...);

template <class T>
inline constexpr std::size_t plain_size = std::is_same_v<T, std::monostate> ? 0 : sizeof(T);

template <class Tuple>
inline constexpr std::size_t largest_plain = 0;
template <class... T>
inline constexpr std::size_t largest_plain<std::tuple<T...>> = (std::max({std::size_t{8}, plain_size<T>...}) + 7) / 8 * 8;

//  0 body: the message from its first byte, then zeroes; of a failure: u8 size, text   head: number << 16 | tag
//
// The message lies where a copy in words of 16 bytes reads what stores of 16 bytes have written: behind the head each word
// would have parts of two stores, which a core cannot forward.
template <class Interface, bool Replies>
struct plain_frame {
    using messages = std::conditional_t<Replies, typename Interface::replies, typename Interface::requests>;
    static constexpr bool is_reply = Replies;
    static constexpr std::uint64_t failed = 0xffff;       // the last part of a text
    static constexpr std::uint64_t failed_part = 0xfffe;  // more follows
    static constexpr std::size_t text_in_one = largest_plain<messages> - 1;

    std::array<std::byte, largest_plain<messages>> body;
    std::uint64_t head;
};

struct failure_text {
    std::string text;
};

template <class... T>
std::variant<failure_text, T...> failure_or(std::tuple<T...>);
template <class... T>
std::variant<T...> one_of(std::tuple<T...>);

template <class Interface, bool Replies>
struct coded_frame {
    using messages = std::conditional_t<Replies, typename Interface::replies, typename Interface::requests>;
    static constexpr bool is_reply = Replies;
    using content = std::conditional_t<Replies, decltype(failure_or(std::declval<typename Interface::replies>())),
                                       decltype(one_of(std::declval<typename Interface::requests>()))>;

    std::uint64_t number;
    content what;
};

template <class Interface, bool Replies>
using rpc_frame = std::conditional_t<
    all_sent_as_they_are<std::conditional_t<Replies, typename Interface::replies, typename Interface::requests>>,
    plain_frame<Interface, Replies>, coded_frame<Interface, Replies>>;

template <class Interface>
using request_frame = rpc_frame<Interface, false>;
template <class Interface>
using reply_frame = rpc_frame<Interface, true>;

// In bytes. The text of an exception that is longer is cut.
inline constexpr std::size_t longest_failure = 1024;

inline constexpr std::uint64_t number_mask = (std::uint64_t{1} << 48) - 1;

template <class F>
inline constexpr bool is_plain = requires(F f) { f.head; };

// Fills the frame with a message, which is the I-th of its direction. A coded frame may move it.
template <class F, std::size_t I, class T>
void fill_frame(F& f, std::uint64_t number, T&& message)
{
    using type = std::remove_cvref_t<T>;
    if constexpr (is_plain<F>) {
        f.head = number << 16 | I;
        constexpr std::size_t size = plain_size<type>;
        std::memcpy(f.body.data(), &message, size);
        std::memset(f.body.data() + size, 0, f.body.size() - size);
    } else {
        f.number = number;
        f.what.template emplace<I + F::is_reply>(std::forward<T>(message));
    }
}

template <class Tuple>
inline constexpr std::uint64_t fingerprint_of_all = 0;
template <class Tuple>
struct types_of_tuple;
template <class... T>
struct types_of_tuple<std::tuple<T...>> : std::type_identity<types<T...>> {};

template <class... T>
inline constexpr std::uint64_t fingerprint_of_all<std::tuple<T...>> = [] {
    std::uint64_t h = 0x7270'6366'7261'6d65U + sizeof...(T);
    for (std::uint64_t const part : {codec<T>::layout.fingerprint...})
        h = (h ^ part ^ (h >> 31)) * 0x9e37'79b9'7f4a'7c15U;
    return h;
}();

}  // namespace strait::detail

// Two interfaces may have the same bytes: the fingerprint is that of their messages.
template <class Interface, bool Replies>
struct strait::serializer<strait::detail::plain_frame<Interface, Replies>>
    : strait::builtin_serializer<strait::detail::plain_frame<Interface, Replies>> {
    static constexpr std::uint64_t fingerprint =
        strait::detail::fingerprint_of_all<typename strait::detail::plain_frame<Interface, Replies>::messages>;
    using described_parts =
        typename strait::detail::types_of_tuple<typename strait::detail::plain_frame<Interface, Replies>::messages>::type;
};

#endif
