// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_ENDS_HPP
#define RINGS_ENDS_HPP

#include "raw_ends.hpp"

#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

// Ends of rings of every topology as objects of one type, so that each topology is compiled once for each message layout
// (ends_spsc.cpp and the like), and a test once.
namespace rings {

using raw::deadline;
using raw::errc;
using raw::file_of;
using raw::layout_of;
using raw::look;
using raw::message_layout;
using raw::patiently;
using raw::receive;
using raw::result;
using raw::send;
using raw::soon;
using strait::channel_options;

using spsc = strait::shm_ring<strait::spsc>;
using mpsc = strait::shm_ring<strait::mpsc>;
using mpmc = strait::shm_ring<strait::mpmc>;
using lossless = strait::shm_ring<strait::broadcast<strait::lossless>>;
using lossy = strait::shm_ring<strait::broadcast<strait::lossy>>;
using latest = strait::shm_ring<strait::broadcast<strait::latest>>;

using all_topologies = std::tuple<spsc, mpsc, mpmc, lossless, lossy, latest>;
using but_latest = std::tuple<spsc, mpsc, mpmc, lossless, lossy>;  // every receiver gets more than the newest message
using reliable = std::tuple<spsc, mpsc, mpmc, lossless>;
using retained = std::tuple<spsc, mpsc, mpmc>;                     // unread messages outlive their receiver
using broadcasts = std::tuple<lossless, lossy, latest>;
using in_place = std::tuple<spsc, mpsc, lossless>;                 // messages are read where they were written
using resumed = std::tuple<spsc, mpsc>;                            // the next receiver goes on where the last one was

template <class X>
inline constexpr bool many_senders = X::guarantees.senders == strait::multiplicity::many;
template <class X>
inline constexpr bool many_receivers = X::guarantees.receivers == strait::multiplicity::many;

struct sender_interface {
    virtual ~sender_interface() = default;
    virtual std::unique_ptr<sender_interface> moved() = 0;
    virtual void assign(sender_interface& from) = 0;
    virtual result<std::span<std::byte>> reserve(std::size_t size, deadline until) = 0;
    virtual void commit(std::size_t used) = 0;
    virtual result<void> flush(deadline until) = 0;
    virtual result<void> close(deadline until) = 0;
    virtual strait::channel_stats stats() const = 0;
};

struct receiver_interface {
    virtual ~receiver_interface() = default;
    virtual std::unique_ptr<receiver_interface> moved() = 0;
    virtual void assign(receiver_interface& from) = 0;
    virtual result<std::span<std::byte const>> peek(deadline until) = 0;
    virtual void release() = 0;
    virtual bool has_message() const = 0;  // true of a receiver that has no such function
    virtual strait::end_reason ended() const = 0;
    virtual result<void> close(deadline until) = 0;
    virtual strait::channel_stats stats() const = 0;
};

/// An end that moves as the end in it does: what was moved from holds an end that was moved from.
template <class Interface>
class any_end {
public:
    explicit any_end(std::unique_ptr<Interface> end) : end_(std::move(end)) {}
    any_end(any_end&& other) : end_(other.end_->moved()) {}
    any_end& operator=(any_end&& other)
    {
        end_->assign(*other.end_);
        return *this;
    }

    result<void> close(deadline until) { return end_->close(until); }
    strait::channel_stats stats() const { return end_->stats(); }

protected:
    std::unique_ptr<Interface> end_;
};

class sender : public any_end<sender_interface> {
public:
    using any_end::any_end;
    result<std::span<std::byte>> reserve(std::size_t size, deadline until) { return end_->reserve(size, until); }
    void commit(std::size_t used) { end_->commit(used); }
    result<void> flush(deadline until) { return end_->flush(until); }
};

class receiver : public any_end<receiver_interface> {
public:
    using any_end::any_end;
    result<std::span<std::byte const>> peek(deadline until) { return end_->peek(until); }
    void release() { end_->release(); }
    bool has_message() const { return end_->has_message(); }
    strait::end_reason ended() const { return end_->ended(); }
};

struct pair_interface {
    virtual ~pair_interface() = default;
    virtual result<rings::sender> take_sender() = 0;
    virtual result<rings::receiver> take_receiver() = 0;
    virtual result<std::pair<rings::sender, rings::receiver>> split() = 0;
};
using pair = std::unique_ptr<pair_interface>;

/// What makes the ends of a ring whose messages have this layout.
struct maker {
    message_layout layout;
    result<sender> (*open_sender)(std::string const& where, channel_options const& how);
    result<receiver> (*open_receiver)(std::string const& where, channel_options const& how);
    result<pair> (*make_pair)(channel_options const& how);
};

/// All of transport X. Each program defines those that it uses.
template <class X>
std::span<maker const> makers();

template <>
std::span<maker const> makers<spsc>();
template <>
std::span<maker const> makers<mpsc>();
template <>
std::span<maker const> makers<mpmc>();
template <>
std::span<maker const> makers<lossless>();
template <>
std::span<maker const> makers<lossy>();
template <>
std::span<maker const> makers<latest>();

template <class X>
maker const& maker_of(message_layout const& layout)
{
    for (maker const& m : makers<X>())
        if (m.layout == layout)
            return m;
    throw std::logic_error(std::string("no ends of this layout were compiled for ") + X::guarantees.name);
}

template <class X, class T>
result<sender> try_sender(std::string const& where, channel_options const& how = {})
{
    return maker_of<X>(layout_of<T>).open_sender(where, how);
}
template <class X, class T>
result<receiver> try_receiver(std::string const& where, channel_options const& how = {})
{
    return maker_of<X>(layout_of<T>).open_receiver(where, how);
}
template <class X, class T>
result<pair> try_pair(channel_options const& how = {})
{
    return maker_of<X>(layout_of<T>).make_pair(how);
}

template <class X, class T>
sender open_sender(std::string const& where, channel_options const& how = {})
{
    return try_sender<X, T>(where, how).value();
}
template <class X, class T>
receiver open_receiver(std::string const& where, channel_options const& how = {})
{
    return try_receiver<X, T>(where, how).value();
}

/// Both ends of a nameless ring, over one mapping.
template <class X, class T>
std::pair<sender, receiver> make_ends(channel_options const& how = {})
{
    return try_pair<X, T>(how).value()->split().value();
}

/// Why no end can be opened; success when one was.
template <class X, class T>
strait::error_code refusal_of_sender(std::string const& where, channel_options const& how = {})
{
    auto const s = try_sender<X, T>(where, how);
    return s ? strait::error_code() : s.error();
}
template <class X, class T>
strait::error_code refusal_of_receiver(std::string const& where, channel_options const& how = {})
{
    auto const r = try_receiver<X, T>(where, how);
    return r ? strait::error_code() : r.error();
}

/// A ring so small that it is full, or overwritten, all the time.
template <class X, class T>
channel_options small()
{
    channel_options how;
    how.capacity = std::is_same_v<T, std::string> && !std::is_same_v<X, mpmc> ? 4096 : 16;  // of that one always messages
    return how;
}

/// Messages of this size until there is no room; how many.
inline std::uint64_t fill(sender& s, std::size_t size)
{
    std::uint64_t n = 0;
    for (; s.reserve(size, deadline::poll()); ++n) {
        s.commit(size);
        BOOST_TEST_REQUIRE(s.flush(deadline::poll()).has_value());
    }
    return n;
}

/// The number of the message that was received just now, when each message was received or counted as dropped.
inline std::uint64_t number_by_count(receiver const& r)
{
    auto const s = r.stats();
    return s.messages + s.dropped - 1;
}

}  // namespace rings

#endif
