// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_TYPED_HPP
#define CONFORMANCE_TYPED_HPP

#include <conformance/fixture.hpp>
#include <conformance/transports.hpp>

#include <strait/channel.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

// For tests about types, which are compiled for each transport: S is a subject of transports.hpp.
namespace conformance {

template <class S, class T = probe_of<S>>
using sender_of = strait::sender<T, typename S::transport>;

template <class S, class T = probe_of<S>>
using receiver_of = strait::receiver<T, typename S::transport>;

template <class S, class T = probe_of<S>>
using channel_of = strait::channel<T, typename S::transport>;

template <class S>
using options_of = typename S::transport::options;

template <class S>
inline constexpr strait::transport_guarantees guarantees_of = S::transport::guarantees;

/// Ends may be in different processes.
template <class S>
inline constexpr bool between_processes = strait::byte_transport<typename S::transport>;

/// The same transport as a value.
template <class S>
subject const& subject_of()
{
    constexpr auto index = []<std::size_t... I>(std::index_sequence<I...>) {
        return ((std::is_same_v<S, std::tuple_element_t<I, erased_subjects>> ? I : 0) + ...);
    }(std::make_index_sequence<std::tuple_size_v<erased_subjects>>());
    return all_subjects()[index];
}

/// Waits until the sender's messages can flow: the first operations may still have to connect both ends. For tests with
/// both ends in one thread, about what comes after that.
template <class S, class T = probe_of<S>>
void exchange_one(sender_of<S, T>& out, receiver_of<S, T>& in, std::uint64_t sequence = 0)
{
    out.send(make_message<T>(sequence));
    BOOST_REQUIRE(in.receive() == make_message<T>(sequence));
}

}  // namespace conformance

#endif
