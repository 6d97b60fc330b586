// Distributed under the Boost Software License, Version 1.0.

#include "raw_ends.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <tuple>
#include <utility>

namespace {

using namespace raw;

using rings = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<strait::mpmc>>;

template <class T, class X>
void check_inheritance(std::string const& name)
{
    auto s = open_sender<T, X>(name);
    auto r = open_receiver<T, X>(name);
    BOOST_TEST(send(s, support::make_message<T>(0)).has_value());
    BOOST_TEST(r.peek(deadline::poll()).has_value());  // borrowed, so consumed
    BOOST_TEST(send(s, support::make_message<T>(1)).has_value());
    support::child inheritor([&] {
        int wrong = 0;
        for (int i = 0; i != 3; ++i) {
            wrong += s.reserve(8, deadline::never()).error() != errc::inherited_handle;
            s.commit(8);
            wrong += s.flush(deadline::never()).error() != errc::inherited_handle;
            wrong += r.peek(deadline::never()).error() != errc::inherited_handle;
            r.release();  // of a message that was borrowed before
            wrong += s.close(deadline::never()).error() != errc::inherited_handle;
            wrong += r.close(deadline::never()).error() != errc::inherited_handle;
            wrong += s.stats().depth != 0;
        }
        auto const moved = std::move(s);
        auto const moved_receiver = std::move(r);
        return wrong;
    });
    BOOST_TEST(inheritor.wait() == 0);
    for (std::uint64_t i = 0; i != 2; ++i)
        BOOST_TEST((receive<T>(r, deadline::poll()).value() == support::make_message<T>(i)));
    BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
}

template <class T, class X>
void check_pair(bool child_sends)
{
    auto ends = pair<T, X>::make({.capacity = 4096}, "test").value();
    constexpr std::uint64_t count = 20'000;
    auto const produce = [&] {
        auto s = std::move(ends).sender().value();
        for (std::uint64_t i = 0; i != count; ++i)
            send(s, support::make_message<T>(i)).value();
        return 0;
    };
    auto const consume = [&] {
        auto r = std::move(ends).receiver().value();
        support::sequence_checker seen;
        bool right = true;
        for (;;) {
            auto const m = receive<T>(r);
            if (!m)
                return right && m.error() == errc::closed && r.ended() == strait::end_reason::left && seen.count() == count ? 0 : 1;
            right = right && seen.see(*m);
        }
    };
    support::child other([&] { return child_sends ? produce() : consume(); });
    BOOST_TEST((child_sends ? consume() : produce()) == 0);
    BOOST_TEST(other.wait() == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_ring_fork, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE_TEMPLATE(an_inherited_end_says_so_and_harms_nobody, Ring, rings)
{
    check_inheritance<support::probe, Ring>(support::unique_name());
    check_inheritance<std::string, Ring>(support::unique_name());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pair_crosses_fork_in_both_directions, Ring, rings)
{
    for (bool const child_sends : {true, false}) {
        check_pair<support::probe, Ring>(child_sends);
        check_pair<std::string, Ring>(child_sends);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pair_whose_sender_was_never_taken_ends_as_died, Ring, rings)
{
    auto ends = pair<int, Ring>::make({}, "test").value();
    support::child other([&] { return 0; });
    auto r = std::move(ends).receiver().value();
    other.wait();
    BOOST_TEST((r.peek(patiently()).error() == errc::closed));
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pair_whose_receiver_was_killed_has_no_receiver_once_it_is_full, Ring, rings)
{
    auto ends = pair<int, Ring>::make({.capacity = 4}, "test").value();
    support::shared_page page;
    support::child other([&] {
        auto r = std::move(ends).receiver().value();
        (void)receive<int>(r);
        page->stage = 1;
        ::pause();
    });
    auto s = std::move(ends).sender().value();
    BOOST_TEST(send(s, 0).has_value());
    support::notes::await(page->stage, 1);
    other.kill();
    for (int i = 0; i != 4; ++i)
        BOOST_TEST(send(s, i).has_value());
    BOOST_TEST((s.reserve(4, deadline::never()).error() == errc::no_receiver));
}

BOOST_AUTO_TEST_SUITE_END()
