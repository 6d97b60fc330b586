// Distributed under the Boost Software License, Version 1.0.

#include <async/over.hpp>

#include <unistd.h>

#include <sys/wait.h>

namespace async::forks {
namespace {

using conformance::subject;
using sender = conformance::sender;

template <bool (*Fits)(subject const&)>
bool some(subject const& x)
{
    return Fits(x) && !x.is_like_another;
}

// As a library does that starts programs: the context is told before and after, in both processes.
int exit_status_of_a_child(asio::io_context& context)
{
    context.notify_fork(asio::io_context::fork_prepare);
    ::pid_t const child = ::fork();
    if (child == 0) {
        try {
            context.notify_fork(asio::io_context::fork_child);
        } catch (...) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    context.notify_fork(asio::io_context::fork_parent);
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

CONFORMANCE_CASE(a_context_is_told_of_a_fork_while_an_end_is_awaited, x, (some<conformance::reliable_named>))
{
    asio::io_context context;
    auto const where = x.where();
    any_async_receiver in{x, context, where};
    any_async_sender out{x, context, where};
    message next = 0;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            while (auto const m = co_await in.async_receive(asio::use_awaitable)) {
                BOOST_TEST((*m == make_probe(next)));
                ++next;
            }
        },
        asio::detached);
    for (message i = 0; i != 3; ++i) {
        while (context.poll() != 0) {}  // it waits
        BOOST_TEST(exit_status_of_a_child(context) == 0);
        out.send(make_probe(i));
        while (next != i + 1)
            context.run_one();
    }
    out.close().value();
    context.run();
    BOOST_TEST(next == 3U);
}

}  // namespace
}  // namespace async::forks
