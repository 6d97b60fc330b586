// Distributed under the Boost Software License, Version 1.0.
// The bytes of a connection over stream and packet sockets: greeting, introduction, frames, descriptors beside them.
#include "fuzz.hpp"

#include <strait/detail/frame/stream_parser.hpp>
#include <strait/detail/frame/writer.hpp>

using namespace fuzz;
using strait::errc;
using strait::message_layout;
using strait::detail::frame_writer;
using strait::detail::stream_frame;
using strait::detail::stream_greeting;
using strait::detail::stream_parser;
using strait::detail::stream_rules;
using progress = strait::detail::stream_progress;

namespace {

constexpr message_layout text{0, 1, 0x1234};
constexpr message_layout number{24, 8, 0x5678};
constexpr std::size_t limit = 3'000;

// What the first byte of an input chooses.
stream_rules rules_of(unsigned choice)
{
    message_layout const& layout = (choice & 1) != 0 ? number : text;
    bool const acknowledged = (choice & 2) != 0;
    stream_rules r;
    r.greeting = stream_greeting::of(layout, {7, 8}, acknowledged ? stream_greeting::acknowledged : stream_greeting::plain);
    r.limit = limit;
    r.fixed_size = layout.fixed_size;
    r.introduction = acknowledged ? 32 : 0;
    r.handles = (choice & 4) != 0;
    r.packet = (choice & 8) != 0 ? stream_frame::bytes(limit) : 0;
    return r;
}

// What has come, apart from the parser: it must say no more than that.
struct connection {
    stream_rules rules;
    stream_parser parser{rules};
    std::size_t came = 0;      // bytes
    std::size_t released = 0;  // bytes of payloads
    std::size_t handles = 0;   // descriptors that have come and were not released
    bool over = false;

    explicit connection(stream_rules const& r) : rules(r) {}

    void feed(std::span<std::byte const> some, std::size_t with_handles, bool cut)
    {
        if (over)
            return;
        auto const room = parser.room();
        if (room.empty())
            return require(parser.is_greeted() && parser.next() != progress::drained, "without room there is something to take");
        require(room.size() <= came + (std::size_t{128} << 10), "the room grows only with what has come");
        bool const packet = rules.packet != 0;
        if (!packet)
            some = some.first(std::min(some.size(), room.size()));
        copy(some, room);
        with_handles = rules.handles ? std::min(with_handles, parser.room_for_handles()) : 0;
        auto const said = parser.take(some.size(), with_handles, cut && with_handles != 0);
        if (said != progress::more) {
            require(said == progress::malformed || said == progress::refused, "a packet is too long, or is taken");
            require(some.size() > room.size(), "what fits is taken");
            over = true;
            return;
        }
        came += some.size();
        handles += with_handles;
    }

    // Takes up to `most` messages.
    void drain(unsigned most, unsigned each)
    {
        while (!over && most-- != 0) {
            auto const said = parser.next();
            require(said == parser.next(), "a step repeats itself");
            switch (said) {
            case progress::greeted: fail("a greeting is said once");
            case progress::message:
            case progress::no_descriptors: take(each); break;
            case progress::drained: return;
            case progress::left:
            case progress::malformed:
            case progress::refused: over = true; break;
            default: fail("a parser says nothing of a socket");
            }
        }
    }

    // The first step may greet, which is said once and so not repeated.
    void greet()
    {
        if (over || parser.is_greeted())
            return;
        auto const said = parser.next();
        if (said == progress::greeted) {
            require(came >= sizeof(stream_greeting) + rules.introduction, "a greeting is whole");
            require(parser.introduction().size() == rules.introduction, "an introduction is whole");
            read_all(parser.introduction());
        } else if (said == progress::refused) {
            require(parser.refusal() != errc(), "a refusal has a reason");
            over = true;
        } else {
            require(said == progress::drained, "without a greeting there is nothing else");
        }
    }

