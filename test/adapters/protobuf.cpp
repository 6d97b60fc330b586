// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization/protobuf.hpp>

#include "adapters.hpp"
#include "reading.pb.h"

using namespace adapters;
using by_protobuf::Other;
using by_protobuf::Reading;
using strait::detail::codec;

namespace {

Reading sample()
{
    Reading r;
    r.set_number(7);
    r.set_celsius(21.5);
    r.set_place("cellar");
    r.add_history(20);
    r.add_history(21);
    return r;
}

struct batch {
    std::uint32_t number = 0;
    std::vector<Reading> readings;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(adapter_protobuf)

BOOST_AUTO_TEST_CASE(a_message_arrives)
{
    BOOST_TEST(sent(sample()).SerializeAsString() == sample().SerializeAsString());
    BOOST_TEST(sent(Other()).SerializeAsString().empty());
}

BOOST_AUTO_TEST_CASE(it_is_part_of_other_messages)
{
    batch const got = sent(batch{3, {sample(), sample()}});
    BOOST_TEST(got.number == 3u);
    BOOST_REQUIRE(got.readings.size() == 2u);
    BOOST_TEST(got.readings[1].place() == "cellar");
}

BOOST_AUTO_TEST_CASE(what_an_old_message_held_is_not_left_in_the_next)
{
    auto [out, in] = strait::channel<Reading, strait::shm_ring<>>::make_pair().split();
    out.send(sample());
    Reading next;
    next.set_number(8);
    out.send(next);
    Reading r;
    BOOST_TEST((in.receive(r) && in.receive(r)));
    BOOST_TEST(r.SerializeAsString() == next.SerializeAsString());
}

BOOST_AUTO_TEST_CASE(other_classes_have_other_fingerprints)
{
    static_assert(codec<Reading>::layout.fingerprint != codec<Other>::layout.fingerprint);
}

BOOST_AUTO_TEST_CASE(what_does_not_parse_is_malformed)
{
    BOOST_TEST(is_malformed<Reading>(encoded(Other())));  // without what is required
    bytes const whole = encoded(sample());
    for (std::size_t n = 0; n != whole.size(); ++n)
        static_cast<void>(codec<Reading>::decode(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n))));
    BOOST_TEST(is_malformed<Reading>(bytes(whole.begin(), whole.end() - 1)));
    BOOST_TEST(is_malformed<Reading>(bytes(100, std::byte{0xff})));
}

BOOST_AUTO_TEST_SUITE_END()
