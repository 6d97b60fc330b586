// Distributed under the Boost Software License, Version 1.0.

#include "scenes.hpp"

#include <strait/channel.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/watchdog.hpp>

#include <algorithm>
#include <array>
#include <memory>

namespace crash_points_large {

namespace {

using crash::role;

// Large enough that the sender's copy and the receiver's overlap, and that a sender dies between two pieces of one message.
struct large {
    std::uint64_t sequence;
    std::uint64_t sender;
    std::array<std::uint64_t, std::size_t{20'000}> words;
};

support::origin origin_of(large const& m) noexcept { return {m.sender, m.sequence}; }

bool is_whole(large const& m) noexcept
{
    return std::ranges::all_of(m.words, [&](std::uint64_t w) { return w == support::mixed(m.sequence ^ m.sender << 48); });
}

std::unique_ptr<large> make_large(std::uint64_t sequence, std::uint64_t sender)
{
    auto m = std::make_unique<large>();
    m->sequence = sequence;
    m->sender = sender;
    m->words.fill(support::mixed(sequence ^ sender << 48));
    return m;
}

using ring = strait::shm_ring<strait::spsc, crash::sleeps_at_once>;

// A channel of large messages: a victim, its successor, and the end that stays.
class scene_of_large {
public:
    void kill_senders(crash::plan& p, crash::point const* where, std::uint64_t hit)
    {
        support::child consumer([&] { return receive(2, few * 2 + 1); });
        support::notes::await(notes_->stage, 1);
        support::child victim([&] {
            p.follow(where, hit);
            send(0, few);
        });
        crash::sweep::all().died_of(victim, where);
        support::child next([&] { send(1, few); });
        BOOST_TEST_REQUIRE(next.wait() == 0);
        notes_->proceed = 1;
        BOOST_TEST_REQUIRE(consumer.wait() == 0);
        judge(0);
    }

    void kill_receivers(crash::plan& p, crash::point const* where, std::uint64_t hit)
    {
        support::child producer([&] { send(0, few * 2); });
        support::child victim([&] {
            p.follow(where, hit);
            return receive(1, few);
        });
        bool const killed = crash::sweep::all().died_of(victim, where);
        notes_->proceed = 1;
        support::child next([&] { return receive(2, few * 2 + 1); });
        BOOST_TEST_REQUIRE(producer.wait() == 0);
        BOOST_TEST_REQUIRE(next.wait() == 0);
        judge(killed);
    }

private:
    static constexpr std::uint64_t few = 4;
    static constexpr strait::channel_options options{.capacity = 2};

    void send(std::size_t me, std::uint64_t count)
    {
        strait::sender<large, ring> out{name_, options};
        auto& life = book_[me];
        for (std::uint64_t i = 0; i != count; ++i) {
            auto const message = make_large(i, me);
            life.began = i + 1;
            out.send(*message);
            life.sent = i + 1;
        }
    }

    // Until so many have come, or, when everybody else has left, until all has been read.
    int receive(std::size_t me, std::uint64_t count)
    {
        strait::receiver<large, ring> in{name_, options};
        notes_->stage = 1;
        support::ledger_pen pen(book_, me, true);
        auto const message = std::make_unique<large>();
        for (std::uint64_t n = 0; n != count;)
            if (in.receive(*message)) {
                pen.note(*message);
                ++n;
            } else if (notes_->proceed != 0) {
                break;
            }
        return in.close() ? 0 : 1;
    }

    // At most the message that a killed receiver was copying out is seen twice, or, when it was killed before it could note
    // the copy, not at all.
    void judge(bool receiver_killed)
    {
        auto const v = support::judge(book_, 2, false);
        crash::sweep::all().sum.checked += v;
        BOOST_TEST((v.lost + v.twice <= receiver_killed && v.torn == 0 && v.unsent == 0), v);
        for (std::size_t life = 0; life != book_.size(); ++life)
            BOOST_TEST(book_[life].torn == 0U);
        BOOST_TEST(support::files_of(name_ + ".").empty());
    }

    support::ledger book_{3};
    support::shared_page notes_;
    std::string name_ = support::unique_name();
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_points_large, *boost::unit_test::fixture<support::watchdog>())

BOOST_AUTO_TEST_CASE(a_death_at_any_point_of_overlapping_copies_costs_nobody_else_anything)
{
    ++crash::sweep::all().subjects;
    crash::kill_at_each_point(
        "spsc, large messages: a sender",
        [](crash::plan& p, crash::point const* where, std::uint64_t hit) { scene_of_large().kill_senders(p, where, hit); }, true);
    crash::kill_at_each_point(
        "spsc, large messages: a receiver",
        [](crash::plan& p, crash::point const* where, std::uint64_t hit) { scene_of_large().kill_receivers(p, where, hit); }, true);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace crash_points_large