    void take(unsigned each)
    {
        auto const payload = parser.payload();
        read_all(payload);
        require(rules.fixed_size != 0 ? payload.size() == rules.fixed_size : payload.size() <= limit, "a message has its size");
        std::size_t const there = rules.fixed_size != 0 ? parser.available() : 1;
        require(there >= 1 && there * payload.size() <= came - released, "no more messages than have come");
        if (payload.size() != 0)
            read_all({payload.data() + (there - 1) * payload.size(), payload.size()});
        std::size_t const n = 1 + each % there;
        require(parser.handles() <= stream_frame::most_handles && parser.handles() <= handles, "no more descriptors than have come");
        std::size_t const own = parser.handles();
        released += n * payload.size();
        std::size_t const done = parser.release(n);
        require(done == 0 || done == own, "descriptors go with the last message of their frame");
        handles -= done;
    }
};

// Frames as a sender of ours makes them, for an input that asks for some.
template <message_layout L>
bytes frames_of(input& in)
{
    frame_writer<L> writer;
    bytes content(1 + in.byte());
    std::uint32_t kind = stream_frame::data;
    for (unsigned n = in.byte() % 4U + 1; n != 0; --n) {
        std::size_t size = in.byte() % (content.size() + 1);
        if (L.fixed_size != 0)
            size = L.fixed_size * (1 + size % (stream_frame::longest_run / L.fixed_size));
        content.resize(std::max(content.size(), size));
        require(writer.append({content.data(), size}, kind, 0, [](std::size_t) {}), "there is memory");
    }
    if (in.byte() % 8 == 0)
        require(writer.append({}, stream_frame::end, 0, [](std::size_t) {}), "there is memory");
    return {writer.bytes.data() + writer.bytes.begin, writer.bytes.data() + writer.bytes.end};
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    unsigned const choice = in.byte();
    connection c(rules_of(choice));
    while (!in.empty()) {
        switch (unsigned const op = in.byte(); op % 8) {
        case 0: {
            stream_greeting const g = c.rules.greeting;
            c.feed(std::as_bytes(std::span(&g, 1)), 0, false);
            break;
        }
        case 1: {
            bytes const frames = (choice & 1) != 0 ? frames_of<number>(in) : frames_of<text>(in);
            c.feed(frames, 0, false);
            break;
        }
        case 2: {  // a header that is nearly right, and some bytes
            std::size_t const handles = op >> 3;
            stream_frame const f{in.take<std::uint16_t>(), in.byte() % 4 == 0 ? in.take<std::uint32_t>() : stream_frame::kind_of(handles)};
            bytes frame(stream_frame::bytes(std::min<std::size_t>(f.size, 600)));
            std::memcpy(frame.data(), &f, sizeof f);
            c.feed(frame, handles, false);
            break;
        }
        case 3: c.feed(in.take_bytes(op >> 3), 0, false); break;
        case 4: c.feed(in.take_bytes(in.byte()), op >> 3, (op & 8) != 0); break;
        case 5: c.drain(op >> 3, in.byte()); break;
        case 6: c.parser.shrink(); break;
        default: {
            bytes const some(in.byte() * std::size_t{16});
            c.feed(some, 0, false);
        }
        }
        c.greet();
        if ((choice & 16) == 0 && c.parser.is_greeted())  // as a receiver does before it reads again
            c.drain(10, 0);
        if (!c.over && (choice & 32) != 0 && !c.parser.is_greeted())
            c.parser.refuse(errc::refused);
    }
    if (c.parser.is_greeted())
        c.drain(30, 3);
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned choice = 0; choice != 32; ++choice)
        all.push_back(output().byte(choice).byte(0).byte(1).byte(30).byte(3).byte(10).byte(0).byte(30).byte(8).byte(0).byte(2 + 8 * 3).add(std::uint16_t{24}).byte(1).byte(5 + 8 * 9).byte(0));
    return all;
}
