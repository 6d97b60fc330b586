// Distributed under the Boost Software License, Version 1.0.
// Frames in a row, as packed queues and datagrams carry them, and the frames of pipes.
#include "fuzz.hpp"

#include <strait/detail/pipe/frame.hpp>
#include <strait/detail/queue/packed_receiver.hpp>

using namespace fuzz;
using strait::channel_stats;
using strait::deadline;
using strait::end_reason;
using strait::errc;
using strait::message_layout;
using strait::result;
using strait::detail::packed_receiver;
using strait::detail::pipe_frame;
using strait::detail::stream_frame;

namespace {

constexpr message_layout text{0, 1, 1};
constexpr message_layout number{8, 8, 2};
constexpr message_layout wide{64, 32, 3};  // of an alignment that frames do not have

// The receiver of a queue from which packs come, each in memory of exactly its size.
struct queue {
    std::deque<bytes>* packs;
    std::unique_ptr<std::byte[]> front{};

    result<std::span<std::byte const>> peek(deadline)
    {
        if (packs->empty())
            return errc::empty;
        if (!front)
            front = exactly(packs->front());
        return std::span<std::byte const>(front.get(), packs->front().size());
    }
    void release() noexcept
    {
        front.reset();
        packs->pop_front();
    }
    end_reason ended() const noexcept { return end_reason::none; }
    result<void> close(deadline) { return {}; }
    channel_stats stats() const { return {}; }
};

template <message_layout L>
void receive(std::deque<bytes> packs, input& in)
{
    packed_receiver<L, queue> receiver(queue{&packs}, {});
    std::array<std::byte, 5 * (L.fixed_size == 0 ? 1 : L.fixed_size)> several;
    unsigned messages = 0;
    for (unsigned errors = 0; errors != 64 && messages != 300;) {
        bool const known = receiver.has_message();
        errc why{};
        if (L.fixed_size != 0 && in.byte() % 2 != 0) {
            if constexpr (L.fixed_size != 0) {
                auto const n = receiver.take_n(several, deadline::poll());
                if (n) {
                    require(*n >= 1 && *n <= 5, "as many messages as there is room for");
                    read_all(std::span(several).first(*n * L.fixed_size));
                    messages += static_cast<unsigned>(*n);
                } else
                    why = static_cast<errc>(n.error().value());
            }
        } else {
            auto const one = receiver.peek(deadline::poll());
            if (one) {
                require(L.fixed_size == 0 || one->size() == L.fixed_size, "a message has its size");
                require(reinterpret_cast<std::uintptr_t>(one->data()) % L.alignment == 0, "a message is aligned");
                read_all(*one);
                receiver.release();
                ++messages;
            } else
                why = static_cast<errc>(one.error().value());
        }
        if (why == errc::empty)
            break;
        require(why == errc() || !known, "a message that is seen is there");
        errors += why != errc();
    }
    require(receiver.stats().messages >= messages, "each message is counted");
}

template <message_layout L>
void walk_pipe(std::span<std::byte const> all)
{
    auto const memory = exactly(all);
    std::span<std::byte const> rest(memory.get(), all.size());
    std::size_t most = 0;
    while (pipe_frame<L>::is_sound(rest) && ++most != 1000) {
        std::size_t const size = pipe_frame<L>::payload(rest.data());
        require(size <= pipe_frame<L>::largest, "a message has its size");
        read_all(rest.subspan(pipe_frame<L>::header, size));
        rest = rest.subspan(pipe_frame<L>::bytes(size));
    }
    auto const whole = std::span<std::byte const>(memory.get(), all.size()).first(all.size() - rest.size());
    require(pipe_frame<L>::count(whole).messages == most, "what is sound is counted");
}

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    unsigned const choice = in.byte();
    std::deque<bytes> packs;
    for (unsigned n = 1 + choice / 16; n != 0 && !in.empty(); --n) {
        bytes pack;
        while (!in.empty()) {
            unsigned const op = in.byte();
            if (op < 16)
                break;
            stream_frame f{op, stream_frame::data};
            if (op >= 224)
                f = in.take<stream_frame>();
            else if (op % 4 != 0)
                f.size = op / 8 * 8;
            std::size_t const at = pack.size();
            pack.resize(at + stream_frame::bytes(std::min<std::size_t>(f.size, 500)) - (op == 223 ? 1 : 0));
            std::memcpy(pack.data() + at, &f, sizeof f);
            copy(in.take_bytes(op % 5), std::span(pack).subspan(at + sizeof f));
        }
        if (!pack.empty())  // an empty message of a queue never gets here: it says that a sender has left
            packs.push_back(pack);
    }
    switch (choice % 4) {
    case 0: receive<text>(packs, in); break;
    case 1: receive<number>(packs, in); break;
    case 2: receive<wide>(packs, in); break;
    default:
        walk_pipe<text>(all);
        walk_pipe<number>(all);
        walk_pipe<message_layout{0, 32, 4}>(all.subspan(1));
    }
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned choice = 0; choice != 3; ++choice) {
        all.push_back(output().byte(choice + 32).byte(64).byte(24).byte(100).byte(16).byte(1).byte(64).byte(64).byte(2).byte(128));
        all.push_back(output().byte(choice).byte(230).add(stream_frame{32}).byte(224).add(stream_frame{64}));
    }
    all.push_back(output().byte(3).add(std::uint8_t{}).add(std::uint16_t{}));
    all.push_back(output().add(std::uint64_t{3}).add(std::uint64_t{}).add(std::uint64_t{8}).add(std::uint64_t{}));
    return all;
}
