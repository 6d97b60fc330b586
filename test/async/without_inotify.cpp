// Distributed under the Boost Software License, Version 1.0.
// What awaits when the user has no inotify instance left looks at its channels now and then.

#include <strait.hpp>

#include <async/fixture.hpp>
#include <support/no_inotify.hpp>
#include <support/typed_case.hpp>

namespace async::without_inotify {
namespace {

using transports = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpmc>, strait::sysv_mqueue>;

constexpr int skipped = 77;

// A child of fork() without inotify; what its body returns.
template <class Body>
int without_inotify(Body body)
{
    support::watchdog const watch;
    support::other_user const user;
    return support::child([&] {
               support::no_inotify none;
               return none.take_all(user) ? body() : skipped;
           }).wait();
}

void judge(int status)
{
    if (status == skipped)
        BOOST_TEST_MESSAGE("SKIPPED: the instances cannot be used up here");
    BOOST_TEST((status == 0 || status == skipped), "status " << status);
}

}  // namespace

TYPED_CASE(messages_the_end_and_deaths_are_awaited_without_inotify, X, transports)
{
    judge(without_inotify([] {
        auto const where = support::unique_name();
        asio::io_context context;
        strait::async_receiver<message, X> in{context, where};
        message wrong = 0;
        run(context, [&]() -> asio::awaitable<void> {
            asio::co_spawn(
                context,
                [&]() -> asio::awaitable<void> {
                    strait::sender<message, X> out{where};
                    asio::steady_timer timer(context);
                    for (message i = 0; i != 4; ++i) {
                        timer.expires_after(3ms);  // most likely asleep
                        co_await timer.async_wait(asio::use_awaitable);
                        out.send(i);
                    }
                },
                asio::detached);
            for (message i = 0; i != 4; ++i)
                wrong += co_await in.async_receive(asio::use_awaitable) != i;
            auto const left = co_await in.async_receive(asio::use_awaitable);
            wrong += left.has_value();
            support::shared_page page;
            support::child producer([&] {
                strait::sender<message, X> out{where};
                out.send(7);
                page->stage = 1;
                ::pause();
            });
            notes::await(page->stage, 1);
            wrong += co_await in.async_receive(asio::use_awaitable) != message{7};
            asio::steady_timer timer(context, 5ms);
            timer.async_wait([&](error_code const&) { producer.signal(SIGKILL); });
            auto const died = co_await in.async_receive(asio::use_awaitable);
            wrong += died.has_value();
            wrong += in.next_layer().end_reason() != strait::end_reason::died;
        });
        return wrong == 0 ? 0 : 1;
    }));
}

TYPED_CASE(a_cancelled_receive_takes_nothing_without_inotify, X, transports)
{
    judge(without_inotify([] {
        auto const where = support::unique_name();
        asio::io_context context;
        strait::async_receiver<message, X> in{context, where};
        strait::sender<message, X> out{where};
        error_code told;
        in.async_receive([&](error_code const& e, std::optional<message> const&) { told = e; });
        context.run_for(5ms);
        in.cancel();
        context.run();
        context.restart();
        if (told != asio::error::operation_aborted)
            return 1;
        out.send(3);
        std::optional<message> got;
        in.async_receive([&](error_code const&, std::optional<message> const& m) { got = m; });
        context.run();
        return got == message{3} ? 0 : 2;
    }));
}

}  // namespace async::without_inotify
