// Distributed under the Boost Software License, Version 1.0.
#include <sysv_mqueue/fixture.hpp>

#include <support/child.hpp>
#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>

#include <strait/channel.hpp>
#include <strait/transport/prioritized.hpp>
#include <strait/transport/sysv_mqueue.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace sysv_mqueue_priorities {

namespace {

using namespace std::chrono_literals;
using strait::errc;
using namespace sysv_queues;

using by_priority = strait::prioritized<strait::sysv_mqueue>;
using sender = strait::sender<std::uint64_t, by_priority>;
using receiver = strait::receiver<std::uint64_t, by_priority>;

static_assert(strait::transport<by_priority>);
static_assert(!by_priority::guarantees.ordered && by_priority::guarantees.retained && by_priority::guarantees.reliable);
static_assert(strait::sysv_mqueue::guarantees.ordered);

template <class Sender>
concept has_priorities = requires(Sender& s) { s.set_priority(1); };
static_assert(has_priorities<sender> && !has_priorities<strait::sender<std::uint64_t, strait::sysv_mqueue>>);

std::vector<std::uint64_t> all_of(receiver& in)
{
    std::vector<std::uint64_t> all;
    while (auto const m = in.try_receive())
        all.push_back(*m);
    return all;
}

void check_equal(std::vector<std::uint64_t> const& got, std::vector<std::uint64_t> const& wanted)
{
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), wanted.begin(), wanted.end());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sysv_priorities, clean)

BOOST_AUTO_TEST_CASE(the_highest_comes_first_and_equals_in_the_order_sent)
{
    auto const name = support::unique_name();
    receiver in{name};
    sender out{name};
    sender other{name};
    out.send(1);
    other.set_priority(7);
    other.send(2);
    out.set_priority(255);
    out.send(3);
    out.set_priority(7);
    out.send(4);
    other.send(5);
    out.set_priority(0);
    out.send(6);
    check_equal(all_of(in), {3, 2, 4, 5, 1, 6});
}

BOOST_AUTO_TEST_CASE(each_of_256_priorities_is_another)
{
    auto const name = support::unique_name();
    receiver in{name};
    sender out{name};
    std::vector<std::uint64_t> wanted;
    for (unsigned i = 0; i != 256; ++i) {
        auto const p = static_cast<std::uint8_t>(i * 59);  // each once, in no order
        out.set_priority(p);
        out.send(p);
        wanted.push_back(255 - i);
    }
    check_equal(all_of(in), wanted);
}

BOOST_AUTO_TEST_CASE(every_way_of_sending_has_the_priority)
{
    auto const name = support::unique_name();
    receiver in{name};
    sender out{name};
    out.set_priority(1);
    out.send(1);
    out.set_priority(2);
    BOOST_CHECK(out.try_send(2));
    auto claimed = out.claim();
    *claimed = 5;
    out.set_priority(5);  // before the commit
    claimed.commit();
    out.set_priority(3);
    BOOST_CHECK(out.send_for(3, 10s));
    out.set_priority(4);
    BOOST_CHECK_EQUAL(out.send_batch(std::array<std::uint64_t, 3>{40, 41, 42}), 3u);
    sender moved = std::move(out);
    moved.send(43);
    std::array<std::uint64_t, 2> two{};
    BOOST_CHECK_EQUAL(in.receive_batch(two), 2u);
    check_equal({two.begin(), two.end()}, {5, 40});
    check_equal(all_of(in), {41, 42, 43, 3, 2, 1});
    out.set_priority(9);  // of nothing any more
}

BOOST_AUTO_TEST_CASE(a_full_queue_keeps_urgent_messages_out_too_and_then_lets_them_first)
{
    auto const name = support::unique_name();
    by_priority::options two;
    two.capacity = 2;
    receiver in{name, two};
    sender out{name};
    out.send(1);
    out.send(2);
    out.set_priority(9);
    BOOST_CHECK_EQUAL(code(out.try_send(3)), errc::full);
    auto claimed = out.try_claim();
    BOOST_REQUIRE(claimed.has_value());
    **claimed = 3;
    BOOST_CHECK_EQUAL(code(claimed->try_commit()), errc::full);
    BOOST_CHECK(in.receive() == 1u);
    BOOST_CHECK(claimed->try_commit());
    check_equal(all_of(in), {3, 2});
}

