// Distributed under the Boost Software License, Version 1.0.
// A process that dies is seen however long the kernel takes between closing its file, which inotify reports, and freeing its
// lock, which nothing reports.

#include <strait/detail/wait/epoll_wait_set.hpp>
#include <strait/detail/wait/thread_watcher.hpp>
#include <strait/detail/wait/wait_set.hpp>

#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <tuple>

#include <fcntl.h>
#include <unistd.h>

namespace select_closings {

namespace {

using namespace strait::detail;

// An end that is ready only when it has been looked at often since its file was closed.
struct late {
    int file;
    int rounds = 0;  // before each sleep

    std::optional<strait::error_code> look() const
    {
        return rounds < 10 ? std::nullopt : std::optional<strait::error_code>(strait::errc::closed);
    }
    wake_source arm()
    {
        if (++rounds == 1)
            ::close(::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC));
        return {.file = file};
    }

    waited_for as_waited_for()
    {
        waited_for w;
        w.end = this;
        w.readiness = [](void* self) { return static_cast<late*>(self)->look(); };
        w.arm = [](void* self) { return static_cast<late*>(self)->arm(); };
        w.disarm = [](void*) {};
        return w;
    }
};

}  // namespace

using sets = std::tuple<wait_set, epoll_wait_set>;

TYPED_CASE(a_wait_goes_on_looking_after_a_file_was_closed, Set, sets)
{
    support::watchdog const watch;
    std::FILE* const file = std::tmpfile();
    BOOST_TEST_REQUIRE(file != nullptr);
    {
        inotify_watcher watcher;
        int const number = ::fileno(file);
        watcher.add(number);  // the first arm() closes the file before the set watches it
        Set set(watcher);
        if constexpr (requires { set.open(); })
            BOOST_TEST_REQUIRE(set.open());
        late end{number};
        set.add(end.as_waited_for());
        auto const found = set.wait(strait::deadline::never());
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST((found->error == strait::errc::closed));
        BOOST_TEST(end.rounds == 10);
    }
    std::fclose(file);
}

}  // namespace select_closings
