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

template <class S>
inline constexpr bool has_objects = between_processes<S> && !by_address_only<S>;

std::size_t objects_of(strait::endpoint const& where)
{
    return support::files_of(where.text()).size() + support::has_queue(where.text());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(residue)

BOOST_FIXTURE_TEST_CASE_TEMPLATE(the_last_to_leave_removes_the_channel, S, word_subjects, clean_host)
{
    if constexpr (has_objects<S>) {
        for (bool const receiver_last : {false, true}) {
            auto const where = S::where();
            std::optional<receiver_of<S>> in{std::in_place, where};
            std::optional<sender_of<S>> out{std::in_place, where};
            exchange_one<S>(*out, *in);
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

BOOST_FIXTURE_TEST_CASE_TEMPLATE(unread_messages_stay_only_where_they_are_retained, S, word_subjects, clean_host)
{
    if constexpr (has_objects<S>) {
        auto const where = S::where();
        {
            std::optional<receiver_of<S>> in{std::in_place, where};
            sender_of<S> out{where};
            exchange_one<S>(out, *in);
            out.send(make_probe(1));
            out.send(make_probe(2));
            in.reset();
        }
        if constexpr (guarantees_of<S>.retained) {
            BOOST_CHECK_GT(objects_of(where), 0U);
            receiver_of<S> later{where};
            BOOST_CHECK(later.receive() == make_probe(1));
            BOOST_CHECK(later.receive() == make_probe(2));
            BOOST_CHECK(!later.receive());
            BOOST_CHECK_EQUAL(later.end_reason(), strait::end_reason::left);
        }
        BOOST_CHECK_EQUAL(objects_of(where), 0U);
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(remove_drops_what_is_unread, S, word_subjects, clean_host)
{
    if constexpr (has_objects<S>) {
        auto const where = S::where();
        BOOST_CHECK(channel_of<S>::remove(where));  // nothing there
        if constexpr (guarantees_of<S>.retained) {
            sender_of<S>{where}.send(make_probe(0));
            BOOST_CHECK_EQUAL(code(sender_of<S, std::string>::open(where)), errc::type_mismatch);
            BOOST_CHECK((channel_of<S, std::string>::remove(where)));
            BOOST_CHECK_EQUAL(objects_of(where), 0U);
            receiver_of<S, std::string> fresh{where};
            BOOST_CHECK_EQUAL(code(fresh.try_receive()), errc::empty);
        }
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(keep_lets_a_channel_outlive_everybody, S, word_subjects, clean_host)
{
    if constexpr (has_objects<S>) {
        auto const where = S::where();
        options_of<S> kept;
        kept.keep = true;
        {
            receiver_of<S> in{where, kept};
            sender_of<S> out{where};
            exchange_one<S>(out, in);
        }
        BOOST_CHECK_GT(objects_of(where), 0U);
        {
            receiver_of<S> in{where};
            BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);  // nobody has joined since
            sender_of<S> out{where};
            exchange_one<S>(out, in);
        }
        BOOST_CHECK_GT(objects_of(where), 0U);
        BOOST_CHECK(channel_of<S>::remove(where));
        BOOST_CHECK_EQUAL(objects_of(where), 0U);
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(after_crashes_the_next_opener_starts_afresh, S, word_subjects, clean_host)
{
    if constexpr (between_processes<S>) {
        for (int round = 0; round != support::rounds(8); ++round) {
            auto const where = S::where();
            shared_page page;
            child consumer([&] {
                receiver_of<S> in{where};
                page->stage = 1;
                for (;;)
                    page->done += in.receive().has_value();
            });
            notes::await(page->stage, 1);
            child producer([&] {
                sender_of<S> out{where};
                for (std::uint64_t i = 0;; ++i)
                    out.send(make_probe(i));
            });
            notes::await(page->done, static_cast<std::uint64_t>(1 + round * 37));
            (round % 2 ? producer : consumer).kill();
            (round % 2 ? consumer : producer).kill();
            {
                receiver_of<S> in{where};
                if constexpr (guarantees_of<S>.retained) {
                    // What was committed and not read is still there, then comes the end.
                    while (in.try_receive()) {}
                    BOOST_CHECK_EQUAL(in.stats().dropped, 0U);
                }
                sender_of<S> out{where};
                exchange_one<S>(out, in);
                out.close().value();
                BOOST_CHECK(!in.receive());
                BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
            }
            if constexpr (has_objects<S>)
                BOOST_CHECK_EQUAL(objects_of(where), 0U);
        }
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(opening_and_killing_at_once_wedges_nobody, S, word_subjects, clean_host)
{
    if constexpr (between_processes<S>) {
        for (int round = 0; round != support::rounds(25); ++round) {
            auto const where = S::where();
            shared_page page;
            auto const restless = [&](bool sends) {
                return [&, sends] {
                    for (;;) {
                        if (sends)
                            (void)sender_of<S>::open(where);
                        else
                            (void)receiver_of<S>::open(where);
                        ++page->stage;
                    }
                };
            };
            child one(restless(true));
            child other(restless(false));
            notes::await(page->stage, static_cast<std::uint64_t>(1 + round * 5));
            one.kill();
            other.kill();
            receiver_of<S> in{where};
            sender_of<S> out{where};
            exchange_one<S>(out, in);
        }
    }
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(opening_many_times_leaks_no_descriptor, S, subjects, clean_host)
{
    auto const before = support::open_descriptors();
    for (int i = 0; i != 50; ++i) {
        auto const where = S::where();
        receiver_of<S> in{where};
        sender_of<S> out{where};
        exchange_one<S>(out, in);
        if constexpr (guarantees_of<S>.receivers == strait::multiplicity::one)
            BOOST_CHECK(!receiver_of<S>::open(where));
        if constexpr (S::checks_type_at_open)
            BOOST_CHECK((!sender_of<S, std::string>::open(where)));
    }
    BOOST_CHECK_EQUAL(support::open_descriptors(), before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
