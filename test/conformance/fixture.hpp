// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_FIXTURE_HPP
#define CONFORMANCE_FIXTURE_HPP

#include <conformance/transports.hpp>
#include <support/code.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/residue.hpp>
#include <support/segments.hpp>
#include <support/watchdog.hpp>

#include <strait/channel.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <concepts>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace conformance {

using namespace std::chrono_literals;
using strait::errc;
using support::code;
using support::make_message;
using support::make_probe;
using support::probe;

/// What a transport carries that the tests send: 64 bytes, or 8 where it takes no more.
template <class S>
using probe_of = std::conditional_t<S::transport::guarantees.fixed_size_only, support::small_probe, probe>;

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

/// What a receiver leaves unread, or never sees, is there for the next one: in the channel, or with its sender.
template <class S>
inline constexpr bool kept_for_the_next =
    guarantees_of<S>.retained || guarantees_of<S>.committed_when == strait::commit_point::acknowledged;

template <class S>
inline constexpr bool by_address_only = !S::checks_type_at_open;

/// Every test of the suite starts from this: it ends when it hangs, and it must leave nothing behind.
class clean_host {
public:
    clean_host() : descriptors_(support::open_descriptors()), threads_(support::running_threads()) {}

    ~clean_host()
    {
        BOOST_CHECK_EQUAL(support::open_descriptors(), descriptors_);
        for (int patience = 100'000; support::running_threads() > threads_ && patience != 0; --patience)
            std::this_thread::yield();  // a thread that was joined may still be on its way out of the kernel
        BOOST_CHECK_EQUAL(support::running_threads(), threads_);
        auto const left = support::leftovers();
        BOOST_CHECK_EQUAL_COLLECTIONS(left.begin(), left.end(), nothing_.begin(), nothing_.end());
        for (auto const& name : left)
            ::unlink(name.c_str());
        BOOST_CHECK_EQUAL(support::segments_left(), 0U);
        support::names_given().clear();
    }

private:
    support::watchdog watch_;
    std::size_t descriptors_;
    std::size_t threads_;
    std::vector<std::string> nothing_;
};

/// For tests with a stop token: the two descriptors that a thread keeps from its first such wait on are there before any are
/// counted. Another test may use up all inotify instances of this user for a while.
struct thread_prepared_for_stops {
    thread_prepared_for_stops()
    {
        strait::detail::thread_watcher& mine = strait::detail::thread_watcher::get();
        while (!mine.watcher.open())
            std::this_thread::yield();
        (void)mine.stop_event();
    }

private:
    support::watchdog watch_;
};

struct clean_host_with_stops : thread_prepared_for_stops, clean_host {};

/// The code that a throwing operation throws; success is the empty code.
template <class Operation>
strait::error_code thrown_by(Operation operation)
{
    try {
        operation();
        return {};
    } catch (boost::system::system_error const& e) {
        return e.code();
    }
}

/// Waits until the sender's messages can flow: the first operations may still have to connect both ends. For tests with
/// both ends in one thread, about what comes after that.
template <class S, class T = probe_of<S>>
void exchange_one(sender_of<S, T>& out, receiver_of<S, T>& in, std::uint64_t sequence = 0)
{
    out.send(make_message<T>(sequence));
    BOOST_REQUIRE(in.receive() == make_message<T>(sequence));
}

/// What the sender holds goes to the kernel; flush() as far as it needs no receiver, who is the same thread.
template <class S, class T = probe_of<S>>
bool hand_over(sender_of<S, T>& out)
{
    constexpr bool waits = guarantees_of<S>.committed_when == strait::commit_point::acknowledged;
    auto const flushed = out.flush_for(waits ? std::chrono::nanoseconds(0) : strait::infinite);
    return flushed || (waits && flushed.error() == errc::timed_out);
}

/// Fills the channel with messages from `first` on. Returns the number after the last one accepted.
template <class S, class T = probe_of<S>>
std::uint64_t fill(sender_of<S, T>& out, std::uint64_t first = 0)
{
    for (;; ++first) {
        auto sent = out.try_send(make_message<T>(first));
        if (!sent) {
            BOOST_CHECK_EQUAL(sent.error(), errc::full);
            sent = out.send_for(make_message<T>(first), 10ms);  // the kernel may still move bytes on and make room
        }
        if (!sent) {
            BOOST_CHECK_EQUAL(sent.error(), errc::timed_out);
            return first;
        }
    }
}

}  // namespace conformance

// It has a constructor, but any bits are one.
template <>
inline constexpr bool strait::enable_bitwise<support::small_probe> = true;

#endif
