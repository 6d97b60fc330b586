// Distributed under the Boost Software License, Version 1.0.

#include "ends.hpp"
#include "types.hpp"

#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <optional>
#include <vector>

namespace rings_joining {

// Who may join a ring of any topology, what an end is before it has joined and after it has left, and what is left then.
namespace {

using namespace rings;

// Senders of a new channel: two where there may be several.
template <class X, class T>
std::vector<sender> some_senders(std::string const& name)
{
    std::vector<sender> all;
    for (int i = 0; i != (many_senders<X> ? 2 : 1); ++i)
        all.push_back(open_sender<X, T>(name));
    return all;
}

template <class X, class T>
void check_closed_and_moved_from(T const& value)
{
    auto const check = [](sender& out, receiver& in, bool had_message_function) {
        for (int i = 0; i != 3; ++i) {
            BOOST_TEST((out.reserve(8, deadline::never()).error() == errc::not_open));
            out.commit(8);  // of nothing
            BOOST_TEST((out.flush(deadline::never()).error() == errc::not_open));
            BOOST_TEST((in.peek(deadline::never()).error() == errc::not_open));
            in.release();
            BOOST_TEST(in.has_message() == !had_message_function);
            BOOST_TEST(out.stats().depth == 0U);
            BOOST_TEST(in.stats().depth == 0U);
            BOOST_TEST(out.close(deadline::never()).has_value());
            BOOST_TEST(in.close(deadline::never()).has_value());
        }
    };
    auto [s, r] = make_ends<X, T>();
    bool const has_message_function = !r.has_message();
    auto moved = std::move(s);
    auto moved_r = std::move(r);
    check(s, r, has_message_function);
    BOOST_TEST(send(moved, value, deadline::poll()).has_value());
    BOOST_TEST((look<T>(moved_r, deadline::poll()) == value));
    auto again = std::move(moved_r);  // with a message that is not yet released
    again.release();
    BOOST_TEST((again.peek(deadline::poll()).error() == errc::empty));
    BOOST_TEST(again.stats().messages == 1U);
    BOOST_TEST(send(moved, value, deadline::poll()).has_value());
    BOOST_TEST(again.peek(deadline::poll()).has_value());  // not yet released when its end is closed
    BOOST_TEST(moved.close(deadline::never()).has_value());
    BOOST_TEST(again.close(deadline::never()).has_value());
    if (X::guarantees.reliable)
        BOOST_TEST(again.stats().messages >= 1U);  // a lossy one forgets it
    check(moved, again, has_message_function);
    check(moved, moved_r, has_message_function);
    moved = std::move(s);
    again = std::move(r);
    check(moved, again, has_message_function);
}

// Ends of every other topology find the channel of X taken by another transport; but lossy and latest are one channel.
template <class X, class Y>
void expect_refusal(std::string const& name)
{
    if constexpr (std::string_view(X::guarantees.name) != Y::guarantees.name && !(std::is_same_v<X, lossy> && std::is_same_v<Y, latest>) &&
                  !(std::is_same_v<X, latest> && std::is_same_v<Y, lossy>)) {
        BOOST_TEST((refusal_of_receiver<Y, int>(name) == errc::transport_mismatch));
        BOOST_TEST((refusal_of_sender<Y, int>(name) == errc::transport_mismatch));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_joining, *boost::unit_test::fixture<support::watchdog>())

TYPED_CASE(a_second_living_end_is_busy_where_there_is_one_of_its_kind, X, all_topologies)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name);
    auto r = open_receiver<X, int>(name);
    auto const of_second_sender = refusal_of_sender<X, int>(name);
    auto const of_second_receiver = refusal_of_receiver<X, int>(name);
    BOOST_TEST((of_second_sender == (many_senders<X> ? strait::error_code() : errc::busy)));
    BOOST_TEST((of_second_receiver == (many_receivers<X> ? strait::error_code() : errc::busy)));
    BOOST_TEST(s.close(deadline::poll()).has_value());
    BOOST_TEST((try_sender<X, int>(name).has_value()));
    BOOST_TEST(r.close(deadline::poll()).has_value());
    BOOST_TEST((try_receiver<X, int>(name).has_value()));
}

TYPED_CASE(another_type_or_topology_is_refused, X, all_topologies)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name);
    BOOST_TEST((refusal_of_receiver<X, std::uint64_t>(name) == errc::type_mismatch));
    BOOST_TEST((refusal_of_receiver<X, std::string>(name) == errc::type_mismatch));
    std::apply([&]<class... Y>(Y const&...) { (expect_refusal<X, Y>(name), ...); }, all_topologies());
}

TYPED_CASE(another_alignment_is_refused, X, retained)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, std::string>(name);
    BOOST_TEST((maker_of<X>({0, 64, 1}).open_receiver(name, {}).error() == errc::type_mismatch));
}

TYPED_CASE(closed_and_moved_from_ends_say_so_and_do_nothing, X, all_topologies)
{
    check_closed_and_moved_from<X>(std::uint64_t{5});
    check_closed_and_moved_from<X>(std::string("text"));
}

