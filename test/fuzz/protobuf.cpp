// Distributed under the Boost Software License, Version 1.0.
// Messages of Protocol Buffers, also within other messages.
#include <strait/serialization/protobuf.hpp>

#include "codecs.hpp"
#include "reading.pb.h"

using namespace fuzz;
using by_protobuf::Reading;

namespace {

struct batch {
    std::uint32_t number = 0;
    std::vector<Reading> readings;
};

Reading sample()
{
    Reading r;
    r.set_number(7);
    r.set_celsius(21.5);
    r.set_place("cellar");
    r.add_history(20);
    return r;
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    if (in.byte() % 4 != 0)
        check_decoding<Reading, false>(in.rest());
    else
        check_decoding<batch, false>(in.rest());
}

std::vector<bytes> fuzz::harness::seeds() { return {seed_of(1, sample()), seed_of(0, batch{3, {sample(), sample()}})}; }
