// Distributed under the Boost Software License, Version 1.0.
// Buffers of FlatBuffers, read where they lie, also within other messages.
#include <strait/serialization/flatbuffers.hpp>

#include "codecs.hpp"
#include "reading_generated.h"

using namespace fuzz;
using by_flatbuffers::Reading;
using message = strait::flat_buffer<Reading>;

namespace {

struct pair_of {
    char first = 0;  // nothing behind it is aligned
    message second;
};

void read(Reading const& r)
{
    double const sum = r.celsius() + static_cast<double>(r.number());
    asm volatile("" : : "x"(sum));
    if (r.history())  // its bytes: FlatBuffers does not verify that the elements of a vector are aligned
        read_all(std::as_bytes(std::span(r.history()->Data(), r.history()->size() * sizeof(double))));
    if (r.place())
        read_all(std::as_bytes(std::span(r.place()->c_str(), r.place()->size() + 1)));
}

message sample()
{
    flatbuffers::FlatBufferBuilder builder;
    auto const place = builder.CreateString("cellar");
    auto const history = builder.CreateVector(std::vector<double>{20, 21});
    builder.Finish(by_flatbuffers::CreateReading(builder, 7, 21.5, place, history));
    return message(builder.Release());
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    if (in.byte() % 4 != 0)
        return check_view<message>(in.rest(), [](auto const* r) { read(*r); });
    auto const memory = exactly(in.rest());
    auto const got = codec<pair_of>::decode(std::span<std::byte const>(memory.get(), all.size() - std::min<std::size_t>(1, all.size())));
    if (got)
        read(*got->second);
}

std::vector<bytes> fuzz::harness::seeds()
{
    pair_of p;
    p.second = sample();
    return {seed_of(1, sample()), seed_of(0, p)};
}
