// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_SESSION_TABLE_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_SESSION_TABLE_HPP

#include <strait/detail/acknowledged/protocol.hpp>
#include <strait/detail/acknowledged/records.hpp>
#include <strait/detail/socket/stream_connection.hpp>
#include <strait/error.hpp>
#include <strait/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <sys/socket.h>

namespace strait::detail {

// What a receiver knows of one sender's stream.
struct ack_session {
    session_id id{};
    std::uint64_t consumed = 0;               // messages, from the beginning
    std::size_t owed = 0;                     // bytes of them that are not acknowledged
    stream_connection* connection = nullptr;  // the newest; none: it is away
    std::int64_t away_since = 0;              // by session_table::listened()
    bool finished = false;         // its end was read
    bool barred = false;           // it has sent what cannot be
    bool given_up = false;         // away for so long that it counted as dead
    ack_record* record = nullptr;  // where the next receiver finds what was consumed; none: nowhere
    acknowledgement told;          // the last one, of which so much has still to leave
    std::size_t unsent = 0;
};

// Which sessions a receiver has heard of, what of them was consumed and what of that it has told their senders.
class session_table {
public:
    static constexpr bool counts = true;
    static constexpr std::uint32_t protocol = stream_greeting::acknowledged;
    static constexpr std::size_t introduction = sizeof(session_claim);
    static constexpr std::size_t most_away = 1024;
    static constexpr std::size_t batch = std::size_t{64} << 10;           // bytes consumed that are acknowledged at once
    static constexpr std::int64_t between_polls = 100'000;                // nanoseconds; else when somebody asks for more

    session_table(std::chrono::nanoseconds give_up_after, ack_records records) : give_up_after_(give_up_after), records_(records) {}

    // A connection has said whose it is. `older` is to be closed: the newest connection of a session is the one that counts.
    errc admit(stream_connection& c, stream_connection*& older)
    {
        session_claim const claim = claim_of(c.introduction().first<sizeof(session_claim)>());
        auto found = std::find_if(all_.begin(), all_.end(), [&](auto const& s) { return s->id == claim.id; });
        if (found == all_.end()) {
            auto fresh = std::make_unique<ack_session>();
            fresh->id = claim.id;
            fresh->record = records_.find(claim.id);
            fresh->consumed = claim.first;
            if (fresh->record)  // a receiver that was killed may have told its sender less
                fresh->consumed = std::max(claim.first, fresh->record->consumed.load(std::memory_order_relaxed));
            found = all_.insert(all_.end(), std::move(fresh));
        }
        ack_session& s = **found;
        // What we have not seen nobody has acknowledged: messages are missing.
        if (s.barred || claim.first > s.consumed)
            return errc::peer_corrupt;
        older = s.connection;
        if (older)
            older->session = nullptr;
        s.connection = &c;
        note(s);
        s.given_up = false;
        s.unsent = 0;
        s.owed = 0;
        c.session = &s;
        c.repeated = s.consumed - claim.first;
        if (c.repeated != 0)
            note_unacknowledged(s, 1);
        return {};
    }

    // Whether the message in front has been consumed before; then it is gone.
    bool skip(stream_connection& c) noexcept
    {
        if (c.repeated == 0)
            return false;
        --c.repeated;
        c.release();
        return true;
    }

    void consumed(stream_connection& c, std::size_t messages, std::size_t bytes)
    {
        ack_session& s = *c.session;
        s.consumed += messages;
        if (s.record)
            s.record->consumed.store(s.consumed, std::memory_order_relaxed);
        note_unacknowledged(s, bytes);
        if (s.owed >= batch)
            tell(s);
    }

    void ended(stream_connection& c) noexcept
    {
        c.session->finished = true;
        tell(*c.session);
    }
    void bar(stream_connection& c) noexcept
    {
        c.session->barred = true;
        c.reject(errc::peer_corrupt);
    }

    // The connection goes. Its sender may come back.
    void left(stream_connection& c)
    {
        if (!c.session)
            return;
        std::erase(owing_, c.session);
        c.session->connection = nullptr;
        c.session->owed = 0;
        c.session->away_since = listened();
        auto const away = [](auto const& s) { return !s->connection; };
        if (std::count_if(all_.begin(), all_.end(), away) > static_cast<std::ptrdiff_t>(most_away))
            all_.erase(std::min_element(all_.begin(), all_.end(), [&](auto const& a, auto const& b) {
                return away(a) != away(b) ? away(a) : a->away_since < b->away_since;
            }));
        c.session = nullptr;
    }

