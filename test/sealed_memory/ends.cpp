// Distributed under the Boost Software License, Version 1.0.
#include "raw_sealed.hpp"

#include <strait/acceptor.hpp>
#include <strait/channel.hpp>

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/code.hpp>
#include <support/print.hpp>
#include <support/residue.hpp>
#include <support/shared_page.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sealed_memory_ends {

namespace {

using namespace std::chrono_literals;
using strait::errc;
using strait::sealed_memory;
using support::code;

using number = strait::channel<std::uint64_t, sealed_memory>;
using text = strait::channel<std::string, sealed_memory>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sealed_ends, support::clean_host)

BOOST_AUTO_TEST_CASE(only_the_receivers_have_a_control_file_and_the_last_one_removes_all)
{
    number::sender out{name};
    BOOST_CHECK(support::files_of(name + ".").empty());
    {
        number::receiver in{name, {.access = strait::access_mode::everyone}};
        BOOST_CHECK_EQUAL(support::files_of(name + ".").size(), 2U);
        struct ::stat found = {};
        BOOST_REQUIRE(::stat((support::channel_directory() + "/" + name + ".channel").c_str(), &found) == 0);
        BOOST_CHECK_EQUAL(found.st_mode & 07777U, 0600U);
        BOOST_REQUIRE(::stat((support::channel_directory() + "/" + name + ".sock").c_str(), &found) == 0);
        BOOST_CHECK_EQUAL(found.st_mode & 07777U, 0666U);
        BOOST_CHECK_EQUAL(code(number::receiver::open(name)), errc::busy);
    }
    BOOST_CHECK(support::files_of(name + ".").empty());
}

BOOST_AUTO_TEST_CASE(what_a_receiver_that_was_killed_has_left_is_replaced_or_removed)
{
    for (bool const removes : {true, false}) {
        support::shared_page page;
        support::child victim([&] {
            number::receiver in{name};
            page->stage = 1;
            ::pause();
        });
        support::notes::await(page->stage, 1);
        victim.kill();
        BOOST_CHECK_EQUAL(support::files_of(name + ".").size(), 2U);
        BOOST_CHECK_EQUAL(code(number::sender::open(name, {.connect_timeout = 1ms})->try_send(1)), errc::no_receiver);
        if (removes) {
            BOOST_CHECK(number::remove(name));
            BOOST_CHECK(support::files_of(name + ".").empty());
        }
        number::receiver in{name};
        number::sender out{name};
        out.send(1);
        BOOST_CHECK(in.receive() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_receiver_whose_channel_was_removed_says_so)
{
    number::receiver in{name};
    BOOST_CHECK(number::remove(name));
    BOOST_CHECK_EQUAL(code(in.receive_for(10s)), errc::removed);
}

BOOST_AUTO_TEST_CASE(a_message_that_was_sent_before_the_receiver_looked_survives_its_sender)
{
    number::receiver in{name};
    support::child victim([&] {
        number::sender out{name};
        for (std::uint64_t i = 0; i != 1000; ++i)
            out.send(i);
        ::kill(::getpid(), SIGKILL);
    });
    BOOST_CHECK_EQUAL(victim.wait(), -SIGKILL);
    for (std::uint64_t i = 0; i != 1000; ++i)
        BOOST_CHECK(in.receive() == i);
    BOOST_CHECK(!in.receive());
    BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
}

BOOST_AUTO_TEST_CASE(another_receiver_gets_memory_that_the_one_before_cannot_read)
{
    number::sender out{name, {.connect_timeout = 10s}};
    std::optional<number::receiver> in(std::in_place, name);
    out.send(1);
    BOOST_CHECK(in->receive() == 1U);
    in.reset();
    BOOST_CHECK_EQUAL(code(out.try_send(2)), errc::no_receiver);
    raw::hostile_receiver next(support::channel_directory() + "/" + name + ".sock");
    BOOST_CHECK(out.try_send(3));
    next.accept();
    void* const at = ::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, next.theirs(), 0);
    BOOST_REQUIRE(at != MAP_FAILED);
    std::vector<std::uint64_t> words(1024);
    std::memcpy(words.data(), at, 8192);
    ::munmap(at, 8192);
    BOOST_CHECK_EQUAL(words[0], 16U);    // published
    BOOST_CHECK_EQUAL(words[513], 3U);   // the first message
    BOOST_CHECK_EQUAL(words[515], 0U);
}

BOOST_AUTO_TEST_CASE(a_ring_wraps_with_messages_of_every_size_that_fits)
{
    for (std::size_t const capacity : {std::size_t{0}, std::size_t{4096}, std::size_t{10'000}}) {
        auto [out, in] = text::make_pair({.capacity = capacity, .max_message_size = 1900}).split();
        for (std::size_t i = 0; i != 4000; ++i) {
            std::string const sent(i * 7 % 1901, static_cast<char>('a' + i % 26));
            out.try_send(sent).value();
            BOOST_REQUIRE(in.try_receive().value() == sent);
        }
        BOOST_CHECK_EQUAL(code(out.try_send(std::string(1901, 'x'))), errc::message_too_large);
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
    }
}

BOOST_AUTO_TEST_CASE(a_claim_is_written_into_the_ring_and_one_that_comes_too_late_has_no_effect)
{
    auto [out, in] = number::make_pair().split();
    {
        auto m = out.claim();
        *m = 5;
        m.commit();
    }
    BOOST_CHECK(in.receive() == 5U);
    auto late = out.claim();
    *late = 6;
    in.close();
    BOOST_CHECK_EQUAL(code(out.try_send(7)), errc::no_receiver);
    *late = 8;
    BOOST_CHECK(!late.try_commit());
}

BOOST_AUTO_TEST_CASE(options_that_no_memory_can_hold_are_refused_before_anything_is_made)
{
    BOOST_CHECK_EQUAL(code(number::sender::open(name, {.capacity = ~std::size_t{0}})), errc::out_of_memory);
    BOOST_CHECK_EQUAL(code(text::receiver::open(name, {.max_message_size = ~std::size_t{0}})), errc::out_of_memory);
    BOOST_CHECK_EQUAL(code(number::sender::open("/tmp/" + std::string(60, 'x') + "/" + std::string(60, 'x'))), errc::name_too_long);
    BOOST_CHECK(support::files_of(name + ".").empty());
}

BOOST_AUTO_TEST_CASE(a_ring_larger_than_its_receiver_takes_is_refused)
{
    constexpr std::size_t large = std::size_t{128} << 20;
    {
        text::receiver in{name};
        text::sender out{name, {.capacity = large}};
        BOOST_CHECK_EQUAL(code(in.try_receive()), errc::empty);
        BOOST_CHECK_EQUAL(code(out.try_send("x")), errc::refused);
    }
    text::receiver in{name, {.capacity = large}};
    text::sender out{name, {.capacity = large}};
    out.send("x");
    BOOST_CHECK(in.receive() == "x");
}

BOOST_AUTO_TEST_CASE(a_connection_has_a_sealed_ring_in_each_direction)
{
    support::child client([&] {
        strait::connection<std::uint64_t, std::string, sealed_memory> c{name};
        for (std::uint64_t i = 0; i != 100; ++i) {
            c.send(i);
            if (c.receive() != std::to_string(i))
                return 1;
        }
        return 0;
    });
    strait::acceptor<std::string, std::uint64_t, sealed_memory> server{name};
    auto c = server.accept();
    while (auto const n = c.receive())
        c.send(std::to_string(*n));
    BOOST_CHECK_EQUAL(client.wait(), 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace sealed_memory_ends
