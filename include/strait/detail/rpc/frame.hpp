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
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

// What travels for requests and replies. Where all of one direction are sent as they are, so is the frame: the largest of them and
// 8 bytes. Else it is a variant in the portable encoding.
//
// A request has a number, which its reply repeats. A frame is of one of the messages of its direction, or, of a reply, a
// part of what a handler has said when it threw.
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
    using messages = std::conditional_t<Replies, decltype(failure_or(std::declval<typename Interface::replies>())),
                                        decltype(one_of(std::declval<typename Interface::requests>()))>;

    std::uint64_t number;
    messages what;
};

template <class Interface, bool Replies>
using rpc_frame = std::conditional_t<
    all_sent_as_they_are<std::conditional_t<Replies, typename Interface::replies, typename Interface::requests>>,
    plain_frame<Interface, Replies>, coded_frame<Interface, Replies>>;

template <class Interface>
using request_frame = rpc_frame<Interface, false>;
template <class Interface>
using reply_frame = rpc_frame<Interface, true>;

// Handlers may say more than that; it is cut.
inline constexpr std::size_t longest_failure = 1024;

inline constexpr std::uint64_t number_mask = (std::uint64_t{1} << 48) - 1;

template <class F>
inline constexpr bool is_plain = requires(F f) { f.head; };

template <class F>
std::uint64_t number_of(F const& f) noexcept
{
    if constexpr (is_plain<F>)
        return f.head >> 16;
    else
        return f.number;
}

// Of a request: which one, at most one too many.
template <class F>
std::size_t tag_of(F const& f) noexcept
{
    if constexpr (is_plain<F>)
        return f.head & 0xffff;
    else
        return f.what.index();
}

// The frame of a message that is the I-th of its direction. A coded one may take it.
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
        constexpr bool replies = std::is_same_v<std::variant_alternative_t<0, typename F::messages>, failure_text>;
        f.number = number;
        f.what.template emplace<I + replies>(std::forward<T>(message));
    }
}

// The same back; malformed_message when these bytes are no T.
template <std::size_t I, class T, class F>
result<T> read_frame(F& f)
{
    if constexpr (is_plain<F>) {
        if constexpr (std::is_same_v<T, std::monostate>)
            return T{};
        else
            return codec<T>::decode(std::span<std::byte const>(f.body).first(sizeof(T)));
    } else {
        constexpr bool replies = std::is_same_v<std::variant_alternative_t<0, typename F::messages>, failure_text>;
        return result<T>{boost::system::in_place_value, std::get<I + replies>(std::move(f.what))};
    }
}

// Calls send(frame) for each of the frames that say what a handler has said.
template <class F, class Send>
void send_failure(std::uint64_t number, std::string_view text, Send send)
{
    text = text.substr(0, longest_failure);
    if constexpr (is_plain<F>) {
        do {
            F f;
            auto const part = text.substr(0, std::min<std::size_t>(F::text_in_one, 255));
            text.remove_prefix(part.size());
            f.head = number << 16 | (text.empty() ? F::failed : F::failed_part);
            f.body.fill(std::byte{0});
            f.body[0] = static_cast<std::byte>(part.size());
            std::memcpy(f.body.data() + 1, part.data(), part.size());
            send(f);
        } while (!text.empty());
    } else {
        F f{number, {}};
        f.what.template emplace<0>(failure_text{std::string(text)});
        send(f);
    }
}

// What a frame of a reply is to whoever waits for the reply to the I-th request.
enum class reply_kind : std::uint8_t { reply, failure, part_of_failure, nonsense };

template <class F>
reply_kind kind_of_reply(F const& f, std::size_t wanted) noexcept
{
    if constexpr (is_plain<F>) {
        std::uint64_t const tag = f.head & 0xffff;
        return tag == wanted             ? reply_kind::reply
               : tag == F::failed        ? reply_kind::failure
               : tag == F::failed_part   ? reply_kind::part_of_failure
                                         : reply_kind::nonsense;
    } else {
        return f.what.index() == wanted + 1 ? reply_kind::reply
               : f.what.index() == 0        ? reply_kind::failure
                                            : reply_kind::nonsense;
    }
}

// The text that it carries, of a failure or a part of one, is added. False: nonsense.
template <class F>
bool add_failure_text(F const& f, std::string& text)
{
    if constexpr (is_plain<F>) {
        std::size_t const size = std::to_integer<std::size_t>(f.body[0]);
        if (size > F::text_in_one || text.size() + size > longest_failure)
            return false;
        text.append(reinterpret_cast<char const*>(f.body.data()) + 1, size);
    } else {
        text = std::get<0>(f.what).text.substr(0, longest_failure);
    }
    return true;
}

template <class Tuple>
inline constexpr std::uint64_t fingerprint_of_all = 0;
template <class... T>
inline constexpr std::uint64_t fingerprint_of_all<std::tuple<T...>> = [] {
    std::uint64_t h = 0x7270'6366'7261'6d65U + sizeof...(T);
    for (std::uint64_t const part : {codec<T>::layout.fingerprint...})
        h = (h ^ part ^ (h >> 31)) * 0x9e37'79b9'7f4a'7c15U;
    return h;
}();

}  // namespace strait::detail

// The bytes alone would not tell two interfaces apart.
template <class Interface, bool Replies>
struct strait::serializer<strait::detail::plain_frame<Interface, Replies>>
    : strait::builtin_serializer<strait::detail::plain_frame<Interface, Replies>> {
    static constexpr std::uint64_t fingerprint =
        strait::detail::fingerprint_of_all<typename strait::detail::plain_frame<Interface, Replies>::messages>;
};

#endif
