// Distributed under the Boost Software License, Version 1.0.

#include <strait/channel.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <support/child.hpp>
#include <support/large_message.hpp>
#include <support/names.hpp>
#include <support/shared_page.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace rings_large {

namespace {

// Messages that are copied out while they are copied in.
using support::large_message;
using support::make_large;

using topologies = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<strait::broadcast<strait::lossless>>>;

constexpr strait::message_layout layout{sizeof(large_message), alignof(large_message), 1};
using progress = strait::detail::slot_progress<layout>;

// A ring of two slots and both sides of it, of which any may be begun anew.
class bare_slots {
    using shape = strait::detail::slot_shape<layout>;
    struct memory {
        strait::detail::ring_header header;
        alignas(64) std::byte slots[2 * shape::stride];
    };

public:
    bare_slots()
    {
        new_writer();
        BOOST_TEST_REQUIRE(!reader.attach(view()));
    }

    // As when the sender has died.
    void new_writer() { BOOST_TEST_REQUIRE(!writer.attach(view())); }

    void copy_in(large_message const& m)
    {
        writer.copy_in(reinterpret_cast<std::byte const*>(&m), [] {});
    }
    void write_in_place(large_message const& m) { std::memcpy(writer.room(sizeof m).data(), &m, sizeof m); }
    void commit() { writer.commit(sizeof(large_message)); }

    bool follow()
    {
        bool const some = copy.behind(reader.progress());
        copy.follow(reader.message().data(), reinterpret_cast<std::byte*>(got.get()), reader.progress());
        return some;
    }
    large_message const& finish()
    {
        BOOST_TEST_REQUIRE(reader.look());
        copy.finish(reader.message().data(), reinterpret_cast<std::byte*>(got.get()), reader.progress());
        reader.release();
        copy = {};
        return *got;
    }

private:
    strait::detail::ring_view view() { return {&shared->header, shared->slots, 2, sizeof(large_message)}; }

    std::unique_ptr<memory> shared = std::make_unique<memory>();
    strait::detail::slot_writer<layout> writer;
    strait::detail::slot_reader<layout> reader;
    progress::early_copy copy;
    std::unique_ptr<large_message> got = std::make_unique<large_message>();
};

using many_to_one = strait::channel<large_message, strait::shm_ring<strait::mpsc>>;

// Message n of the life-th sender that there was.
std::uint64_t number(std::uint64_t life, std::uint64_t n) { return life * 1'000'000 + n; }

// How far each sender has come, and whether a message can be the next one of any.
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
    many_to_one::sender out(name, {.capacity = 2});
    for (std::uint64_t n = 0; n != count; ++n)
        out.send(*make_large(number(life, n)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings_large, *boost::unit_test::fixture<support::watchdog>(support::watchdog::patience))

BOOST_AUTO_TEST_CASE(what_was_copied_early_is_not_copied_again)
{
    bare_slots ring;
    auto const first = make_large(1);
    BOOST_TEST(!ring.follow());
    ring.copy_in(*first);
    BOOST_TEST(ring.follow());
    BOOST_TEST(!ring.follow());
    ring.write_in_place(*make_large(2));  // no sender does that; here it shows whether the reader copies again
    ring.commit();
    BOOST_TEST((ring.finish() == *first));
}

BOOST_AUTO_TEST_CASE(what_a_dead_sender_has_begun_is_nothing)
{
    bare_slots ring;
    for (std::uint64_t i = 0; i != 6; ++i) {
        BOOST_TEST(!ring.follow());
        ring.copy_in(*make_large(100 + i));
        if (i % 2 == 0)
            BOOST_TEST(ring.follow());
        ring.new_writer();
        auto const next = make_large(i);
        if (i % 3 == 0) {
            ring.write_in_place(*next);
        } else {
            ring.copy_in(*next);
            if (i % 3 == 1)
                BOOST_TEST(ring.follow());
        }
        ring.commit();
        BOOST_TEST((ring.finish() == *next));
    }
}

TYPED_CASE(messages_come_whole_however_they_are_sent_and_received, X, topologies)
{
    using large_channel = strait::channel<large_message, X>;
    std::string const name = support::unique_name();
    constexpr std::uint64_t count = 120;
    support::child const out([&] {
        typename large_channel::sender s(name, {.capacity = 2});
        std::unique_ptr<large_message[]> const two(new large_message[2]);
        for (std::uint64_t i = 0; i != count;)
            if (i % 3 == 0) {
                s.send(*make_large(i++));
            } else if (i % 6 == 1) {
                two[0] = *make_large(i++);
                two[1] = *make_large(i++);
                if (s.send_batch({two.get(), 2}) != 2)
                    throw "half a batch";
            } else {
                auto c = s.claim();
                *c = *make_large(i++);
                c.commit();
            }
    });
    typename large_channel::receiver r(name, {.capacity = 2});
    auto const got = std::make_unique<large_message>();
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i != count; ++i) {
        bool there = true;
        switch (i % 5) {
        case 0:
            if (auto const b = r.borrow())
                *got = *b;
            else
                there = false;
            break;
        case 1: there = r.receive_batch({got.get(), 1}) == 1; break;
        case 2: {
            auto timed = r.receive_for(std::chrono::minutes(1));
            there = timed.has_value();
            if (timed)
                *got = *timed;
            break;
        }
        default: there = r.receive(*got);
        }
        wrong += !there || !(*got == *make_large(i));
    }
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(!r.receive(*got));
    BOOST_TEST((r.end_reason() == strait::end_reason::left));
}

TYPED_CASE(a_message_whose_sender_is_killed_while_it_is_copied_never_existed, X, topologies)
{
    using large_channel = strait::channel<large_message, X>;
    std::string const name = support::unique_name();
    support::shared_page page;
    typename large_channel::receiver r(name, {.capacity = 2});
    auto const got = std::make_unique<large_message>();
    std::uint64_t received = 0;
    for (int i = 0; i != support::rounds(40); ++i) {
        support::child out([&] {
            typename large_channel::sender s(name, {.capacity = 2});
            page->stage = static_cast<std::uint64_t>(i) + 1;
            for (std::uint64_t n = received;; ++n)
                if (n % 2 == 0) {
                    s.send(*make_large(n));
                } else {
                    auto c = s.claim();
                    *c = *make_large(n);
                    c.commit();
                }
        });
        support::notes::await(page->stage, static_cast<std::uint64_t>(i) + 1);
        do {
            BOOST_TEST_REQUIRE(r.receive(*got));
            BOOST_TEST_REQUIRE((*got == *make_large(received)));
            ++received;
        } while (received % 5 != 0);
        out.kill();
        while (r.receive(*got)) {
            BOOST_TEST_REQUIRE((*got == *make_large(received)));
            ++received;
        }
        BOOST_TEST((r.end_reason() == strait::end_reason::died));
    }
}

BOOST_AUTO_TEST_CASE(large_messages_of_many_come_whole_and_in_order)
{
    std::string const name = support::unique_name();
    many_to_one::receiver in(name, {.capacity = 2});
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
    many_to_one::receiver in(name, {.capacity = 2});
    lives all;
    auto const got = std::make_unique<large_message>();
    support::shared_page page;
    support::child steady([&, life = all.begin()] {
        many_to_one::sender out(name, {.capacity = 2});
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

}  // namespace rings_large
