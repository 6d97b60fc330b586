// Distributed under the Boost Software License, Version 1.0.
#include <named_pipe/ends.hpp>

#include <vector>

namespace named_pipe_hostile {

BOOST_FIXTURE_TEST_SUITE(hostile, support::clean_host)

using namespace pipes;

namespace {

void write_raw(std::string const& name, void const* bytes, std::size_t size)
{
    strait::detail::descriptor const fifo(::open(fifo_of(name).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    BOOST_REQUIRE(fifo);
    BOOST_REQUIRE_EQUAL(::write(fifo.get(), bytes, size), static_cast<ssize_t>(size));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_lying_length_is_malformed_and_the_channel_stays_usable)
{
    auto in = open_receiver<texts>(name);
    auto out = open_sender<texts>(name);
    std::string got;
    std::uint64_t lies = 0;
    for (std::uint64_t const size : {std::uint64_t{9}, std::uint64_t{4088}, std::uint64_t{4089}, std::uint64_t{1} << 31,
                                     std::uint64_t{0xffffffff}, ~std::uint64_t{0}, std::uint64_t{1} << 32}) {
        std::uint64_t const frame[2] = {size, 0};
        BOOST_REQUIRE(!send(out, "before"));
        write_raw(name, frame, sizeof frame);
        BOOST_CHECK(!receive(in, got));
        BOOST_CHECK_EQUAL(got, "before");
        BOOST_CHECK(receive(in, got) == errc::malformed_message);
        BOOST_REQUIRE(!send(out, "after"));
        BOOST_CHECK(!receive(in, got));
        BOOST_CHECK_EQUAL(got, "after");
        BOOST_CHECK_EQUAL(in.stats().dropped, ++lies);
    }
    write_raw(name, "abc", 3);  // less than a header
    BOOST_CHECK(receive(in, got) == errc::malformed_message);
}

BOOST_AUTO_TEST_CASE(a_part_of_a_message_of_fixed_size_is_malformed)
{
    auto in = open_receiver<numbers>(name);
    auto out = open_sender<numbers>(name);
    write_raw(name, "abc", 3);
    std::uint64_t got = 0;
    BOOST_CHECK(receive(in, got) == errc::malformed_message);
    BOOST_REQUIRE(!send(out, std::uint64_t{4}));
    BOOST_CHECK(!receive(in, got));
    BOOST_CHECK_EQUAL(got, 4u);
}

BOOST_AUTO_TEST_CASE(random_bytes_are_never_undefined)
{
    auto in = open_receiver<texts>(name);
    std::string got;
    for (std::uint64_t round = 0; round != 500; ++round) {
        std::vector<unsigned char> noise(support::mixed(round) % 3000 + 1);
        for (std::size_t i = 0; i != noise.size(); ++i)
            noise[i] = static_cast<unsigned char>(support::mixed(round * 5000 + i) % (round % 3 ? 256 : 3));
        write_raw(name, noise.data(), noise.size());
        strait::error_code e;
        while (!(e = receive(in, got, deadline::poll()))) {
        }
        BOOST_REQUIRE(e == errc::malformed_message || e == errc::empty);
    }
}

BOOST_AUTO_TEST_CASE(another_kind_of_object_at_the_name_is_refused_and_untouched)
{
    support::held_directory const held;
    for (int const kind : {0, 1, 2}) {
        auto const where = support::unique_name();
        std::string const path = fifo_of(where);
        if (kind == 0)
            BOOST_REQUIRE_EQUAL(::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
        else if (kind == 1)
            BOOST_REQUIRE_EQUAL(::symlink("/dev/null", path.c_str()), 0);
        else
            BOOST_REQUIRE_EQUAL(::mkdir(path.c_str(), 0700), 0);
        BOOST_CHECK(sender<numbers>::open(where, {}, "test").error() == errc::untrusted_object);
        BOOST_CHECK(receiver<numbers>::open(where, {}, "test").error() == errc::untrusted_object);
        BOOST_CHECK_EQUAL(kind == 2 ? ::rmdir(path.c_str()) : ::unlink(path.c_str()), 0);
    }
}

BOOST_AUTO_TEST_CASE(an_object_swapped_under_a_living_channel_is_refused)
{
    auto out = open_sender<numbers>(name);
    std::string const path = fifo_of(name);
    ::unlink(path.c_str());
    BOOST_REQUIRE_EQUAL(::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    BOOST_CHECK(send(out, std::uint64_t{1}) == errc::untrusted_object);
    BOOST_CHECK(receiver<numbers>::open(name, {}, "test").error() == errc::untrusted_object);
    ::unlink(path.c_str());
    BOOST_REQUIRE_EQUAL(::mkfifo(path.c_str(), 0600), 0);  // of our own, but not this channel's
    BOOST_CHECK(send(out, std::uint64_t{1}) == errc::removed);
    ::chmod(path.c_str(), 0644);
    BOOST_CHECK(send(out, std::uint64_t{1}) == errc::untrusted_object);
}

BOOST_AUTO_TEST_CASE(a_stale_fifo_of_ours_is_replaced)
{
    support::held_directory const held;
    BOOST_REQUIRE_EQUAL(::mkfifo(fifo_of(name).c_str(), 0640), 0);
    auto in = open_receiver<numbers>(name);
    auto out = open_sender<numbers>(name);
    std::uint64_t got = 0;
    BOOST_CHECK(!send(out, std::uint64_t{1}));
    BOOST_CHECK(!receive(in, got));
}

BOOST_AUTO_TEST_CASE(a_foreign_process_with_the_fifo_open_hides_no_end_from_a_bounded_wait)
{
    auto in = open_receiver<numbers>(name);
    strait::detail::descriptor const foreign(::open(fifo_of(name).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    auto out = open_sender<numbers>(name);
    BOOST_CHECK(!send(out, std::uint64_t{1}));
    std::uint64_t got = 0;
    BOOST_CHECK(!receive(in, got));
    BOOST_CHECK(out.close(deadline::never()).has_value());
    BOOST_CHECK(receive(in, got, deadline::poll()) == errc::closed);
    BOOST_CHECK(receive(in, got, deadline::after(60s)) == errc::closed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace named_pipe_hostile
