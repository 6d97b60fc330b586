// Distributed under the Boost Software License, Version 1.0.
// A peer that writes to a message while the receiver looks at it, over the transports that show it where it lies.

#include <strait/channel.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/prefaulted.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

namespace channel_shared_bytes {

namespace {

// Where the last message lies in the sender's memory.
std::span<std::byte volatile> sent;

void overwrite(std::byte with)
{
    for (std::byte volatile& b : sent)
        b = with;
}

// A serializer that looks at the first byte, and again after the peer has overwritten all of them.
template <class T>
struct looks_twice {
    static constexpr std::uint64_t fingerprint = 0x7477696365;
    static std::size_t size(T const& t) { return t.text.size() + 1; }
    static void encode(T const& t, std::span<std::byte> out)
    {
        out[0] = static_cast<std::byte>(t.text.size());
        for (std::size_t i = 0; i != t.text.size(); ++i)
            out[i + 1] = static_cast<std::byte>(t.text[i]);
        sent = out;
    }
    static strait::result<T> decode(std::span<std::byte const> in)
    {
        if (auto const e = validate(in))
            return e;
        T t;
        t.text = view(in);
        return t;
    }
    static strait::error_code validate(std::span<std::byte const> in)
    {
        if (in.empty() || std::to_integer<std::size_t>(in[0]) != in.size() - 1)
            return strait::errc::malformed_message;
        overwrite(std::byte{0});
        return {};
    }
    static std::string_view view(std::span<std::byte const> in)
    {
        return {reinterpret_cast<char const*>(in.data()) + 1, std::to_integer<std::size_t>(in[0])};
    }
};

struct note {
    std::string text;
};
struct seen_note : note {};
struct fearless_note : note {};

struct folder {
    std::vector<int> numbers;
    note inside;
};

template <class Topology>
using in_file = strait::shm_ring<Topology, strait::adaptive, strait::mapped_file>;
template <class Topology>
using in_segment = strait::shm_ring<Topology, strait::adaptive, strait::sysv_memory>;
using lossless = strait::broadcast<strait::lossless>;

using mechanisms = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<lossless>, in_file<strait::spsc>,
                              in_segment<strait::mpsc>,
                              strait::shm_ring<strait::spsc, strait::adaptive, strait::prefaulted<strait::posix_memory>>>;

template <class T, class X>
struct both {
    strait::endpoint where = support::unique_name();
    strait::receiver<T, X> in{where};
    strait::sender<T, X> out{where};
};

struct fixture {
    support::watchdog watch;
};

}  // namespace

}  // namespace channel_shared_bytes

template <>
struct strait::serializer<channel_shared_bytes::note> : channel_shared_bytes::looks_twice<channel_shared_bytes::note> {};
template <>
struct strait::serializer<channel_shared_bytes::seen_note> : channel_shared_bytes::looks_twice<channel_shared_bytes::seen_note> {
    using view_type = std::string_view;
};
template <>
struct strait::serializer<channel_shared_bytes::fearless_note> : channel_shared_bytes::looks_twice<channel_shared_bytes::fearless_note> {
    using view_type = std::string_view;
    static constexpr bool reads_shared_memory = true;
};

namespace channel_shared_bytes {

BOOST_FIXTURE_TEST_SUITE(shared_bytes, fixture)

TYPED_CASE(a_serializer_sees_the_bytes_that_it_has_checked, X, mechanisms)
{
    static_assert(X::guarantees.zero_copy);
    both<note, X> one;
    for (std::size_t size : {5U, 100U, 17U}) {
        std::string const text(size, 'x');
        one.out.send({text});
        auto const message = one.in.receive();
        BOOST_REQUIRE(message);
        BOOST_TEST(message->text == text);
        one.out.send({text});
        auto const shown = one.in.borrow();
        BOOST_REQUIRE(static_cast<bool>(shown));
        BOOST_TEST(shown->text == text);
    }
    both<folder, X> other;
    other.out.send({{1, 2, 3}, {"inside"}});
    auto const message = other.in.receive();
    BOOST_REQUIRE(message);
    BOOST_TEST(message->inside.text == "inside");
}

TYPED_CASE(a_borrowed_view_does_not_change, X, mechanisms)
{
    both<seen_note, X> ends;
    seen_note n;
    n.text = "as it was";
    ends.out.send(n);
    auto const shown = ends.in.borrow();
    BOOST_REQUIRE(static_cast<bool>(shown));
    BOOST_TEST(*shown == "as it was");
    overwrite(std::byte{'!'});
    BOOST_TEST(*shown == "as it was");
}

TYPED_CASE(a_serializer_that_reads_shared_memory_is_shown_the_message_where_it_lies, X, mechanisms)
{
    both<fearless_note, X> ends;
    fearless_note n;
    n.text = "mine";
    ends.out.send(n);
    auto const shown = ends.in.borrow();
    BOOST_REQUIRE(static_cast<bool>(shown));
    BOOST_TEST(shown->empty());  // its length was overwritten
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace channel_shared_bytes
