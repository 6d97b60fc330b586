// Distributed under the Boost Software License, Version 1.0.
#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/shared_page.hpp>

#include <strait/channel.hpp>
#include <strait/transport/anonymous_pipe.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using strait::errc;
using support::code;
using text = strait::channel<std::string, strait::anonymous_pipe>;
using number = strait::channel<std::uint64_t, strait::anonymous_pipe>;

void write_raw(int pipe, void const* bytes, std::size_t size)
{
    BOOST_REQUIRE_EQUAL(::write(pipe, bytes, size), static_cast<ssize_t>(size));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(anonymous_pipe, support::clean_host)

BOOST_AUTO_TEST_CASE(a_parent_and_a_child_talk_both_ways_over_two_pairs)
{
    auto questions = number::make_pair();
    auto answers = text::make_pair();
    support::child twice([&] {
        auto in = std::move(questions).receiver();
        auto out = std::move(answers).sender();
        for (auto const q : in)
            out.send(std::to_string(2 * q));
        return in.end_reason() == strait::end_reason::left ? 0 : 1;
    });
    auto out = std::move(questions).sender();
    auto in = std::move(answers).receiver();
    for (std::uint64_t i = 0; i != 500; ++i) {
        out.send(i);
        BOOST_REQUIRE(in.receive() == std::to_string(2 * i));
    }
    BOOST_CHECK(out.close());
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
    BOOST_CHECK_EQUAL(twice.wait(), 0);
}

BOOST_AUTO_TEST_CASE(messages_have_up_to_4096_bytes_header_included)
{
    auto [out, in] = text::make_pair().split();
    // The encoding of a string is its bytes.
    for (std::size_t const size : {0u, 1u, 7u, 8u, 9u, 4087u, 4088u}) {
        out.send(std::string(size, 'x'));
        BOOST_CHECK(in.receive() == std::string(size, 'x'));
    }
    BOOST_CHECK_EQUAL(code(out.try_send(std::string(4089, 'x'))), errc::message_too_large);
    struct page {
        std::array<std::uint64_t, 512> words;
    };
    auto [fixed_out, fixed_in] = strait::channel<page, strait::anonymous_pipe>::make_pair().split();
    page sent{};
    sent.words[511] = 7;
    fixed_out.send(sent);
    BOOST_CHECK_EQUAL(fixed_in.receive()->words[511], 7u);
}

BOOST_AUTO_TEST_CASE(an_impossible_capacity_is_refused)
{
    strait::channel_options huge;
    huge.capacity = std::size_t{1} << 40;
    try {
        (void)number::make_pair(huge);
        BOOST_ERROR("not refused");
    } catch (boost::system::system_error const& e) {
        BOOST_CHECK_EQUAL(e.code(), errc::capacity_limit);
    }
}

BOOST_AUTO_TEST_CASE(too_few_descriptors_are_told_wherever_they_run_out)
{
    support::child poor([&] {
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        int refused = 0;
        for (rlim_t n = 3; n != 24; ++n) {
            files.rlim_cur = n;
            ::setrlimit(RLIMIT_NOFILE, &files);
            try {
                auto both = number::make_pair().split();
                both.first.send(1);
                if (both.second.receive() != 1u)
                    return 1;
            } catch (boost::system::system_error const& e) {
                if (e.code() != errc::descriptor_limit)
                    return 2;
                ++refused;
            }
        }
        return refused > 3 && refused < 21 ? 0 : 3;
    });
    BOOST_CHECK_EQUAL(poor.wait(), 0);
}

BOOST_AUTO_TEST_CASE(lying_lengths_and_random_bytes_are_malformed_and_the_pipe_stays_usable)
{
    auto [out, in] = text::make_pair().split();
    std::uint64_t lies = 0;
    for (std::uint64_t const size : {std::uint64_t{9}, std::uint64_t{4089}, std::uint64_t{1} << 31, std::uint64_t{0xffffffff},
                                     ~std::uint64_t{0}, std::uint64_t{1} << 32}) {
        std::uint64_t const frame[2] = {size, 0};
        out.send("before");
        write_raw(out.native_handle(), frame, sizeof frame);
        BOOST_CHECK(in.receive() == "before");
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::malformed_message);
        BOOST_CHECK_EQUAL(in.stats().dropped, ++lies);
    }
    for (std::uint64_t round = 0; round != 300; ++round) {
        std::vector<unsigned char> noise(support::mixed(round) % 3000 + 1);
        for (std::size_t i = 0; i != noise.size(); ++i)
            noise[i] = static_cast<unsigned char>(support::mixed(round * 5000 + i) % (round % 3 ? 256 : 3));
        write_raw(out.native_handle(), noise.data(), noise.size());
        strait::error_code e;
        while (!(e = code(in.try_receive()))) {
        }
        BOOST_REQUIRE(e == errc::malformed_message || e == errc::empty);
    }
    while (in.try_receive().error() != errc::empty) {
    }
    out.send("after");
    BOOST_CHECK(in.receive() == "after");
    auto [fixed_out, fixed_in] = number::make_pair().split();
    write_raw(fixed_out.native_handle(), "abc", 3);
    BOOST_CHECK_EQUAL(code(fixed_in.try_receive()), errc::malformed_message);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_has_gone_is_told_without_a_signal)
{
    support::child writer([&] {
        ::signal(SIGPIPE, SIG_DFL);
        auto both = number::make_pair().split();
        both.first.send(1);
        (void)both.second.close();
        for (int i = 0; i != 3; ++i)
            if (code(both.first.try_send(2)) != errc::no_receiver)
                return 1;
        return 0;
    });
    BOOST_CHECK_EQUAL(writer.wait(), 0);
}

