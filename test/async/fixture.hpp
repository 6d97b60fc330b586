// Distributed under the Boost Software License, Version 1.0.
#ifndef ASYNC_FIXTURE_HPP
#define ASYNC_FIXTURE_HPP

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/coroutine.hpp>
#include <support/shared_page.hpp>

#include <strait/async.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

namespace async {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using conformance::clean_host;
using strait::errc;
using strait::error_code;
using support::make_probe;
using support::notes;
using support::run;

using message = std::uint64_t;

template <class S>
using sender_of = strait::sender<message, typename S::transport>;
template <class S>
using receiver_of = strait::receiver<message, typename S::transport>;
template <class S>
using async_sender_of = strait::async_sender<message, typename S::transport>;
template <class S>
using async_receiver_of = strait::async_receiver<message, typename S::transport>;

}  // namespace async

#endif
