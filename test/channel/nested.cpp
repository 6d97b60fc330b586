// Distributed under the Boost Software License, Version 1.0.
// What a serializer, or a copy constructor, does with the end that has called it.

#include <strait/channel.hpp>
#include <strait/transport/anonymous_pipe.hpp>
#include <strait/transport/in_process.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/unix_datagram.hpp>
#include <strait/transport/unix_seqpacket.hpp>
#include <strait/transport/unix_stream.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

#include <support/code.hpp>
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

namespace channel_nested {

namespace {

using strait::errc;
using support::code;

std::function<void()> while_encoding;
std::function<void()> while_decoding;
std::function<void()> while_copying;

// Calls what the test says, once.
void call(std::function<void()>& what)
{
    if (auto const now = std::exchange(what, nullptr))
        now();
}

struct numbered {
    std::uint64_t number = 0;
};

struct copied {
    std::uint64_t number = 0;

    copied() = default;
    explicit copied(std::uint64_t n) : number(n) {}
    copied(copied&&) = default;
    copied& operator=(copied&&) = default;
    copied& operator=(copied const&) = default;
    copied(copied const& other) : number(other.number) { call(while_copying); }
};

using mechanisms = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<strait::mpmc>,
                              strait::shm_ring<strait::broadcast<strait::lossless>>,
                              strait::shm_ring<strait::broadcast<strait::lossy>>, strait::posix_mqueue, strait::sysv_mqueue,
                              strait::anonymous_pipe, strait::unix_stream, strait::unix_seqpacket, strait::unix_datagram>;

template <class X>
auto open_both()
{
    if constexpr (X::guarantees.nameless)
        return strait::channel<numbered, X>::make_pair().split();
    else {
        auto const where = support::unique_name();
        strait::receiver<numbered, X> in{where};
        strait::sender<numbered, X> out{where};
        return std::pair(std::move(out), std::move(in));
    }
}

struct fixture {
    support::watchdog watch;
};

}  // namespace

}  // namespace channel_nested

template <>
struct strait::serializer<channel_nested::numbered> {
    static constexpr std::uint64_t fingerprint = 0x6e756d62;
    static std::size_t size(channel_nested::numbered const&) { return 8; }
    static void encode(channel_nested::numbered const& n, std::span<std::byte> out)
    {
        std::memcpy(out.data(), &n.number, 4);
        channel_nested::call(channel_nested::while_encoding);
        std::memcpy(out.data() + 4, reinterpret_cast<char const*>(&n.number) + 4, 4);
    }
    static strait::result<channel_nested::numbered> decode(std::span<std::byte const> in)
    {
        channel_nested::numbered n;
        if (in.size() != 8)
            return strait::errc::malformed_message;
        channel_nested::call(channel_nested::while_decoding);
        std::memcpy(&n.number, in.data(), 8);
        return n;
    }
};

namespace channel_nested {

BOOST_FIXTURE_TEST_SUITE(nested, fixture)

TYPED_CASE(an_end_that_is_encoding_is_busy, X, mechanisms)
{
    auto ends = open_both<X>();
    auto& out = ends.first;
    auto& in = ends.second;
    std::uint64_t const first = 0x0101010101010101;
    while_encoding = [&] {
        numbered const other{0x0202020202020202};
        BOOST_TEST((code(out.try_send(other)) == errc::busy));
        BOOST_TEST((code(out.try_send_batch(std::array{other, other})) == errc::busy));
        BOOST_TEST((code(out.try_claim()) == errc::busy));
        BOOST_TEST((code(out.try_flush()) == errc::busy));
        BOOST_TEST((code(out.close()) == errc::busy));
    };
    out.send({first});
    out.send({2});
    auto const message = in.receive();
    BOOST_REQUIRE(message);
    BOOST_TEST(message->number == first);
    BOOST_TEST(in.receive()->number == 2U);
    BOOST_TEST((code(in.try_receive()) == errc::empty));
}

TYPED_CASE(an_end_that_is_decoding_is_busy, X, mechanisms)
{
    auto ends = open_both<X>();
    auto& out = ends.first;
    auto& in = ends.second;
    out.send({1});
    out.send({2});
    while_decoding = [&] {
        numbered into;
        std::array<numbered, 2> batch;
        BOOST_TEST((code(in.try_receive()) == errc::busy));
        BOOST_TEST((code(in.try_receive_batch(batch)) == errc::busy));
        BOOST_TEST((code(in.try_borrow()) == errc::busy));
        BOOST_CHECK_THROW((void)in.receive(into), boost::system::system_error);
        BOOST_TEST((code(in.close()) == errc::busy));
    };
    BOOST_TEST(in.receive()->number == 1U);
    BOOST_TEST(in.receive()->number == 2U);
}

BOOST_AUTO_TEST_CASE(another_end_can_be_used_while_one_encodes)
{
    auto one = open_both<strait::shm_ring<>>();
    auto other = open_both<strait::shm_ring<>>();
    while_encoding = [&] { other.first.send({2}); };
    one.first.send({1});
    BOOST_TEST(one.second.receive()->number == 1U);
    BOOST_TEST(other.second.receive()->number == 2U);
}

BOOST_AUTO_TEST_CASE(a_copy_constructor_can_use_the_channel_that_copies)
{
    auto ends = strait::channel<copied, strait::in_process>::make_pair().split();
    while_copying = [&] { ends.first.send(copied(1)); };
    copied const second(2);
    ends.first.send(second);
    BOOST_TEST(ends.second.receive()->number == 1U);
    BOOST_TEST(ends.second.receive()->number == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace channel_nested
