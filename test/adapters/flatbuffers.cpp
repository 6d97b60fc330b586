// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization/flatbuffers.hpp>

#include "adapters.hpp"
#include "reading_generated.h"
#include <strait/transport/unix_stream.hpp>

#include <algorithm>
#include <cstring>
#include <string>

#include <support/names.hpp>
#include <support/residue.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace adapters;
using by_flatbuffers::Other;
using by_flatbuffers::Reading;
using message = strait::flat_buffer<Reading>;
using strait::detail::codec;

namespace {

message sample(std::uint64_t number = 7)
{
    flatbuffers::FlatBufferBuilder builder;
    auto const place = builder.CreateString("cellar");
    auto const history = builder.CreateVector(std::vector<double>{20, 21});
    builder.Finish(by_flatbuffers::CreateReading(builder, number, 21.5, place, history));
    return message(builder.Release());
}

void check_sample(Reading const& r)
{
    BOOST_TEST(r.number() == 7u);
    BOOST_TEST(r.celsius() == 21.5);
    BOOST_REQUIRE((r.place() && r.history()));
    BOOST_TEST(r.place()->str() == "cellar");
    BOOST_REQUIRE(r.history()->size() == 2u);
    BOOST_TEST(r.history()->Get(1) == 21);
}

struct pair_of {
    char first = 0;  // nothing behind it is aligned
    message second;
};

template <class X>
void check_view()
{
    auto [out, in] = strait::channel<message, X>::make_pair().split();
    for (int i = 0; i != 100; ++i) {
        out.send(sample());
        auto const got = in.borrow();
        BOOST_REQUIRE(static_cast<bool>(got));
        check_sample(**got);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(adapter_flatbuffers)

BOOST_AUTO_TEST_CASE(a_buffer_arrives) { check_sample(*sent(sample())); }

BOOST_AUTO_TEST_CASE(a_buffer_is_shown_without_being_decoded)
{
    static_assert(codec<message>::views_in_place);
    check_view<strait::shm_ring<>>();
    check_view<strait::unix_stream>();
}

BOOST_AUTO_TEST_CASE(a_peer_cannot_change_a_buffer_that_was_verified)
{
    strait::endpoint const where{support::unique_name()};
    strait::receiver<message, strait::shm_ring<>> in{where};
    strait::sender<message, strait::shm_ring<>> out{where};
    out.send(sample());
    auto const got = in.borrow();
    BOOST_REQUIRE(static_cast<bool>(got));

    std::string const file = support::channel_directory("/dev/shm") + "/" + where.text() + ".channel";
    int const fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    auto const size = static_cast<std::size_t>(::lseek(fd, 0, SEEK_END));
    auto* const all = static_cast<std::byte*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    BOOST_REQUIRE(all != MAP_FAILED);
    ::close(fd);
    bytes const whole = encoded(sample());
    auto* const at = std::search(all, all + size, whole.begin(), whole.end());
    BOOST_REQUIRE(at != all + size);
    std::memset(at, 0x7f, whole.size());  // every offset points far away
    ::munmap(all, size);
    check_sample(**got);
}

BOOST_AUTO_TEST_CASE(it_is_part_of_other_messages)
{
    pair_of p;
    p.second = sample();
    check_sample(*sent(p).second);
}

BOOST_AUTO_TEST_CASE(an_empty_buffer_is_not_sent)
{
    auto [out, in] = strait::channel<message, strait::shm_ring<>>::make_pair().split();
    auto const r = out.try_send(message());
    BOOST_TEST((!r && r.error() == strait::errc::message_too_large));
    out.send(sample());
    check_sample(*in.receive().value());
}

BOOST_AUTO_TEST_CASE(other_tables_have_other_fingerprints)
{
    static_assert(codec<message>::layout.fingerprint != codec<strait::flat_buffer<Other>>::layout.fingerprint);
}

BOOST_AUTO_TEST_CASE(what_points_out_of_the_buffer_is_malformed_in_place_and_copied)
{
    bytes const whole = encoded(sample());
    std::size_t refused = 0;
    for (std::size_t n = 0; n != whole.size(); ++n)
        for (unsigned const flip : {0x01u, 0x10u, 0x80u, 0xffu}) {
            bytes damaged = whole;
            damaged[n] ^= static_cast<std::byte>(flip);
            bool const bad = is_malformed<message>(damaged);
            BOOST_TEST(bad == (codec<message>::validate(damaged) == strait::errc::malformed_message));
            refused += bad;
            if (!bad) {  // then all of it can be read
                Reading const& r = *codec<message>::view(damaged);
                double sum = 0;
                if (r.history())
                    for (double const d : *r.history())
                        sum += d;
                if (r.place())
                    sum += static_cast<double>(r.place()->str().size());
                BOOST_TEST((sum == sum || sum != sum));
            }
        }
    BOOST_TEST(refused > 20u);
    for (std::size_t n = 0; n < whole.size(); n += 4)
        BOOST_TEST(is_malformed<message>(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n))));
}

BOOST_AUTO_TEST_SUITE_END()
