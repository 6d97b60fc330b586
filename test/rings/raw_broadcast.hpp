// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_RAW_BROADCAST_HPP
#define RINGS_RAW_BROADCAST_HPP

#include <rings/raw_ends.hpp>

#include <strait/transport/shm_broadcast.hpp>

#include <cstdint>
#include <string>

// The ends of rings whose messages go to every receiver, without the typed facade.
namespace cast {

using raw::deadline;
using raw::errc;
using raw::layout_of;
using raw::message_layout;
using raw::patiently;
using raw::receive;
using raw::segment;
using raw::send;
using raw::soon;

using lossy_ring = strait::shm_ring<strait::broadcast<strait::lossy>>;
using latest_ring = strait::shm_ring<strait::broadcast<strait::latest>>;
using lossless_ring = strait::shm_ring<strait::broadcast<strait::lossless>>;

template <class X, class T>
auto open_sender(std::string const& name, strait::channel_options const& how = {})
{
    return raw::sender<T, X>::open(name, how, "test").value();
}
template <class X, class T>
auto open_receiver(std::string const& name, strait::channel_options const& how = {})
{
    return raw::receiver<T, X>::open(name, how, "test").value();
}

template <class X, class T>
strait::error_code refusal_of_sender(std::string const& name, strait::channel_options const& how = {})
{
    auto const s = raw::sender<T, X>::open(name, how, "test");
    return s ? strait::error_code() : s.error();
}
template <class X, class T>
strait::error_code refusal_of_receiver(std::string const& name, strait::channel_options const& how = {})
{
    auto const r = raw::receiver<T, X>::open(name, how, "test");
    return r ? strait::error_code() : r.error();
}

// Of a receiver that has just received: the number of this message, if every message has been counted.
template <class Receiver>
std::uint64_t number_by_count(Receiver const& r)
{
    return r.stats().messages + r.stats().dropped - 1;
}

// Small rings, that are overwritten or full all the time.
template <class T>
strait::channel_options small()
{
    return {.capacity = std::is_same_v<T, std::string> ? 4096U : 16U};
}

}  // namespace cast

#endif
