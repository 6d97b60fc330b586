// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <optional>
#include <string>

namespace conformance {
namespace {

using support::child;
using support::notes;
using support::shared_page;

std::size_t objects_of(strait::endpoint const& where)
{
    return support::files_of(where.text()).size() + support::has_queue(where.text());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(residue)

CONFORMANCE_CASE(the_last_to_leave_removes_the_channel, x, any_named)
{
    if (x.has_objects()) {
        for (bool const receiver_last : {false, true}) {
            auto const where = x.where();
            std::optional<receiver> in{std::in_place, x, where};
            std::optional<sender> out{std::in_place, x, where};
            exchange_one(*out, *in);
            BOOST_CHECK_GT(objects_of(where), 0U);
            if (receiver_last)
                out.reset();
            else
                in.reset();
            BOOST_CHECK_GT(objects_of(where), 0U);
            in.reset();
            out.reset();
            BOOST_CHECK_EQUAL(objects_of(where), 0U);
        }
    }
}

CONFORMANCE_CASE(unread_messages_stay_only_where_they_are_retained, x, any_named)
{
    if (x.has_objects()) {
        auto const where = x.where();
        {
            std::optional<receiver> in{std::in_place, x, where};
            sender out{x, where};
            exchange_one(out, *in);
            out.send(make_probe(1));
            out.send(make_probe(2));
            in.reset();
        }
        if (x.guarantees.retained) {
            BOOST_CHECK_GT(objects_of(where), 0U);
            receiver later{x, where};
            BOOST_CHECK(later.receive() == make_probe(1));
            BOOST_CHECK(later.receive() == make_probe(2));
            BOOST_CHECK(!later.receive());
            BOOST_CHECK_EQUAL(later.end_reason(), strait::end_reason::left);
        }
        BOOST_CHECK_EQUAL(objects_of(where), 0U);
    }
}

CONFORMANCE_CASE(remove_drops_what_is_unread, x, any_named)
{
    if (x.has_objects()) {
        auto const where = x.where();
        BOOST_CHECK(x.probes.remove(where));  // nothing there
        if (x.guarantees.retained) {
            sender{x, where}.send(make_probe(0));
            BOOST_CHECK_EQUAL(code(text_sender::open(x, where)), errc::type_mismatch);
            BOOST_CHECK((x.texts.remove(where)));
            BOOST_CHECK_EQUAL(objects_of(where), 0U);
            text_receiver fresh{x, where};
            BOOST_CHECK_EQUAL(code(fresh.try_receive()), errc::empty);
        }
    }
}

CONFORMANCE_CASE(keep_lets_a_channel_outlive_everybody, x, any_named)
{
    if (x.has_objects()) {
        auto const where = x.where();
        auto kept = x.options;
        kept.keep = true;
        {
            receiver in{x, where, kept};
            sender out{x, where};
            exchange_one(out, in);
        }
        BOOST_CHECK_GT(objects_of(where), 0U);
        {
            receiver in{x, where};
            BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);  // nobody has joined since
            sender out{x, where};
            exchange_one(out, in);
        }
        BOOST_CHECK_GT(objects_of(where), 0U);
        BOOST_CHECK(x.probes.remove(where));
        BOOST_CHECK_EQUAL(objects_of(where), 0U);
    }
}

CONFORMANCE_CASE(after_crashes_the_next_opener_starts_afresh, x, any_named)
{
    if (x.between_processes) {
        for (int round = 0; round != support::rounds(8); ++round) {
            auto const where = x.where();
            shared_page page;
            child consumer([&] {
                receiver in{x, where};
                page->stage = 1;
                for (;;)
                    page->done += in.receive().has_value();
            });
            notes::await(page->stage, 1);
            child producer([&] {
                sender out{x, where};
                for (std::uint64_t i = 0;; ++i)
                    out.send(make_probe(i));
            });
            notes::await(page->done, static_cast<std::uint64_t>(1 + round * 37));
            (round % 2 ? producer : consumer).kill();
            (round % 2 ? consumer : producer).kill();
            {
                receiver in{x, where};
                if (x.guarantees.retained) {
                    // What was committed and not read is still there, then comes the end.
                    while (in.try_receive()) {}
                    BOOST_CHECK_EQUAL(in.stats().dropped, 0U);
                }
                sender out{x, where};
                exchange_one(out, in);
                out.close().value();
                BOOST_CHECK(!in.receive());
                BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
            }
            if (x.has_objects())
                BOOST_CHECK_EQUAL(objects_of(where), 0U);
        }
    }
}

CONFORMANCE_CASE(opening_and_killing_at_once_wedges_nobody, x, any_named)
{
    if (x.between_processes) {
        for (int round = 0; round != support::rounds(25); ++round) {
            auto const where = x.where();
            shared_page page;
            auto const restless = [&](bool sends) {
                return [&, sends] {
                    for (;;) {
                        if (sends)
                            (void)sender::open(x, where);
                        else
                            (void)receiver::open(x, where);
                        ++page->stage;
                    }
                };
            };
            child one(restless(true));
            child other(restless(false));
            notes::await(page->stage, static_cast<std::uint64_t>(1 + round * 5));
            one.kill();
            other.kill();
            receiver in{x, where};
            sender out{x, where};
            exchange_one(out, in);
        }
    }
}

CONFORMANCE_CASE(opening_many_times_leaks_no_descriptor, x, any_size)
{
    auto const before = support::open_descriptors();
    for (int i = 0; i != 50; ++i) {
        auto const where = x.where();
        receiver in{x, where};
        sender out{x, where};
        exchange_one(out, in);
        if (x.guarantees.receivers == strait::multiplicity::one)
            BOOST_CHECK(!receiver::open(x, where));
        if (!x.by_address)
            BOOST_CHECK((!text_sender::open(x, where)));
    }
    BOOST_CHECK_EQUAL(support::open_descriptors(), before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
