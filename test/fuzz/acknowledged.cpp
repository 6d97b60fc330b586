// Distributed under the Boost Software License, Version 1.0.
// Both sides of an acknowledged stream: a sender that hears a hostile receiver, and a receiver with hostile senders and
// records in a control file that others can write.
#include "fuzz.hpp"

#include <strait/detail/acknowledged/parser.hpp>
#include <strait/detail/acknowledged/retransmit_buffer.hpp>
#include <strait/detail/acknowledged/session_table.hpp>
#include <strait/detail/frame/row.hpp>

using namespace fuzz;
using strait::errc;
using strait::message_layout;
using strait::detail::ack_record;
using strait::detail::ack_records;
using strait::detail::ack_session;
using strait::detail::acknowledgement;
using strait::detail::acknowledgement_parser;
using strait::detail::control_block;
using strait::detail::frame_row;
using strait::detail::retransmit_buffer;
using strait::detail::session_claim;
using strait::detail::session_table;
using strait::detail::stream_frame;
using strait::detail::stream_rejection;

namespace {

constexpr message_layout text{0, 1, 1};
constexpr message_layout number{8, 8, 2};

// A sender, and what it may believe.
template <message_layout L>
class sender {
public:
    void send(input& in)
    {
        std::size_t const size = L.fixed_size != 0 ? L.fixed_size * (1 + in.byte() % 4U) : in.byte();
        if (ended_ || !buffer_.has_room(stream_frame::bytes(size)))
            return;
        std::byte content[256]{};
        if (L.fixed_size != 0 || size % 2 == 0)
            require(buffer_.append({content, size}), "there is memory");
        else {
            auto const room = buffer_.reserve(size);
            require(room && room->size() >= size, "there is memory");
            buffer_.commit(size);
        }
        accepted_ += L.fixed_size != 0 ? size / L.fixed_size : 1;
    }

    void end()
    {
        if (!std::exchange(ended_, true))
            require(buffer_.append_end(), "there is memory");
    }

    // The socket takes some bytes.
    void push(std::size_t most)
    {
        auto const rest = buffer_.unsent();
        std::size_t const n = std::min(rest.size(), most);
        read_all(rest.first(n));
        connection_.insert(connection_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n));
        buffer_.count_sent(n);
    }

    void hear(std::span<std::byte const> some)
    {
        while (!some.empty() && parser_.refusal() == errc()) {
            auto const room = parser_.room();
            require(!room.empty(), "there is room for the next acknowledgement");
            std::size_t const n = copy(some, room);
            some = some.subspan(n);
            parser_.take(n);
            while (auto const a = parser_.next()) {
                bool const taken = buffer_.acknowledge(a->consumed, a->magic == acknowledgement::of_the_end);
                bool const possible = a->consumed >= acknowledged_ && a->consumed <= accepted_;
                require(!taken || possible, "what was never sent is not acknowledged, nor less than before");
                if (!taken) {
                    parser_.refuse_last();
                    break;
                }
                acknowledged_ = a->consumed;
            }
        }
        check();
        if (parser_.refusal() != errc())
            reconnect();
    }

    // The frames that begin anew on another connection are those behind first().
    void reconnect()
    {
        parser_.reset();
        buffer_.resend_all();
        require(buffer_.first() <= acknowledged_, "nothing is left out that is not acknowledged");
        connection_.clear();
        first_ = buffer_.first();
        check();
    }

    // What a connection carries are whole frames, whose messages follow its first one without a gap.
    void walk() const
    {
        std::span<std::byte const> rest(connection_);
        std::uint64_t messages = first_;
        frame_row<L> row;
        while (row.enter(rest.data(), rest.size(), 1000)) {
            messages += row.left;
            rest = rest.subspan(row.bytes);
        }
        require(messages <= accepted_, "a connection carries each message once");
    }

private:
    void check() const
    {
        require(buffer_.accepted() == accepted_, "each message is counted");
        require(buffer_.messages() == accepted_ - acknowledged_, "what is not acknowledged is still there");
        require(buffer_.first() <= acknowledged_, "the first frame is not behind what is acknowledged");
    }

    retransmit_buffer<L> buffer_{2'000};
    acknowledgement_parser parser_;
    bytes connection_;
    std::uint64_t first_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t acknowledged_ = 0;
    bool ended_ = false;
};

template <message_layout L>
void play_sender(input& in)
{
    sender<L> s;
    while (!in.empty()) {
        switch (unsigned const op = in.byte(); op % 8) {
        case 0:
        case 1: s.send(in); break;
        case 2: s.push(in.byte() * std::size_t{op / 8}); break;
        case 3: s.hear(in.take_bytes(op / 8)); break;
        case 4:
        case 5: {
            acknowledgement const a{op < 240 ? acknowledgement::of_messages : acknowledgement::of_the_end,
                                    op % 16 < 8 ? in.byte() : in.take<std::uint64_t>()};
            s.hear(std::as_bytes(std::span(&a, 1)).first(op % 32 < 24 ? sizeof a : in.byte() % sizeof a));
            break;
        }
        case 6:
            if (op < 128) {
                stream_rejection const r{.why = in.byte()};
                s.hear(std::as_bytes(std::span(&r, 1)));
            } else
                s.end();
            break;
        default: s.reconnect();
        }
        s.walk();
    }
}

// A receiver with the table of its sessions. What is acknowledged of each is compared with what was consumed.
class receiver {
public:
    receiver()
    {
        std::memset(page_, 0, sizeof page_);
        begin();
    }

