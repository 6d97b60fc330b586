// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BOARD_HPP
#define STRAIT_BOARD_HPP

#include <strait/detail/broadcast/board.hpp>
#include <strait/detail/codec/codec.hpp>
#include <strait/detail/codec/members.hpp>
#include <strait/detail/host/leftovers.hpp>
#include <strait/detail/ring/receiver.hpp>
#include <strait/detail/ring/sender.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>
#include <strait/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace strait {

namespace detail {

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif

// Finds which member of the aggregate Member points to, by their addresses.
template <class S, auto Member>
struct find_member {
    template <class... All>
    constexpr std::size_t operator()(All const&... member) const
    {
        void const volatile* const wanted = std::addressof(imagined<S>::object.value.*Member);
        std::size_t i = 0;
        static_cast<void>(((static_cast<void const volatile*>(std::addressof(member)) != wanted && (++i, true)) && ...));
        return i;
    }
};

template <class S, auto Member>
consteval std::size_t member_number()
{
    return bind_members<member_count<S>()>(static_cast<S const&>(imagined<S>::object.value), find_member<S, Member>{});
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

template <class S, class T>
std::remove_const_t<T> type_of_member(T S::*);

template <std::size_t Largest, class... Member>
consteval auto cells_of(types<Member...>)
{
    return board_cells<Largest, codec<std::remove_const_t<Member>>::layout...>();
}

// What all keys of a board share, for board_geometry.
template <class S, std::size_t Largest>
struct board_of {
    static constexpr std::size_t largest = Largest;
    static constexpr auto cells = cells_of<Largest>(member_types<S>());
    static constexpr std::uint64_t fingerprint = codec<S>::layout.fingerprint ^ (Largest * 0x9e37'79b9'7f4a'7c15U);

    static message_type const& type()
    {
        static message_type const all = message_type_of<S>();
        return all;
    }
};

// A key of a board as a transport, of which only the ends of that key are made.
template <class S, std::size_t Key, std::size_t Largest, waiting_strategy Wait>
struct board_key {
    static constexpr transport_guarantees guarantees{
        .name = "board",
        .receivers = multiplicity::many,
        .delivery = delivery_mode::each_to_all,
        .reliable = false,
        .shows_present = true,
        .bounded = false,
        .committed_when = commit_point::stored,
    };

    using options = channel_options;
    using waiting = Wait;

    template <message_layout L>
    using geometry = board_geometry<board_of<S, Largest>, Key, L>;
    template <message_layout L>
    using sender_end = ring_sender<L, Wait, geometry<L>, board_writer<L, Largest>>;
    template <message_layout L>
    using receiver_end = ring_receiver<L, Wait, geometry<L>, board_reader<L, Largest>>;

    static result<void> remove(endpoint const& where) { return membership<lossy_mechanism>::remove(where); }
};

}  // namespace detail

/// A board: keys, each with its last value, that one process writes and others read again and again, also those that come later. S
/// is an aggregate whose members are the keys; each member's type is that of its values.
///
///     struct robot {
///         double battery;
///         position where;
///         std::string task;
///     };
///     using robot_board = strait::board<robot>;
///
///     robot_board::writer<&robot::battery> out{"robot"};   // in one process
///     out.send(0.8);
///
///     robot_board::reader<&robot::battery> in{"robot"};    // in others
///     if (auto now = in.current())                         // the value now, without waiting; nothing before the first
///         std::cout << *now;
///     while (auto next = in.receive())                     // the value now, then each newer one when it comes
///         std::cout << *next;
///
/// A writer is a strait::sender and a reader a strait::receiver, with all of their forms; `select` and async wait for readers as
/// for other receivers. Each key has one writer at a time: a second one is refused with errc::busy. Different keys may
/// be written by different processes. A board has up to 4,096 readers at a time, counted over its keys. Writing is wait-free and
/// looks at no reader. A reader copies, and copies once more only if the writer has written seven values meanwhile.
///
/// A value is the old one or the new one, never a part of both, also when its writer is killed at any moment; the next writer goes
/// on. The board goes when its last end has left, unless one was opened with options.keep; then its values stay until remove(). The
/// stream of a reader ends when all writers of the board have left, whatever their keys, and goes on when one comes;
/// current() shows the last value all the same. Of the options `keep`, `access` and `linger` have an effect.
///
/// Values of types that vary in size have up to `Largest` bytes, encoded; a larger one is refused with errc::message_too_large. A
/// key takes memory for eight values. Both sides must have the same S, member by member, and the same Largest: errc::type_mismatch.
/// `Wait` says how readers wait.
template <class S, std::size_t Largest = 1024, waiting_strategy Wait = adaptive>
class board {
    static_assert(std::is_aggregate_v<S>, "strait: the keys of a board are the members of a struct: board<S> takes an aggregate");
    static_assert(serializable<S>, "strait: each member of a board's struct must be a type that can be sent");
    static_assert(extensible<S> == 0, "strait: the struct of a board cannot be extensible, but the types of its members can");
    static_assert(!detail::codec<S>::layout.handles, "strait: a board cannot carry descriptors");

    template <auto Member>
    using key = detail::board_key<S, detail::member_number<S, Member>(), Largest, Wait>;
    template <auto Member>
    using value = decltype(detail::type_of_member<S>(Member));

public:
    /// Writes the values of a key: `board<robot>::writer<&robot::battery> out{"robot"}`, `out.send(0.8)`.
    template <auto Member>
    using writer = strait::sender<value<Member>, key<Member>>;

    /// Reads the values of a key: `board<robot>::reader<&robot::battery> in{"robot"}`, `in.current()`.
    template <auto Member>
    using reader = strait::receiver<value<Member>, key<Member>>;

    /// Removes the board of this name with its values. Success also when there is none.
    static result<void> remove(endpoint const& where) { return detail::membership<detail::lossy_mechanism>::remove(where); }
};

}  // namespace strait

#endif
