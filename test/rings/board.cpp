// Distributed under the Boost Software License, Version 1.0.
// Boards: the last value of each key, for readers that come when they like.

#include <strait/board.hpp>
#include <strait/select.hpp>

#include "segment.hpp"

#include <support/child.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace rings_board {

namespace {

using strait::deadline;
using strait::errc;

struct place {
    double x;
    double y;
    friend bool operator==(place const&, place const&) = default;
};
struct alignas(64) lined {
    std::uint64_t value;
};
struct robot {
    double battery;
    place where;
    std::string task;
    bool on;
    std::vector<place> path;
    lined line;
    std::array<std::uint64_t, 100> large;
    support::probe probe;
    std::string text;
};
using robots = strait::board<robot>;

struct other_robot {
    double battery;
    float where;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_board, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(each_key_has_its_last_value_for_whoever_reads_it_and_when)
{
    std::string const name = support::unique_name();
    robots::reader<&robot::battery> early(name);
    BOOST_TEST((early.current().error() == errc::empty));
    BOOST_TEST((early.try_receive().error() == errc::empty));
    robots::writer<&robot::battery> battery(name);
    robots::writer<&robot::where> where(name);
    robots::writer<&robot::task> task(name);
    robots::writer<&robot::on> on(name);
    robots::writer<&robot::path> path(name);
    robots::writer<&robot::line> line(name);
    robots::writer<&robot::large> large(name);
    for (int i = 0; i != 50; ++i) {
        battery.send(i / 2.0);
        where.send({i + 1.0, i + 2.0});
        task.send(std::string(static_cast<std::size_t>(i * 20), 'a'));
        on.send(i % 2 == 0);
        path.send(std::vector<place>(static_cast<std::size_t>(i), place{1, 2}));
        line.send({static_cast<std::uint64_t>(i)});
        large.send({7, static_cast<std::uint64_t>(i)});
        for (int again = 0; again != 2; ++again) {
            BOOST_TEST_REQUIRE((robots::reader<&robot::battery>(name).current() == i / 2.0));
            BOOST_TEST_REQUIRE((robots::reader<&robot::where>(name).current() == place{i + 1.0, i + 2.0}));
            BOOST_TEST_REQUIRE((robots::reader<&robot::task>(name).current() == std::string(static_cast<std::size_t>(i * 20), 'a')));
            BOOST_TEST_REQUIRE((robots::reader<&robot::on>(name).try_receive() == (i % 2 == 0)));
            BOOST_TEST_REQUIRE(robots::reader<&robot::path>(name).current()->size() == static_cast<std::size_t>(i));
            BOOST_TEST_REQUIRE(robots::reader<&robot::line>(name).current()->value == static_cast<std::uint64_t>(i));
            BOOST_TEST_REQUIRE((*robots::reader<&robot::large>(name).current())[1] == static_cast<std::uint64_t>(i));
            BOOST_TEST_REQUIRE((early.current() == i / 2.0));
        }
    }
    BOOST_TEST((early.receive() == 49 / 2.0));
    BOOST_TEST(early.stats().dropped == 49U);
    BOOST_TEST((early.try_receive().error() == errc::empty));
    BOOST_TEST((early.current() == 49 / 2.0));
    BOOST_TEST((robots::reader<&robot::probe>(name).current().error() == errc::empty));  // its neighbours were written
    BOOST_TEST(task.stats().messages == 50U);
    BOOST_TEST(task.stats().bytes >= 50U * 49 / 2 * 20);
}

BOOST_AUTO_TEST_CASE(a_key_has_one_writer_at_a_time_and_the_next_one_goes_on)
{
    std::string const name = support::unique_name();
    std::optional<robots::writer<&robot::battery>> first(name);
    robots::reader<&robot::battery> in(name);
    first->send(1);
    BOOST_TEST((robots::writer<&robot::battery>::open(name).error() == errc::busy));
    BOOST_TEST(robots::writer<&robot::on>::open(name).has_value());
    support::child other([&] { return robots::writer<&robot::battery>::open(name).error() == errc::busy ? 0 : 1; });
    BOOST_TEST(other.wait() == 0);
    BOOST_TEST((in.receive() == 1));
    first.reset();
    BOOST_TEST((in.try_receive().error() == errc::closed));
    BOOST_TEST((in.current() == 1));
    robots::writer<&robot::battery> second(name);
    BOOST_TEST((in.current() == 1));
    second.send(2);
    BOOST_TEST((in.current() == 2));
    BOOST_TEST((in.receive() == 2));
}

BOOST_AUTO_TEST_CASE(a_board_of_another_struct_or_size_is_refused)
{
    std::string const name = support::unique_name();
    robots::writer<&robot::battery> out(name);
    auto const wrong = strait::board<other_robot>::reader<&other_robot::battery>::open(name);
    BOOST_TEST((wrong.error() == errc::type_mismatch));
    BOOST_TEST(std::string(strait::error_note(wrong.error())).find("robot") != std::string::npos);
    BOOST_TEST((strait::board<robot, 512>::reader<&robot::battery>::open(name).error() == errc::type_mismatch));
    BOOST_TEST((strait::receiver<double, rings::latest>::open(name).error() == errc::transport_mismatch));
    strait::sender<double, rings::latest> ring(name + "ring");
    BOOST_TEST((robots::reader<&robot::battery>::open(name + "ring").error() == errc::transport_mismatch));
}

BOOST_AUTO_TEST_CASE(a_value_that_is_too_large_is_refused_and_the_old_one_stays)
{
    std::string const name = support::unique_name();
    robots::writer<&robot::text> out(name);
    out.send("old");
    BOOST_TEST((out.try_send(std::string(1025, 'x')).error() == errc::message_too_large));
    robots::reader<&robot::text> in(name);
    BOOST_TEST((in.current() == "old"));
    out.send(std::string(1024, 'y'));
    BOOST_TEST((in.current() == std::string(1024, 'y')));
}

BOOST_AUTO_TEST_CASE(a_reader_waits_for_a_change_with_a_deadline_and_with_select)
{
    using namespace std::chrono_literals;
    std::string const name = support::unique_name();
    robots::reader<&robot::battery> in(name);
    BOOST_TEST((in.receive_for(10ms).error() == errc::timed_out));
    robots::writer<&robot::battery> out(name);
    std::thread later([&] { out.send(3); });
    BOOST_TEST((in.receive() == 3));
    later.join();
    robots::reader<&robot::on> on(name);
    robots::writer<&robot::on> switches(name);
    switches.send(true);
    auto const ready = strait::select(deadline::after(60s), in, on);
    BOOST_TEST_REQUIRE(ready.has_value());
    BOOST_TEST(ready->index == 1U);
    BOOST_TEST((on.try_receive() == true));
}

BOOST_AUTO_TEST_CASE(a_kept_board_outlives_all_of_its_ends)
{
    std::string const name = support::unique_name();
    {
        robots::writer<&robot::text> out(name, {.keep = true});
        out.send("kept");
    }
    for (int i = 0; i != 3; ++i)
        BOOST_TEST((robots::reader<&robot::text>(name).current() == "kept"));
    {
        robots::writer<&robot::text> out(name);
        BOOST_TEST((robots::reader<&robot::text>(name).current() == "kept"));
        out.send("replaced");
    }
    BOOST_TEST((robots::reader<&robot::text>(name).current() == "replaced"));
    BOOST_TEST(robots::remove(name).has_value());
    BOOST_TEST((robots::reader<&robot::text>(name).current().error() == errc::empty));
}

template <auto Key>
void watch_a_writer_that_is_killed()
{
    using T = typename robots::writer<Key>::value_type;
    std::string const name = support::unique_name();
    typename robots::reader<Key> in(name);
    typename robots::reader<Key> taking(name);
    std::uint64_t seen = 0;
    for (std::uint64_t life = 0; life != static_cast<std::uint64_t>(support::rounds(10)); ++life) {
        support::child writer([&] {
            typename robots::writer<Key> out(name);
            for (std::uint64_t i = 0;; ++i)
                out.send(support::make_message<T>(i, life));
        });
        while (!in.current() || support::origin_of(*in.current()).sender != life)
            std::this_thread::yield();
        std::uint64_t last = 0;
        for (int look = 0; look != 300; ++look) {
            auto const value = look % 2 == 0 ? in.current() : taking.try_receive();
            if (!value && look % 2 != 0)
                continue;
            BOOST_TEST_REQUIRE(value.has_value());
            BOOST_TEST_REQUIRE(support::is_whole(*value));
            auto const from = support::origin_of(*value);
            if (from.sender != life)
                continue;
            BOOST_TEST_REQUIRE(from.sequence >= last);  // never back to an older one
            last = look % 2 == 0 ? from.sequence : last;
            ++seen;
        }
        writer.kill();
        auto const left = in.current();
        BOOST_TEST_REQUIRE(left.has_value());
        BOOST_TEST_REQUIRE(support::is_whole(*left));
        BOOST_TEST_REQUIRE(support::origin_of(*left).sender == life);
        BOOST_TEST_REQUIRE((in.current() == *left));
    }
    BOOST_TEST(seen > 100U);
}

BOOST_AUTO_TEST_CASE(values_of_a_writer_at_work_are_whole_also_when_it_is_killed)
{
    watch_a_writer_that_is_killed<&robot::probe>();
    watch_a_writer_that_is_killed<&robot::text>();
}

BOOST_AUTO_TEST_CASE(thousands_of_readers_come_and_go)
{
    std::string const name = support::unique_name();
    robots::writer<&robot::battery> out(name);
    for (int i = 0; i != support::rounds(2000); ++i) {
        out.send(i);
        robots::reader<&robot::battery> in(name);
        BOOST_TEST_REQUIRE((in.current() == i));
    }
}

BOOST_AUTO_TEST_CASE(damaged_words_of_a_board_cost_no_more_than_an_error)
{
    std::string const name = support::unique_name();
    robots::writer<&robot::text> out(name);
    out.send("text");
    rings::segment const memory(name);
    std::size_t const first = strait::detail::ring_data_offset() / 8;
    for (std::size_t word = first; word != memory.words(); ++word) {
        std::uint64_t const right = memory.word(word * 8);
        if (right == 0)
            continue;
        for (std::uint64_t const wrong : {std::uint64_t{0}, ~std::uint64_t{0}, right + 1, std::uint64_t{1} << 40}) {
            memory.word(word * 8) = wrong;
            if (auto in = robots::reader<&robot::text>::open(name)) {
                if (auto const value = in->current())
                    BOOST_TEST_REQUIRE(value->size() <= 1024U);
                (void)in->try_receive();
                (void)in->current();
            }
        }
        memory.word(word * 8) = right;
    }
    BOOST_TEST((robots::reader<&robot::text>(name).current() == "text"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rings_board