TYPED_CASE(the_stream_ends_when_all_senders_have_left_and_goes_on_with_the_next, X, all_topologies)
{
    std::string const name = support::unique_name();
    auto r = open_receiver<X, int>(name);
    BOOST_TEST((r.peek(soon()).error() == errc::timed_out));  // there was no sender yet
    BOOST_TEST((r.ended() == strait::end_reason::none));
    for (int i = 0; i != 3; ++i) {
        auto senders = some_senders<X, int>(name);
        BOOST_TEST(send(senders[0], i).has_value());
        while (senders.size() != 1) {
            BOOST_TEST(senders.back().close(deadline::poll()).has_value());
            senders.pop_back();
            BOOST_TEST(r.peek(soon()).has_value());
        }
        BOOST_TEST((receive<int>(r, deadline::poll()) == i));
        BOOST_TEST((r.peek(soon()).error() == errc::timed_out));
        BOOST_TEST(senders[0].close(deadline::poll()).has_value());
        for (deadline const until : {deadline::poll(), deadline::never(), soon()})
            BOOST_TEST((r.peek(until).error() == errc::closed));
        BOOST_TEST((r.ended() == strait::end_reason::left));
    }
}

TYPED_CASE(unread_messages_of_every_sender_outlive_all_ends, X, retained)
{
    std::string const name = support::unique_name();
    std::uint64_t sent = 0;
    for (std::uint64_t life = 0; life != 3; ++life) {
        auto senders = some_senders<X, std::string>(name);
        for (std::uint64_t i = 0; i != 5; ++i)
            for (std::uint64_t k = 0; k != senders.size(); ++k, ++sent)
                BOOST_TEST(send(senders[k], support::make_text(i, life * 2 + k)).has_value());
    }
    support::sequence_checker seen;
    for (; sent != 0; --sent) {
        auto r = open_receiver<X, std::string>(name);
        BOOST_TEST(seen.see(receive<std::string>(r, deadline::poll()).value()));
    }
    BOOST_TEST(support::files_of(name).empty());
}

TYPED_CASE(a_borrowed_message_is_seen_again_by_the_next_receiver, X, resumed)
{
    std::string const name = support::unique_name();
    auto s = open_sender<X, int>(name);
    BOOST_TEST(send(s, 1).has_value());
    BOOST_TEST(send(s, 2).has_value());
    {
        auto r = open_receiver<X, int>(name);
        BOOST_TEST((receive<int>(r) == 1));
        BOOST_TEST(r.peek(deadline::poll()).has_value());
    }
    auto r = open_receiver<X, int>(name);
    BOOST_TEST((receive<int>(r) == 2));
}

TYPED_CASE(unread_messages_of_another_type_are_not_dropped, X, retained)
{
    std::string const name = support::unique_name();
    {
        auto senders = some_senders<X, lined>(name);
        BOOST_TEST(send(senders.back(), lined{7}).has_value());
    }
    BOOST_TEST((refusal_of_receiver<X, std::string>(name) == errc::type_mismatch));
    auto r = open_receiver<X, lined>(name);
    BOOST_TEST(receive<lined>(r)->value == 7U);
}

TYPED_CASE(broadcast_messages_that_are_unread_leave_nothing_behind, X, broadcasts)
{
    std::string const name = support::unique_name();
    for (int i = 0; i != 10; ++i) {
        auto r = open_receiver<X, std::string>(name);
        BOOST_TEST((r.peek(deadline::poll()).error() == errc::empty));
        auto s = open_sender<X, std::string>(name);
        BOOST_TEST(send(s, std::string("unread")).has_value());
        if (i % 2 == 0)
            BOOST_TEST(r.close(deadline::poll()).has_value());
    }
    BOOST_TEST(support::files_of(name).empty());
}

TYPED_CASE(more_memory_than_there_is_leaves_nothing_behind, X, all_topologies)
{
    // Of an mpsc ring this is the capacity of each of 64 lanes.
    for (std::size_t const capacity : {std::size_t{1} << (std::is_same_v<X, mpsc> ? 38 : 42), std::size_t{1} << 45, std::size_t{1} << 60,
                                       ~std::size_t{0}}) {
        std::string const name = support::unique_name();
        channel_options const how{.capacity = capacity};
        BOOST_TEST((refusal_of_sender<X, int>(name, how) == errc::out_of_memory));
        BOOST_TEST((refusal_of_receiver<X, std::string>(name, how) == errc::out_of_memory));
        BOOST_TEST((refusal_of_receiver<X, std::string>(name, {.max_message_size = capacity}) == errc::out_of_memory));
        BOOST_TEST((try_pair<X, int>(how).error() == errc::out_of_memory));
        BOOST_TEST((try_pair<X, std::string>({.max_message_size = capacity}).error() == errc::out_of_memory));
        BOOST_TEST(support::files_of(name).empty());
    }
}

TYPED_CASE(removing_what_is_not_there_is_no_error, X, all_topologies)
{
    std::string const name = support::unique_name();
    BOOST_TEST(X::remove(name).has_value());
    {
        auto s = open_sender<X, int>(name, {.keep = true});
    }
    BOOST_TEST(support::files_of(name).size() == 1U);
    BOOST_TEST(X::remove(name).has_value());
    BOOST_TEST(support::files_of(name).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_joining
