// Distributed under the Boost Software License, Version 1.0.

#include <conformance/delays.hpp>
#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <thread>

namespace conformance {
namespace {

using support::child;
using support::notes;
using support::shared_page;

// Receivers come and go meanwhile.
template <class Sender>
void send_to_any(Sender& out, std::uint64_t number)
{
    while (code(out.send_for(make_probe(number), 10s)) == errc::no_receiver)
        std::this_thread::yield();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(deaths_of_receivers)

CONFORMANCE_CASE(a_successor_gets_what_is_declared_retained, x, reliable_named)
{
    if (x.between_processes) {
        for (int round = 0; round != support::rounds(12); ++round) {
            auto const where = x.where();
            shared_page page;
            child first([&] {
                receiver in{x, where};
                page->stage = 1;
                while (auto const m = in.receive()) {
                    if (m->sequence != page->done || !support::is_whole(*m))
                        ++page->wrong;
                    page->done.store(m->sequence + 1, std::memory_order_release);
                }
            });
            notes::await(page->stage, 1);
            auto const moment = support::mixed(static_cast<std::uint64_t>(round) * 91 + 1) % 3000;
            child producer([&] {
                sender out{x, where};
                for (std::uint64_t i = 0; page->proceed == 0 || i < page->proceed; ++i) {
                    send_to_any(out, i);
                    page->other[0].store(i + 1, std::memory_order_release);
                }
            });
            notes::await(page->done, 1 + moment / 3);
            std::this_thread::sleep_for(std::chrono::microseconds(moment));  // a random instruction
            first.kill();
            std::uint64_t const consumed = page->done;
            receiver in{x, where};
            auto message = in.receive();
            BOOST_REQUIRE(message);
            std::uint64_t const resumed = message->sequence;
            page->proceed = page->other[0] + 1000;
            if (x.retains_for_the_next()) {
                // At most the one message in its hands is seen twice or not at all.
                BOOST_CHECK_GE(resumed + 1, consumed);
                BOOST_CHECK_LE(resumed, consumed + 1);
            } else {
                BOOST_CHECK_GE(resumed, consumed);
            }
            support::sequence_checker seen(resumed);
            bool right = true;
            for (; message; message = in.receive())
                right = seen.see(*message) && right;
            BOOST_CHECK(right);
            BOOST_CHECK_EQUAL(seen.next(), page->other[0]);
            BOOST_CHECK_EQUAL(page->wrong, 0U);
            BOOST_CHECK_EQUAL(producer.wait(), 0);
            BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
        }
    }
}

CONFORMANCE_CASE(at_most_the_borrowed_message_is_seen_again, x, any_named)
{
    if (x.between_processes && x.guarantees.retained) {
        auto const where = x.where();
        shared_page page;
        sender out{x, where};
        for (std::uint64_t i = 0; i != 4; ++i)
            out.send(make_probe(i));
        child first([&] {
            receiver in{x, where};
            in.receive();
            in.receive();
            auto const held = in.borrow();
            page->stage = held->sequence;
            ::pause();
        });
        notes::await(page->stage, 2);
        first.kill();
        receiver in{x, where};
        auto const next = in.receive();
        BOOST_REQUIRE(next);
        BOOST_CHECK(*next == make_probe(2) || *next == make_probe(3));
        if (*next == make_probe(2))
            BOOST_CHECK(in.receive() == make_probe(3));
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    }
}

CONFORMANCE_CASE(a_waiting_sender_learns_of_a_death, x, bounded_named)
{
    if (x.between_processes && !x.retains_for_the_next()) {
        delays noticed;
        for (int round = 0; round != support::rounds(10); ++round) {
            auto const where = x.where();
            auto small = x.options;
            small.capacity = 4;
            shared_page page;
            child consumer([&] {
                receiver in{x, where, small};
                in.receive();
                page->stage = 1;
                ::pause();
            });
            sender out{x, where, small};
            out.send(make_probe(0));
            notes::await(page->stage, 1);
            fill(out, 1);
            std::chrono::steady_clock::time_point dead;
            std::thread killing([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(round % 7 * 9));  // at any phase of a wait slice
                consumer.kill();
                dead = std::chrono::steady_clock::now();
            });
            auto const told = thrown_by([&] {
                for (std::uint64_t i = 0;; ++i)
                    out.send(make_probe(i));
            });
            auto const now = std::chrono::steady_clock::now();
            BOOST_CHECK_EQUAL(told, errc::no_receiver);
            killing.join();
            noticed.add(now - dead);
            if (x.by_socket)
                x.probes.remove(where).value();  // else what the dead receiver has left stays for the next one
            (void)out.close();  // what was on its way is lost
        }
        noticed.print(x.guarantees.name, "a sender notices a dead receiver");
    }
}

CONFORMANCE_CASE(a_stopped_receiver_only_makes_the_sender_wait, x, reliable_named)
{
    if (x.between_processes) {
        auto const where = x.where();
        auto small = x.options;
        small.capacity = 8;
        shared_page page;
        child consumer([&] {
            receiver in{x, where, small};
            support::sequence_checker seen;
            for (auto const& m : in)
                if (!seen.see(m))
                    ++page->wrong;
            page->done = seen.count();
            return in.end_reason() == strait::end_reason::left ? 0 : 1;
        });
        sender out{x, where, small};
        std::uint64_t next = 0;
        while (next != 500)
            out.send(make_probe(next++));
        for (int pause = 0; pause != 3; ++pause) {
            consumer.signal(SIGSTOP);
            strait::error_code told;
            while (!told)
                if (auto const r = out.send_for(make_probe(next), 20ms); r)
                    ++next;
                else
                    told = r.error();
            BOOST_CHECK_EQUAL(told, errc::timed_out);
            consumer.signal(SIGCONT);
        }
        for (int more = 0; more != 500; ++more)
            out.send(make_probe(next++));
        BOOST_CHECK(out.close());
        BOOST_CHECK_EQUAL(consumer.wait(), 0);
        BOOST_CHECK_EQUAL(page->wrong, 0U);
        BOOST_CHECK_EQUAL(page->done, next);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
