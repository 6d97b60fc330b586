// Distributed under the Boost Software License, Version 1.0.
#ifndef REALTIME_SIGNAL_FIXTURE_HPP
#define REALTIME_SIGNAL_FIXTURE_HPP

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>

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

#include <unistd.h>

namespace signals {

using namespace std::chrono_literals;
using strait::end_reason;
using strait::errc;
using support::code;

template <class T>
using sender = strait::sender<T, strait::realtime_signal>;
template <class T>
using receiver = strait::receiver<T, strait::realtime_signal>;

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

}  // namespace signals

#endif
