// Distributed under the Boost Software License, Version 1.0.
// Datagrams that anybody sends to a receiver of udp, and what a receiver answers a sender.
#include "fuzz.hpp"

#include <strait/detail/frame/row.hpp>
#include <strait/detail/inet/udp_parser.hpp>

using namespace fuzz;
using strait::channel_stats;
using strait::message_layout;
using strait::detail::frame_row;
using strait::detail::stream_frame;
using strait::detail::udp_numbering;
using strait::detail::udp_parser;
using strait::detail::udp_rejection;
using strait::detail::udp_trailer;
using outcome = udp_parser::outcome;

namespace {

constexpr message_layout text{0, 1, 0x1234};
constexpr message_layout number{8, 8, 0x5678};
constexpr std::uint64_t limit = 200;

// The messages of a datagram, up to its first bad frame.
template <message_layout L>
void walk(std::span<std::byte const> frames)
{
    frame_row<L> row;
    while (!frames.empty()) {
        bool const sound = frame_row<L>::is_sound(frames.data(), frames.size(), limit);
        require(row.enter(frames.data(), frames.size(), limit) == sound, "a frame is sound or not");
        if (!sound)
            return;
        std::size_t done = 0;
        while (done == 0) {
            require(L.fixed_size != 0 ? row.size == L.fixed_size : row.size <= limit, "a message has its size");
            require(row.left != 0 && row.front + row.size <= frames.size(), "a message lies in its frame");
            read_all(frames.subspan(row.front, row.size));
            done = row.take(1);
        }
        require(done <= frames.size(), "a frame lies in its row");
        frames = frames.subspan(done);
    }
}

template <message_layout L>
class host {
public:
    host()
    {
        require(parser_.start(), "there is memory");
        (void)sender_.begin(1, 3);
    }

    void receive(std::span<std::byte const> datagram)
    {
        auto const memory = exactly(datagram);
        datagram = {memory.get(), datagram.size()};
        outcome const said = parser_.take(datagram, stats_);
        udp_trailer const t = datagram.size() < sizeof(udp_trailer) ? udp_trailer() : udp_trailer::at(datagram.last(sizeof(udp_trailer)).data());
        switch (said) {
        case outcome::frames:
            require(parser_.frame_bytes() <= datagram.size() - sizeof t, "frames lie before the trailer");
            require(delivered_.emplace(t.stream, t.datagram).second, "no datagram is delivered twice");
            walk<L>(datagram.first(parser_.frame_bytes()));
            break;
        case outcome::refused: {
            udp_rejection const& r = parser_.rejection();
            require(r.stream == t.stream && r.said.reason() != strait::errc::no_receiver, "a rejection says why, and of what");
            if (auto const heard = sender_.rejection_in(std::as_bytes(std::span(&r, 1))))
                require(*heard == r.said.reason(), "its sender understands it");
            break;
        }
        case outcome::nothing:
        case outcome::end:
        case outcome::foreign: break;
        }
        (void)parser_.all_ended();
    }

    void answer(std::span<std::byte const> some)
    {
        auto const memory = exactly(some);
        if (sender_.rejection_in({memory.get(), some.size()}))
            require(some.size() == sizeof(udp_rejection), "an answer has its size");
    }

    // The next datagram of a sender of ours, which may be lost, come later or come twice.
    bytes send(input& in)
    {
        bytes frames;
        for (unsigned n = in.byte() % 3U; n != 0; --n) {
            std::size_t const size = L.fixed_size != 0 ? L.fixed_size * (1 + in.byte() % 5U) : in.byte() % limit;
            std::size_t const at = frames.size();
            frames.resize(at + stream_frame::bytes(size));
            stream_frame::write_around(frames.data() + at, size, stream_frame::data);
        }
        udp_trailer const t = in.byte() % 16 == 0 ? sender_.end(sent_) : sender_.next(frames, sent_);
        sent_ += t.count;
        auto const raw = std::as_bytes(std::span(&t, 1));
        if (t.kind == stream_frame::end)
            frames.clear();
        frames.insert(frames.end(), raw.begin(), raw.end());
        return frames;
    }

private:
    static udp_trailer wanted()
    {
        udp_trailer t = udp_trailer::of(L);
        t.cookie = 3;
        return t;
    }

    udp_parser parser_{wanted()};
    udp_numbering sender_{L};
    channel_stats stats_;
    std::uint64_t sent_ = 0;
    std::set<std::pair<std::uint64_t, std::uint64_t>> delivered_;
};

// The numbers of a hostile trailer: few streams, near the ends of the range.
std::uint64_t magnitude(input& in)
{
    unsigned const choice = in.byte();
    std::uint64_t const small = choice >> 2;
    switch (choice & 3) {
    case 0: return small;
    case 1: return ~std::uint64_t{0} - small;
    case 2: return std::uint64_t{1} << small;
    default: return in.take<std::uint64_t>();
    }
}

template <message_layout L>
void play(input& in)
{
    host<L> h;
    std::deque<bytes> before;
    while (!in.empty()) {
        switch (unsigned const op = in.byte(); op % 6) {
        case 0: h.receive(in.take_bytes(op)); break;
        case 1: {
            before.push_back(h.send(in));
            if ((op & 16) == 0)
                h.receive(before.back());
            break;
        }
        case 2:
            if (!before.empty())
                h.receive(before[op % before.size()]);
            break;
        case 3: {  // a trailer that passes, with any numbers
            udp_trailer t = udp_trailer::of(L);
            t.cookie = 3;
            t.stream = in.byte() % 4;
            t.datagram = magnitude(in);
            t.first = magnitude(in);
            t.count = static_cast<std::uint32_t>(magnitude(in));
            std::uint32_t const kinds[] = {stream_frame::data, stream_frame::end, udp_trailer::hello, t.count};
            t.kind = kinds[op / 64];
            auto const frames = in.take_bytes(in.byte() % 64);
            bytes all(frames.begin(), frames.end());
            auto const raw = std::as_bytes(std::span(&t, 1));
            all.insert(all.end(), raw.begin(), raw.end());
            h.receive(all);
            break;
        }
        case 4: {  // one of ours with a byte changed
            bytes one = h.send(in);
            one[one.size() - 1 - in.byte() % one.size()] ^= static_cast<std::byte>(in.byte());
            h.receive(one);
            break;
        }
        default: h.answer(in.take_bytes(sizeof(udp_rejection) - (op < 200 ? 0 : 1)));
        }
    }
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    if (in.byte() % 2 == 0)
        play<text>(in);
    else
        play<number>(in);
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned kind = 0; kind != 2; ++kind) {
        all.push_back(output().byte(kind).byte(1).byte(2).byte(9).byte(30).byte(1).byte(17).byte(1).byte(3).byte(1).byte(2).byte(8));
        all.push_back(output().byte(kind).byte(3).byte(2).byte(4).byte(8).byte(12).byte(3).add(stream_frame{16}).add(std::uint64_t{5}));
    }
    return all;
}
