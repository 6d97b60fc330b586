// Distributed under the Boost Software License, Version 1.0.
#ifndef INSPECT_FIXTURE_HPP
#define INSPECT_FIXTURE_HPP

#include <strait/channel.hpp>
#include <strait/inspect.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>

#include <support/child.hpp>
#include <support/names.hpp>
#include <support/segments.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace inspection {

/// System V queues and segments of this host: lines of the kernel's tables, of our own name space where the kernel allows one.
inline std::size_t system_v_objects()
{
    std::size_t lines = support::segments_left();
    if (!support::has_own_ipc)
        return 0;
    std::ifstream queues("/proc/sysvipc/msg");
    for (std::string line; std::getline(queues, line);)
        ++lines;
    return lines;
}

/// A directory of this test alone: what others have on this host is not swept. When it is over nothing may be left.
struct directory {
    directory() { std::filesystem::create_directory(path); }
    ~directory()
    {
        for (auto const& e : std::filesystem::directory_iterator(path))
            BOOST_ERROR("left behind: " + e.path().string());
        BOOST_TEST(system_v_objects() == objects);
        std::filesystem::remove_all(path);
        support::names_given().clear();
    }
    directory(directory const&) = delete;
    directory& operator=(directory const&) = delete;

    std::string file() const { return where.text() + ".channel"; }
    strait::inspect_options here() const { return {.below = {path}, .named = false}; }
    strait::channel_info look() const { return strait::inspect(where).value(); }

    /// A process that has opened an end as `open` does, and holds it.
    template <class Open>
    support::child holding(Open open) const
    {
        support::shared_page page;
        support::child holder([&] {
            page->wrong = 1;
            auto const end = [&] {
                try {
                    return open();
                } catch (...) {
                    page->stage = 1;
                    throw;
                }
            }();
            page->wrong = 0;
            page->stage = 1;
            for (;;)
                ::pause();
        });
        support::notes::await(page->stage, 1);
        BOOST_TEST_REQUIRE(page->wrong == 0u);
        return holder;
    }

    support::watchdog watch;
    std::size_t objects = system_v_objects();
    std::string path = "/dev/shm/" + support::unique_name();
    strait::endpoint where = path + "/trades";
};

}  // namespace inspection

#endif