BOOST_AUTO_TEST_CASE(the_end_comes_after_the_lowest_and_what_was_sent_outlives_its_sender)
{
    for (bool const killed : {false, true}) {
        auto const name = support::unique_name();
        support::shared_page page;
        support::child writer([&] {
            sender out{name};
            for (std::uint64_t i = 0; i != 100; ++i) {
                out.set_priority(static_cast<std::uint8_t>(i));
                out.send(i);
            }
            page->stage = 1;
            page->await(page->proceed, 1);
        });
        page->await(page->stage, 1);
        if (killed)
            writer.kill();
        page->proceed = 1;
        writer.wait();
        receiver in{name};  // nobody had it open
        for (std::uint64_t i = 100; i != 0; --i)
            BOOST_CHECK(in.receive() == i - 1);
        BOOST_CHECK(!in.receive());
        BOOST_CHECK(in.end_reason() == (killed ? strait::end_reason::died : strait::end_reason::left));
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_priority_of_ours_is_malformed_and_does_not_stay)
{
    auto const name = support::unique_name();
    receiver in{name};
    sender out{name};
    std::uint64_t const word = 77;
    std::string const good(reinterpret_cast<char const*>(&word), sizeof word);
    std::uint64_t bad = 0;
    for (long const type : {257L, 1L << 31, 1L << 60, std::numeric_limits<long>::max()}) {
        put(queue_of(name), type, good);
        out.send(5);
        BOOST_CHECK(in.receive() == 5u);  // before it, as it claims to be of the least
        BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::malformed_message);
        BOOST_CHECK_EQUAL(in.stats().dropped, ++bad);
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    }
    for (std::size_t const size : {0u, 7u, 9u, 8000u}) {
        put(queue_of(name), 1, std::string(size, 'x'));
        BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::malformed_message);
    }
    for (long const type : {256L, 1L}) {
        put(queue_of(name), type, good);
        BOOST_CHECK(in.receive() == word);
    }
    // It is no reason to think that the stream goes on.
    put(queue_of(name), 1L << 40, good);
    BOOST_CHECK(out.close());
    BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::malformed_message);
    BOOST_CHECK(!in.receive());
}

BOOST_AUTO_TEST_CASE(the_plain_queue_is_another_transport_but_removes_this_one)
{
    auto const name = support::unique_name();
    sender{name}.send(1);
    BOOST_CHECK_EQUAL(code(strait::receiver<std::uint64_t, strait::sysv_mqueue>::open(name)), errc::transport_mismatch);
    BOOST_CHECK_GE(queue_of(name), 0);
    BOOST_CHECK((strait::channel<std::uint64_t, strait::sysv_mqueue>::remove(name)));
    BOOST_CHECK_EQUAL(queue_of(name), -1);
    sender{name}.send(2);
    BOOST_CHECK((strait::channel<std::uint64_t, by_priority>::remove(name)));
    BOOST_CHECK_EQUAL(queue_of(name), -1);
}

// Each sender has several priorities; of each, and each sender, the messages stay in order, also where senders are killed.
BOOST_AUTO_TEST_CASE(many_senders_and_killed_ones_lose_nothing_and_keep_the_order_of_each_priority)
{
    constexpr std::uint64_t priorities = 4;
    auto const name = support::unique_name();
    support::shared_object<std::array<std::atomic<std::uint64_t>, 3 * priorities>> sent;  // of each sender and priority
    receiver in{name};
    std::vector<support::child> writers;
    for (std::uint64_t s = 0; s != 3; ++s)
        writers.emplace_back([&, s] {
            sender out{name};
            for (std::uint64_t i = 0; s == 0 || i != 3000; ++i) {
                std::uint64_t const p = support::mixed(i + s) % priorities;
                out.set_priority(static_cast<std::uint8_t>(60 * p));
                out.send((s * priorities + p) << 32 | (*sent)[s * priorities + p]);
                (*sent)[s * priorities + p] += 1;
            }
        });
    std::array<std::uint64_t, 3 * priorities> next{};
    std::uint64_t got = 0;
    while (auto const m = in.receive()) {
        BOOST_REQUIRE_LT(*m >> 32, next.size());
        BOOST_REQUIRE_EQUAL(*m & 0xffffffff, next[*m >> 32]++);
        if (++got == 5000)
            writers[0].kill();
    }
    BOOST_CHECK(in.end_reason() == strait::end_reason::died);
    for (std::size_t i = 0; i != next.size(); ++i) {
        BOOST_CHECK_GE(next[i], (*sent)[i].load());
        BOOST_CHECK_LE(next[i], (*sent)[i] + (i < priorities ? 1 : 0));
    }
    BOOST_CHECK_EQUAL(writers[1].wait(), 0);
    BOOST_CHECK_EQUAL(writers[2].wait(), 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace sysv_mqueue_priorities
