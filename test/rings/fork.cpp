// Distributed under the Boost Software License, Version 1.0.

#include "deaths.hpp"
#include <support/typed_case.hpp>

namespace rings_fork {

namespace {

using namespace rings;

template <class X, class T>
void check_inheritance()
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, T>(name);
    auto r = open_receiver<X, T>(name);
    BOOST_TEST(send(s, support::make_message<T>(0)).has_value());
    BOOST_TEST(r.peek(deadline::poll()).has_value());  // borrowed
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
            wrong += s.stats().depth != 0 || r.stats().depth != 0;
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

// A lossy pair loses what is sent before its receiver has joined, so the sender waits for that; and what it overwrites, so
// messages are counted by their numbers.
template <class X, class T>
void check_pair(bool child_sends)
{
    auto ends = try_pair<X, T>({.capacity = 4096}).value();
    support::shared_page page;
    constexpr std::uint64_t count = 20'000;
    auto const produce = [&] {
        auto s = ends->take_sender().value();
        support::notes::await(page->stage, 1);
        for (std::uint64_t i = 0; i != count; ++i)
            send(s, support::make_message<T>(i)).value();
        return 0;
    };
    auto const consume = [&] {
        auto r = ends->take_receiver().value();
        page->stage = 1;
        stream_checker seen;
        bool right = true;
        for (;;) {
            auto const m = receive<T>(r);
            if (!m)
                return right && m.error() == errc::closed && r.ended() == strait::end_reason::left &&
                               r.stats().messages + r.stats().dropped == count &&
                               (!X::guarantees.reliable || r.stats().dropped == 0)
                           ? 0
                           : 1;
            right = right && seen.see(r, *m) && support::origin_of(*m).sequence == number_by_count(r);
        }
    };
    support::child other([&] { return child_sends ? produce() : consume(); });
    BOOST_TEST((child_sends ? consume() : produce()) == 0);
    BOOST_TEST(other.wait() == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_fork, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(an_inherited_end_says_so_and_changes_nothing, X, but_latest)
{
    check_inheritance<X, support::probe>();
    check_inheritance<X, std::string>();
}

TYPED_CASE(a_pair_crosses_fork_in_both_directions, X, but_latest)
{
    for (bool const child_sends : {true, false}) {
        check_pair<X, support::probe>(child_sends);
        check_pair<X, std::string>(child_sends);
    }
}

TYPED_CASE(a_pair_whose_sender_was_never_taken_ends_as_died, X, all_topologies)
{
    auto ends = try_pair<X, int>().value();
    support::child other([&] { return 0; });
    auto r = ends->take_receiver().value();
    other.wait();
    BOOST_TEST((r.peek(patiently()).error() == errc::closed));
    BOOST_TEST((r.ended() == strait::end_reason::died));
}

TYPED_CASE(a_pair_whose_receiver_was_killed_has_no_receiver_once_it_is_full, X, reliable)
{
    auto ends = try_pair<X, int>({.capacity = 4}).value();
    support::shared_page page;
    support::child other([&] {
        auto r = ends->take_receiver().value();
        (void)receive<int>(r);
        page->stage = 1;
        ::pause();
    });
    auto s = ends->take_sender().value();
    BOOST_TEST(send(s, 0, deadline::never()).has_value());  // a lossless sender waits for its first receiver
    support::notes::await(page->stage, 1);
    other.kill();
    for (int i = 0; i != 4; ++i)  // a lossless sender may have seen already that there is no receiver
        BOOST_TEST((send(s, i).has_value() || std::is_same_v<X, lossless>));
    BOOST_TEST((s.reserve(4, deadline::never()).error() == errc::no_receiver));
}

BOOST_AUTO_TEST_CASE(a_lossless_pair_whose_receiver_was_never_taken_has_no_receiver)
{
    auto ends = try_pair<lossless, int>().value();
    auto s = ends->take_sender().value();
    BOOST_TEST((s.reserve(4, deadline::never()).error() == errc::no_receiver));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_fork
