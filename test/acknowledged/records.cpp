// Distributed under the Boost Software License, Version 1.0.
#include <strait/detail/acknowledged/session_table.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace acknowledged_records {

using namespace strait;
using namespace strait::detail;

namespace {

constexpr session_id number(std::uint64_t n) { return {n, ~n}; }

// The memory of a channel, and receivers that come one after the other.
struct fixture {
    struct alignas(control_block::size_in_file) page {
        std::byte bytes[2 * control_block::size_in_file] = {};
    };
    std::unique_ptr<page> memory = std::make_unique<page>();
    std::optional<session_table> sessions;
    std::vector<ack_session*> connected;

    fixture() { next_receiver(); }

    // The one before was killed: it has acknowledged nothing.
    void next_receiver()
    {
        connected.clear();
        sessions.emplace(std::chrono::seconds(10), ack_records(*reinterpret_cast<control_block*>(memory->bytes)));
    }

    // A sender connects that has had `first` messages acknowledged.
    ack_session& connect(session_id const& id, std::uint64_t first = 0)
    {
        auto const admitted = sessions->admit({id, first}, &memory);
        BOOST_TEST_REQUIRE((admitted.refusal == errc()));
        return *connected.emplace_back(admitted.session);
    }
    void disconnect(ack_session& s) { sessions->left(s, ++now); }

    std::int64_t now = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(acknowledged_records, fixture)

BOOST_AUTO_TEST_CASE(the_next_receiver_goes_on_where_a_killed_one_was)
{
    auto& a = connect(number(1));
    auto& b = connect(number(2));
    sessions->consumed(a, 7, 100);
    sessions->consumed(b, 3, 100);
    sessions->consumed(a, 2, 100);
    next_receiver();
    BOOST_TEST(connect(number(2)).repeated == 3U);
    BOOST_TEST(connect(number(1), 4).repeated == 5U);  // four were acknowledged
    BOOST_TEST(connect(number(3)).repeated == 0U);
}

BOOST_AUTO_TEST_CASE(a_third_receiver_knows_what_the_second_has_added)
{
    sessions->consumed(connect(number(1)), 7, 100);
    next_receiver();
    sessions->consumed(connect(number(1), 7), 2, 100);
    next_receiver();
    BOOST_TEST(connect(number(1)).repeated == 9U);
}

BOOST_AUTO_TEST_CASE(a_record_that_says_less_than_its_sender_knows_is_not_believed)
{
    sessions->consumed(connect(number(1)), 7, 100);
    next_receiver();
    BOOST_TEST(connect(number(1), 8).repeated == 0U);
}

BOOST_AUTO_TEST_CASE(a_record_that_was_half_written_is_nobodys)
{
    ack_records mine(*reinterpret_cast<control_block*>(memory->bytes));
    ack_record& r = *mine.oldest([](auto const&) { return true; });
    ack_records::begin(r, number(1), 5);
    BOOST_TEST(mine.find(number(1)) == &r);
    r.id[0] = 0;  // as begin() begins
    next_receiver();
    BOOST_TEST(connect(number(1)).repeated == 0U);
}

BOOST_AUTO_TEST_CASE(records_are_taken_from_those_who_came_longest_ago_and_are_away)
{
    ack_session& first = connect(number(1));
    sessions->consumed(first, 5, 100);
    for (std::uint64_t n = 2; n <= ack_records::most; ++n)
        sessions->consumed(connect(number(n)), n, 100);
    disconnect(*connected[3]);  // of 4
    disconnect(*connected[1]);  // of 2
    sessions->consumed(connect(number(1000)), 9, 100);
    sessions->consumed(connect(number(2), 2), 1, 100);  // comes back, and takes the place of 4
    disconnect(*connected[4]);  // of 5, whose place 4 takes: it has lost its own
    sessions->consumed(connect(number(4), 4), 40, 100);
    ack_session& late = connect(number(2000));  // all are in use
    sessions->consumed(late, 6, 100);
    sessions->consumed(first, 1, 100);
    next_receiver();
    BOOST_TEST(connect(number(1)).repeated == 6U);
    BOOST_TEST(connect(number(3)).repeated == 3U);
    BOOST_TEST(connect(number(1000)).repeated == 9U);
    BOOST_TEST(connect(number(2)).repeated == 3U);
    BOOST_TEST(connect(number(2000)).repeated == 0U);  // what is not acknowledged comes to it once more
    BOOST_TEST(connect(number(4)).repeated == 44U);
    BOOST_TEST(connect(number(5)).repeated == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acknowledged_records
