// Distributed under the Boost Software License, Version 1.0.

#include <conformance/delays.hpp>
#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <string>
#include <thread>

namespace conformance {
namespace {

using support::child;
using support::notes;
using support::shared_page;

// What the sender has reported as sent, in memory that survives it, must arrive as declared.
template <class T>
void kill_the_sender(subject const& x)
{
    for (int round = 0; round != support::rounds(12); ++round) {
        auto const where = x.where();
        shared_page page;
        receiver_over<T> in{x, where};
        child producer([&] {
            sender_over<T> out{x, where};
            for (std::uint64_t i = 0;; ++i) {
                out.send(make_message<T>(i));
                page->done.store(i + 1, std::memory_order_release);
            }
        });
        auto const moment = support::mixed(static_cast<std::uint64_t>(round) * 77 + 1) % 3000;
        std::thread killing([&] {
            notes::await(page->done, 1 + moment / 3);
            std::this_thread::sleep_for(std::chrono::microseconds(moment));  // a random instruction, no synchronisation
            producer.signal(SIGKILL);
        });
        support::sequence_checker seen;
        bool right = true;
        while (auto const m = in.receive())
            right = seen.see(*m) && right;
        killing.join();
        BOOST_CHECK_EQUAL(producer.wait(), -SIGKILL);
        std::uint64_t const reported = page->done;
        BOOST_CHECK(right);
        if (x.guarantees.committed_when == strait::commit_point::stored ||
                      x.guarantees.committed_when == strait::commit_point::call_returned)
            BOOST_CHECK_GE(seen.count(), reported);
        BOOST_CHECK_LE(seen.count(), reported + 1);
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
        // Nobody is wedged: the next sender takes its place.
        sender_over<T> next{x, where};
        next.send(make_message<T>(0, 1));
        BOOST_CHECK(in.receive() == make_message<T>(0, 1));
        next.close().value();
        BOOST_CHECK(!in.receive());
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(deaths_of_senders)

CONFORMANCE_CASE(what_a_killed_sender_committed_arrives_once_in_order, x, reliable_named)
{
    if (x.between_processes && x.guarantees.detects_death)
        kill_the_sender<probe>(x);
}

CONFORMANCE_CASE(no_text_of_a_killed_sender_is_torn, x, reliable)
{
    if (x.between_processes && x.guarantees.detects_death)
        kill_the_sender<std::string>(x);
}

CONFORMANCE_CASE(a_sender_killed_with_a_claim_sent_nothing_of_it, x, any_named)
{
    if (x.between_processes && x.guarantees.detects_death) {
        auto const where = x.where();
        shared_page page;
        receiver in{x, where};
        child producer([&] {
            sender out{x, where};
            out.send(make_probe(0));
            auto c = out.claim();
            *c = make_probe(1);
            page->stage = 1;
            ::pause();
        });
        BOOST_CHECK(in.receive() == make_probe(0));
        notes::await(page->stage, 1);
        producer.kill();
        BOOST_CHECK(!in.receive());
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
    }
}

CONFORMANCE_CASE(one_of_many_senders_dies_and_the_others_go_on, x, reliable)
{
    if (x.between_processes && x.guarantees.senders == strait::multiplicity::many) {
        auto const where = x.where();
        text_receiver in{x, where};
        child doomed([&] {
            text_sender out{x, where};
            for (std::uint64_t i = 0;; ++i)
                out.send(support::make_text(i, 1));
        });
        constexpr std::uint64_t count = 4000;
        child steady([&] {
            text_sender out{x, where};
            for (std::uint64_t i = 0; i != count; ++i)
                out.send(support::make_text(i, 2));
        });
        support::sequence_checker seen;
        bool right = true;
        bool killed = false;
        while (auto const text = in.receive()) {
            right = seen.see(*text) && right;
            // Fairness is not promised: one of them may wait until the other is through.
            if (!killed && seen.next(1) > 100 && (seen.next(2) > 100 || seen.count() > 3 * count)) {
                doomed.kill();
                killed = true;
            }
        }
        BOOST_CHECK(right);
        BOOST_CHECK(killed);
        BOOST_CHECK_EQUAL(steady.wait(), 0);
        BOOST_CHECK_EQUAL(seen.next(2), count);
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
    }
}

CONFORMANCE_CASE(a_stopped_sender_goes_on_where_it_was, x, reliable)
{
    if (x.between_processes) {
        auto const where = x.where();
        shared_page page;
        text_receiver in{x, where};
        constexpr std::uint64_t count = 8000;
        child producer([&] {
            text_sender out{x, where};
            for (std::uint64_t i = 0; i != count; ++i) {
                notes::await(page->proceed, i / 1000);
                out.send(support::make_text(i));
            }
            notes::await(page->proceed, count / 1000);  // not gone before it was stopped for the last time
        });
        support::sequence_checker seen;
        bool right = true;
        for (std::uint64_t part = 0; part != count / 1000; ++part) {
            while (seen.count() < part * 1000 + 500)
                right = seen.see(*in.receive()) && right;
            producer.signal(SIGSTOP);
            // A stopped sender is neither gone nor dead: once it is drained the receiver waits.
            strait::error_code told;
            while (!told)
                if (auto const more = in.receive_for(20ms); more)
                    right = seen.see(*more) && right;
                else
                    told = more.error();
            BOOST_CHECK_EQUAL(told, errc::timed_out);
            producer.signal(SIGCONT);
            page->proceed = part + 1;
        }
        while (auto const rest = in.receive())
            right = seen.see(*rest) && right;
        BOOST_CHECK(right);
        BOOST_CHECK_EQUAL(seen.count(), count);
        BOOST_CHECK_EQUAL(producer.wait(), 0);
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    }
}

CONFORMANCE_CASE(a_waiting_receiver_learns_of_a_death, x, any_named)
{
    if (x.between_processes && x.guarantees.detects_death) {
        delays noticed;
        for (int round = 0; round != support::rounds(10); ++round) {
            auto const where = x.where();
            receiver in{x, where};
            child producer([&] {
                sender out{x, where};
                out.send(make_probe(0));
                ::pause();
            });
            BOOST_CHECK(in.receive() == make_probe(0));
            std::chrono::steady_clock::time_point dead;
            std::thread killing([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(round % 7 * 9));  // at any phase of a wait slice
                producer.kill();
                dead = std::chrono::steady_clock::now();
            });
            BOOST_CHECK(!in.receive());
            auto const now = std::chrono::steady_clock::now();
            killing.join();
            noticed.add(now - dead);
            BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
        }
        noticed.print(x.guarantees.name, "a receiver notices a dead sender");
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
