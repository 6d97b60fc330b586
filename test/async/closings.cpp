// Distributed under the Boost Software License, Version 1.0.
// What awaits an end goes on looking after the end's file was closed: the lock of a process that died is freed later.

#include <strait/detail/async/asio_service.hpp>

#include <support/watchdog.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <functional>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace async_closings {

BOOST_AUTO_TEST_CASE(an_awaited_end_is_looked_at_again_and_again_after_its_file_was_closed)
{
    support::watchdog const watch;
    std::FILE* const file = std::tmpfile();
    BOOST_TEST_REQUIRE(file != nullptr);
    boost::asio::io_context context;
    auto& service = strait::detail::asio_service::of(context.get_executor());
    strait::detail::pending_wait waiting;
    BOOST_TEST_REQUIRE(service.watch(waiting, ::fileno(file)));
    strait::detail::asio_service::use use(service);
    int looks = 0;
    std::function<void()> wait = [&] {
        waiting.look();
        service.wait(waiting, false, context.get_executor(), [&] {
            service.end_wait(waiting);
            if (++looks == 9)
                use = {};
            else
                wait();
        });
    };
    wait();
    ::close(::open(("/proc/self/fd/" + std::to_string(::fileno(file))).c_str(), O_RDONLY | O_CLOEXEC));
    context.run();
    BOOST_TEST(looks == 9);
    service.unwatch(waiting);
    std::fclose(file);
}

}  // namespace async_closings
