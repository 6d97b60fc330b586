// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/realtime_signal.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/tcp.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_stream.hpp>

#include <support/child.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>
#include <support/segments.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>

#include <unistd.h>

using namespace strait;

namespace {

struct fixture {
    ~fixture()
    {
        for (auto const& name : support::leftovers())
            BOOST_ERROR("left behind: " + name);
        BOOST_TEST(support::segments_left() == segments);
        support::names_given().clear();
    }

    // What a receiver over X leaves that is killed. No sender has come, so nothing is unread.
    template <class X>
    void leave_dead() const
    {
        support::shared_page page;
        support::child victim([&] {
            auto const opened = receiver<std::uint64_t, X>::open(endpoint(name));
            page->stage = opened ? 1 : 2;
            for (;;)
                ::pause();
        });
        page->await(page->stage, 1);
        BOOST_TEST_REQUIRE(page->stage.load() == 1u);
    }

    // What a receiver leaves that is killed after it has bound its socket and before it has given it its name.
    void leave_half_made_socket() const
    {
        leave_dead<unix_stream>();
        auto const path = support::channel_directory() + "/" + name;
        std::filesystem::rename(path + ".sock", path + ".new~");
    }

    support::watchdog watchdog;
    std::size_t segments = support::segments_left();
    std::string name = support::unique_name();
};

using segment_ring = shm_ring<spsc, adaptive, sysv_memory>;
using removers = std::tuple<shm_ring<>, named_pipe, unix_datagram, posix_mqueue, sysv_mqueue, realtime_signal, tcp, segment_ring>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(leftovers, fixture)

BOOST_AUTO_TEST_CASE_TEMPLATE(any_transport_removes_what_a_dead_receiver_of_any_other_has_left, X, removers)
{
    auto const remove = [&] {
        BOOST_TEST(!support::leftovers().empty());
        BOOST_TEST((channel<std::uint64_t, X>::remove(endpoint(name)).has_value()));
        BOOST_TEST(support::leftovers().empty());
        BOOST_TEST(support::segments_left() == segments);
    };
    leave_dead<named_pipe>();
    remove();
    leave_dead<unix_stream>();
    remove();
    leave_half_made_socket();
    remove();
    leave_dead<posix_mqueue>();
    remove();
    leave_dead<sysv_mqueue>();
    remove();
    leave_dead<segment_ring>();
    remove();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_opener_over_any_transport_clears_away_what_a_dead_receiver_of_any_other_has_left, X, removers)
{
    auto const open = [&] {
        BOOST_TEST(!support::leftovers().empty());
        { sender<std::uint64_t, X> s{endpoint(name)}; }
        BOOST_TEST(support::leftovers().empty());
        BOOST_TEST(support::segments_left() == segments);
    };
    leave_dead<named_pipe>();
    open();
    leave_dead<unix_stream>();
    open();
    leave_half_made_socket();
    open();
    leave_dead<posix_mqueue>();
    open();
    leave_dead<sysv_mqueue>();
    open();
    leave_dead<segment_ring>();
    open();
}

BOOST_AUTO_TEST_SUITE_END()
