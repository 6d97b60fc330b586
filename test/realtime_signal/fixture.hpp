// Distributed under the Boost Software License, Version 1.0.
#ifndef REALTIME_SIGNAL_FIXTURE_HPP
#define REALTIME_SIGNAL_FIXTURE_HPP

#include <strait/channel.hpp>
#include <strait/transport/realtime_signal.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <bit>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/print.hpp>
#include <support/residue.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>
#include <unistd.h>

namespace signals {

using namespace std::chrono_literals;
using strait::end_reason;
using strait::errc;

template <class T>
using sender = strait::sender<T, strait::realtime_signal>;
template <class T>
using receiver = strait::receiver<T, strait::realtime_signal>;

strait::error_code code(auto const& r) { return r ? strait::error_code() : r.error(); }

/// Receivers come and go.
template <class T>
void send_to_next(sender<T>& out, T const& message)
{
    while (code(out.send_for(message, 60s)) == errc::no_receiver)
        ::usleep(100);
}

/// As a mask, in this thread.
inline std::uint64_t blocked_signals()
{
    ::sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    std::uint64_t bits = 0;
    for (int n = 1; n <= SIGRTMAX; ++n)
        bits |= ::sigismember(&mask, n) == 1 ? std::uint64_t{1} << (n - 1) : 0;
    return bits;
}

struct clean {
    clean() : descriptors(support::open_descriptors()) {}
    ~clean()
    {
        BOOST_CHECK_EQUAL(support::open_descriptors(), descriptors);
        for (auto const& left : support::leftovers())
            BOOST_ERROR("left behind: " + left);
        support::names_given().clear();
    }

    support::watchdog watch;
    std::size_t descriptors;
    std::string name = support::unique_name();
};

}  // namespace signals

#endif