    // Tells what is owed, if not just now; false: a socket has no room.
    bool settle(bool at_once)
    {
        if (owing_.empty())
            return true;
        std::int64_t const now = deadline::now();
        if (!at_once && now - settled_at_ < between_polls)
            return true;
        settled_at_ = now;
        std::erase_if(owing_, [](ack_session* s) { return tell(*s), s->owed == 0 && s->unsent == 0; });
        return owing_.empty();
    }

    // Somebody's connection has broken who may still come back.
    bool expects_any() noexcept
    {
        if (all_.empty())
            return false;
        std::int64_t const now = listened();
        return std::any_of(all_.begin(), all_.end(),
                           [&](auto const& s) { return is_missing(*s) && now - s->away_since < give_up_after_.count(); });
    }

    // Nobody who is away is waited for any more; true if there was one.
    bool give_up() noexcept
    {
        bool any = false;
        for (auto const& s : all_)
            if (is_missing(*s))
                any = s->given_up = true;
        return any;
    }

private:
    // What is consumed of the session from now on has a record: its own, or that of one whose connection is no more.
    void note(ack_session& s) noexcept
    {
        if (!s.record) {
            auto const owner = [&](ack_record const& r) {
                return std::find_if(all_.begin(), all_.end(), [&](auto const& other) { return other->record == &r; });
            };
            ack_record* const r = records_.oldest([&](ack_record const& candidate) {
                auto const of = owner(candidate);
                return of == all_.end() || !(*of)->connection;
            });
            if (!r)
                return;
            if (auto const of = owner(*r); of != all_.end())
                (*of)->record = nullptr;
            ack_records::begin(*r, s.id, s.consumed);
            s.record = r;
        }
        records_.use(*s.record);
    }

    static bool is_missing(ack_session const& s) noexcept { return !s.connection && !s.finished && !s.given_up; }

    // Nanoseconds in which who is away could have come back. Those that pass while nobody looks, for the program was busy or
    // the machine stopped, count little: a sender may have been stopped, too, or be on its way through what was.
    std::int64_t listened() noexcept
    {
        std::int64_t const now = deadline::now();
        listened_ += std::min<std::int64_t>(now - looked_at_, give_up_after_.count() / 4);
        looked_at_ = now;
        return listened_;
    }

    void note_unacknowledged(ack_session& s, std::size_t bytes)
    {
        if (s.owed == 0 && std::find(owing_.begin(), owing_.end(), &s) == owing_.end())
            owing_.push_back(&s);
        s.owed += bytes;
    }

    // One record is begun at a time. A sender that reads none gets no more: what is owed stays so.
    static void tell(ack_session& s) noexcept
    {
        acknowledgement const wanted{s.finished ? acknowledgement::of_the_end : acknowledgement::of_messages, s.consumed};
        for (;;) {
            if (s.unsent == 0) {
                s.told = wanted;
                s.unsent = sizeof s.told;
            }
            auto const* const rest = reinterpret_cast<std::byte const*>(&s.told) + (sizeof s.told - s.unsent);
            auto const n = uninterrupted(
                [&] { return ::send(s.connection->fd(), rest, s.unsent, MSG_NOSIGNAL | MSG_DONTWAIT); });
            bool const whole = s.unsent == sizeof s.told;
            if (n < 0) {
                if (whole)
                    s.unsent = 0;  // not begun
                if (errno != EAGAIN)
                    s.unsent = s.owed = 0;  // nobody is there: its connection will say so
                return;
            }
            s.unsent -= static_cast<std::size_t>(n);
            if (s.unsent != 0)
                return;
            if (s.told == wanted) {
                s.owed = 0;
                return;
            }
        }
    }

    std::vector<std::unique_ptr<ack_session>> all_;
    std::vector<ack_session*> owing_;
    std::chrono::nanoseconds give_up_after_;
    ack_records records_;
    std::int64_t settled_at_ = 0;
    std::int64_t listened_ = 0;
    std::int64_t looked_at_ = 0;
};

}  // namespace strait::detail

#endif
