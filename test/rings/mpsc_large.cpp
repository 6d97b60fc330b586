// Distributed under the Boost Software License, Version 1.0.

#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/child.hpp>
#include <support/large_message.hpp>
#include <support/names.hpp>
#include <support/shared_page.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace {

using support::large_message;
using support::make_large;
using large_channel = strait::channel<large_message, strait::shm_ring<strait::mpsc>>;

// Message n of the life-th sender that there was.
std::uint64_t number(std::uint64_t life, std::uint64_t n) { return life * 1'000'000 + n; }

// What each sender has come to, and whether a message can be the next one of any.
class lives {
public:
    bool see(large_message const& m)
    {
        for (std::uint64_t life = 0; life != next_.size(); ++life)
            if (m.words[0] == support::mixed(number(life, next_[life])))
                return m == *make_large(number(life, next_[life]++));
        return false;
    }
    std::uint64_t begin()
    {
        next_.push_back(0);
        return next_.size() - 1;
    }
    std::uint64_t seen_of(std::uint64_t life) const { return next_[life]; }

private:
    std::vector<std::uint64_t> next_;
};

void send_large(std::string const& name, std::uint64_t life, std::uint64_t count)
{
    large_channel::sender out(name, {.capacity = 2});
    for (std::uint64_t n = 0; n != count; ++n)
        out.send(*make_large(number(life, n)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_mpsc_large, *boost::unit_test::fixture<support::watchdog>(support::watchdog::patience))

BOOST_AUTO_TEST_CASE(large_messages_of_many_come_whole_and_in_order)
{
    std::string const name = support::unique_name();
    large_channel::receiver in(name, {.capacity = 2});
    lives all;
    constexpr std::uint64_t count = 60;
    std::vector<support::child> senders;
    for (int i = 0; i != 3; ++i)
        senders.emplace_back([&name, life = all.begin()] { send_large(name, life, count); });
    auto const got = std::make_unique<large_message>();
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i != 3 * count; ++i) {
        BOOST_TEST_REQUIRE(in.receive(*got));
        wrong += !all.see(*got);
    }
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(!in.receive(*got));
    BOOST_TEST((in.end_reason() == strait::end_reason::left));
}

// One is killed again and again, in the middle of most of its messages; another never.
BOOST_AUTO_TEST_CASE(what_a_killed_sender_has_begun_is_no_part_of_the_message_of_another)
{
    std::string const name = support::unique_name();
    large_channel::receiver in(name, {.capacity = 2});
    lives all;
    auto const got = std::make_unique<large_message>();
    support::shared_page page;
    support::child steady([&, life = all.begin()] {
        large_channel::sender out(name, {.capacity = 2});
        for (std::uint64_t n = 0; page->stage == 0; ++n)
            out.send(*make_large(number(life, n)));
    });
    for (int i = 0; i != support::rounds(20); ++i) {
        std::uint64_t const life = all.begin();
        support::child doomed([&] { send_large(name, life, 1'000'000); });
        while (all.seen_of(life) <= static_cast<std::uint64_t>(i % 4)) {
            BOOST_TEST_REQUIRE(in.receive(*got));
            BOOST_TEST_REQUIRE(all.see(*got));
        }
        doomed.kill();
        for (int after = 0; after != 6; ++after) {
            BOOST_TEST_REQUIRE(in.receive(*got));
            BOOST_TEST_REQUIRE(all.see(*got));
        }
    }
    page->stage = 1;
    while (in.receive(*got))
        BOOST_TEST_REQUIRE(all.see(*got));
    BOOST_TEST(steady.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