    void play(input& in)
    {
        while (!in.empty()) {
            unsigned const op = in.byte();
            unsigned const which = op / 16 % most;
            connection& c = connections_[which];
            now_ += std::int64_t{in.byte()} << 20;
            switch (op % 16) {
            case 0:
            case 1:
            case 2: admit(c, {{1 + which % 4U, 2}, op % 16 == 2 ? in.take<std::uint64_t>() : in.byte() % 32U}); break;
            case 3: admit(c, {{in.take<std::uint64_t>(), in.take<std::uint64_t>()}, in.take<std::uint64_t>()}); break;
            case 4:
            case 5:
            case 6: consume(c, 1 + in.byte() % 4U); break;
            case 7: leave(c); break;
            case 8:
                (void)table_->settle([&](ack_session& s) { send(s, in.byte()); });
                break;
            case 9:
                if (c.session)
                    c.session->finished = true;
                break;
            case 10:
                if (c.session)
                    c.session->barred = true;
                break;
            case 11: (void)table_->expects_any(now_); break;
            case 12: (void)table_->give_up(); break;
            case 13: begin(); break;  // the next receiver finds the records
            default: {                // somebody writes to the records
                std::size_t const at = control_block::size_in_file + in.take<std::uint16_t>() % (ack_records::most * sizeof(ack_record) / 8) * 8;
                auto const word = in.take<std::uint64_t>();
                std::memcpy(page_ + at, &word, sizeof word);
            }
            }
        }
    }

private:
    static constexpr unsigned most = 8;

    struct connection {
        ack_session* session = nullptr;
        std::uint64_t said = 0;  // the highest count that was acknowledged on it
    };

    void begin()
    {
        for (connection& c : connections_)
            c = {};
        table_.emplace(std::chrono::seconds(1), ack_records(*std::launder(reinterpret_cast<control_block*>(page_))));
    }

    void admit(connection& c, session_claim const& claim)
    {
        leave(c);
        auto const admitted = table_->admit(claim, &c);
        if (admitted.refusal != errc()) {
            require(!admitted.session, "a refused connection has no session");
            return;
        }
        require(admitted.session && admitted.session->id == claim.id, "a connection has the session that it claims");
        require(admitted.session->consumed >= claim.first, "no message is missing");
        require(admitted.session->repeated == admitted.session->consumed - claim.first, "what was consumed before comes again");
        if (admitted.older) {
            require(admitted.older != &c, "a connection is not its own predecessor");
            static_cast<connection*>(admitted.older)->session = nullptr;
        }
        c.session = admitted.session;
        c.said = 0;
    }

    void consume(connection& c, std::size_t messages)
    {
        if (!c.session)
            return;
        std::uint64_t const before = c.session->consumed;
        for (; messages != 0; --messages) {
            if (session_table::skip(*c.session))
                require(c.session->consumed == before, "what comes again is not counted again");
            else
                (void)table_->consumed(*c.session, 1, 8);
        }
    }

    void leave(connection& c)
    {
        if (c.session)
            table_->left(*std::exchange(c.session, nullptr), now_);
    }

    // As acknowledged_sessions does it, for a socket that takes so many bytes.
    void send(ack_session& s, std::size_t room)
    {
        auto* const c = static_cast<connection*>(s.connection);
        require(c && c->session == &s, "what is settled has a connection");
        for (bool done = false; !done;) {
            auto const some = s.outgoing();
            require(!some.empty() && some.size() <= sizeof(acknowledgement), "a record is begun or goes on");
            std::size_t const n = std::min(room, some.size());
            room -= n;
            if (n == 0)
                return s.count_refused(false);
            out_.insert(out_.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
            if (n == some.size()) {
                acknowledgement a;
                std::uint64_t const most_said = s.consumed;
                if (out_.size() >= sizeof a) {
                    std::memcpy(&a, out_.data() + out_.size() - sizeof a, sizeof a);
                    if (some.size() == sizeof a)
                        require(a.is_valid() && a.consumed == most_said, "a whole record says what was consumed");
                }
            }
            done = s.count_sent(n) || n != some.size();
        }
    }

    alignas(4096) std::byte page_[control_block::size_in_file + ack_records::most * sizeof(ack_record)];  // of a control file
    std::optional<session_table> table_;
    connection connections_[most];
    bytes out_;
    std::int64_t now_ = 1;
};

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    switch (in.byte() % 4) {
    case 0: return play_sender<text>(in);
    case 1: return play_sender<number>(in);
    default: receiver().play(in);
    }
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned kind = 0; kind != 2; ++kind)
        all.push_back(output().byte(kind).byte(0).byte(2).byte(0).byte(20).byte(8 * 9 + 2).byte(255).byte(4).byte(2).byte(7).byte(134).byte(250).byte(244).byte(3).byte(6).byte(4));
    all.push_back(output().byte(2).byte(0).byte(1).byte(0).byte(4).byte(1).byte(3).byte(8).byte(1).byte(40).byte(7).byte(1).byte(0).byte(1).byte(1).byte(4).byte(1).byte(0));
    all.push_back(output().byte(3).byte(0).byte(0).byte(0).byte(16).byte(0).byte(0).byte(4).byte(0).byte(1).byte(13).byte(0).byte(14).byte(0).byte(1).byte(0).add(std::uint64_t{9}).byte(1).byte(1).byte(3));
    return all;
}
