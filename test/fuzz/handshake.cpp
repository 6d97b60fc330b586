// Distributed under the Boost Software License, Version 1.0.
// Both sides of the handshake of a connection: what an acceptor hears from a client, and a client from an acceptor.
#include "fuzz.hpp"

#include <strait/detail/handshake/parser.hpp>

using namespace fuzz;
using strait::errc;
using strait::detail::client_handshake_parser;
using strait::detail::handshake_answer;
using strait::detail::handshake_joined;
using strait::detail::server_handshake_parser;
using strait::detail::stream_greeting;
using strait::detail::stream_rejection;
using progress = strait::detail::handshake_progress;

namespace {

stream_greeting const wanted = stream_greeting::of({0, 1, 0x1234}, {5, 6});

// Bytes as they come, in pieces; `given` counts those that a parser has asked for.
class wire {
public:
    wire(std::span<std::byte const> all, unsigned piece) : rest_(all), piece_(1 + piece) {}

    // Runs a step to its end, or to that of the bytes.
    template <class Parser, class Step>
    progress read(Parser& p, Step step)
    {
        for (;;) {
            progress const said = step();
            if (said != progress::waits)
                return said;
            auto const room = p.room();
            require(!room.empty() && room.size() <= sizeof(stream_greeting), "a step that waits has room");
            std::size_t const n = copy(rest_.first(std::min(rest_.size(), piece_)), room);
            if (n == 0)
                return said;
            p.take(n);
            rest_ = rest_.subspan(n);
            given += n;
        }
    }

    std::size_t given = 0;

private:
    std::span<std::byte const> rest_;
    std::size_t piece_;
};

void serve(wire& from, bool admitted)
{
    server_handshake_parser p;
    progress const greeted = from.read(p, [&] { return p.greet(wanted, admitted); });
    require(p.is_greeted() == (greeted == progress::complete), "a client that has greeted is known");
    if (greeted == progress::failed)
        require(static_cast<bool>(p.refusal()), "a refusal has a reason");
    if (greeted != progress::complete)
        return;
    require(admitted && from.given == sizeof wanted, "only an admitted client has greeted, with a greeting alone");
    if (from.read(p, [&] { return p.join(); }) != progress::waits)
        require(from.given == sizeof wanted + 1, "of what belongs to the ends nothing is asked for");
}

void join(wire& from)
{
    client_handshake_parser p;
    progress const welcome = from.read(p, [&] { return p.welcome(); });
    if (welcome == progress::failed)
        require(static_cast<bool>(p.refusal()), "a refusal has a reason");
    progress said = welcome;
    if (welcome == progress::complete) {
        require(from.given == sizeof(handshake_answer), "an answer is all that is asked for");
        (void)p.number();
        (void)p.is_served_elsewhere();
        said = from.read(p, [&] { return p.complete(); });
        if (said == progress::complete)
            require(from.given == sizeof(handshake_answer) + 1, "of what belongs to the ends nothing is asked for");
    }
    if (said == progress::waits) {  // the acceptor closes
        p.end();
        require(static_cast<bool>(p.refusal()), "an end in the middle has a reason");
        (void)p.refusal().message();
    }
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    unsigned const choice = in.byte();
    bytes said;
    auto const say = [&](auto const& object) {
        auto const raw = std::as_bytes(std::span(&object, 1));
        said.insert(said.end(), raw.begin(), raw.end());
    };
    // What comes first is often right, else no input gets behind it. One of its bytes may be changed.
    switch (choice % 8) {
    case 0: say(wanted); break;
    case 1: say(handshake_answer{}); break;
    case 2: say(handshake_answer{.why = in.take<std::uint32_t>(), .elsewhere = 1, .number = 7}); break;
    case 3: say(stream_rejection{.why = in.byte()}); break;
    case 4:
    case 5: {
        if (choice % 8 == 4)
            say(wanted);
        else
            say(handshake_answer{});
        said[in.byte() % said.size()] ^= static_cast<std::byte>(in.byte());
        break;
    }
    default: break;
    }
    auto const more = in.rest();
    said.insert(said.end(), more.begin(), more.end());
    wire to_server(said, choice >> 4);
    serve(to_server, (choice & 8) == 0);
    wire to_client(said, choice >> 4);
    join(to_client);
    auto behind = server_handshake_parser::behind_the_greeting();
    wire rest(more, 0);
    (void)rest.read(behind, [&] { return behind.join(); });
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned choice = 0; choice != 16; ++choice)
        all.push_back(output().byte(choice).byte(3).byte(handshake_joined).byte('c'));
    all.push_back(output().byte(6).add(wanted).byte(handshake_joined));
    all.push_back(output().byte(7).add(handshake_answer{}).byte('c'));
    // An acceptor that is gone in the middle of its answer.
    all.push_back(output().byte(7).add(handshake_answer::magic_value).add(std::uint64_t{0}));
    return all;
}