BOOST_AUTO_TEST_CASE(a_copied_descriptor_of_a_dead_sender_hides_no_end_from_a_bounded_wait)
{
    auto [out, in] = number::make_pair().split();
    strait::detail::descriptor const copy(::dup(out.native_handle()));
    out.send(1);
    BOOST_CHECK(in.receive() == 1u);
    BOOST_CHECK(out.close());
    BOOST_CHECK_EQUAL(code(in.receive_for(60s)), errc::closed);
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

// A process that has the pair and took nothing may still take an end.
BOOST_AUTO_TEST_CASE(whoever_holds_the_pair_keeps_both_ends_waiting)
{
    auto pair = number::make_pair();
    support::shared_page page;
    support::child holder([&] {
        page->stage = 1;
        ::pause();
    });
    support::child producer([&] { std::move(pair).sender().send(1); });
    auto in = std::move(pair).receiver();
    BOOST_CHECK(in.receive() == 1u);
    BOOST_CHECK_EQUAL(producer.wait(), 0);
    page->await(page->stage, 1);
    BOOST_CHECK_EQUAL(code(in.receive_for(1ms)), errc::timed_out);
    holder.kill();
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::left);
}

BOOST_AUTO_TEST_CASE(both_processes_killed_at_random_leave_no_descriptor_and_no_torn_message)
{
    for (int round = 0; round != support::rounds(40); ++round) {
        std::optional pair(text::make_pair());
        support::shared_page page;
        support::child producer([&] {
            auto out = std::move(*pair).sender();
            for (std::uint64_t i = 0;; ++i) {
                if (auto const sent = out.send_for(support::make_text(i), 60s); !sent)
                    return sent.error() == errc::no_receiver ? 0 : 1;
                page->other[0] = i + 1;
            }
        });
        support::child consumer([&] {
            auto in = std::move(*pair).receiver();
            support::sequence_checker seen;
            while (auto const m = in.receive()) {
                if (!seen.see(*m))
                    page->wrong += 1;
                page->done += 1;
            }
            return in.end_reason() == strait::end_reason::died ? 0 : 1;
        });
        pair.reset();
        page->await(page->done, support::mixed(static_cast<std::uint64_t>(round)) % 200 + 1);
        auto& survivor = round % 2 ? producer : consumer;
        (round % 2 ? consumer : producer).kill();
        BOOST_CHECK_EQUAL(survivor.wait(), 0);
        BOOST_CHECK_EQUAL(page->wrong, 0u);
        if (round % 2 == 0)
            BOOST_CHECK_GE(page->done, page->other[0]);
    }
}

BOOST_AUTO_TEST_SUITE_END()
