// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ACKNOWLEDGED_SESSION_TABLE_HPP
#define STRAIT_DETAIL_ACKNOWLEDGED_SESSION_TABLE_HPP

#include <strait/detail/acknowledged/protocol.hpp>
#include <strait/detail/acknowledged/records.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace strait::detail {

// What a receiver knows of one sender's stream, and which acknowledgements it has still to send. It has no descriptor and
// no clock.
struct ack_session {
    session_id id{};
    std::uint64_t consumed = 0;         // messages, from the beginning
    std::uint64_t repeated = 0;         // how many of the next messages were consumed before
    std::size_t unacknowledged = 0;     // bytes of consumed messages that are not acknowledged
    void* connection = nullptr;         // the newest; null: the sender is away
    std::int64_t away_since = 0;        // in the time of session_table::listened()
    bool finished = false;              // its end was read
    bool barred = false;                // it has sent what cannot be
    bool given_up = false;              // it was away for so long that it counts as dead
    ack_record* record = nullptr;       // where the next receiver finds what was consumed; null: nowhere

    // The bytes of acknowledgements that are to be sent next. A new record is begun only when the one before has left as a
    // whole.
    std::span<std::byte const> outgoing() noexcept
    {
        if (unsent_ == 0) {
            last_ = wanted();
            unsent_ = sizeof last_;
        }
        return std::as_bytes(std::span(&last_, 1)).last(unsent_);
    }

    // So many of them have left. True: everything is acknowledged.
    bool count_sent(std::size_t bytes) noexcept
    {
        unsent_ -= bytes;
        if (unsent_ != 0 || last_ != wanted())
            return false;
        unacknowledged = 0;
        return true;
    }

    // The socket took nothing: a record that was not begun may be a newer one later. `over`: nor will it ever.
    void count_refused(bool over) noexcept
    {
        if (unsent_ == sizeof last_)
            unsent_ = 0;
        if (over)
            unsent_ = unacknowledged = 0;
    }

    bool is_settled() const noexcept { return unacknowledged == 0 && unsent_ == 0; }

    // Another connection carries the stream from now on: nothing of a record has left on it.
    void begin_connection(void* c, std::uint64_t again) noexcept
    {
        connection = c;
        repeated = again;
        given_up = false;
        unsent_ = unacknowledged = 0;
    }

private:
    acknowledgement wanted() const noexcept
    {
        return {finished ? acknowledgement::of_the_end : acknowledgement::of_messages, consumed};
    }

    acknowledgement last_;  // the last one that was begun
    std::size_t unsent_ = 0;  // bytes of it
};

// The sessions that a receiver has heard of. Decides which connections it admits, which messages it has had before, when a
// sender that is away counts as dead, and what is to be acknowledged. The time is passed in, in nanoseconds.
class session_table {
public:
    static constexpr std::size_t most_away = 1024;
    static constexpr std::size_t batch = std::size_t{64} << 10;  // bytes consumed that are acknowledged at once

    struct admission {
        errc refusal = errc();           // why the connection is refused
        ack_session* session = nullptr;  // else its session
        void* older = nullptr;           // the connection that carried the session before: close it
    };

    session_table(std::chrono::nanoseconds give_up_after, ack_records records) : give_up_after_(give_up_after), records_(records) {}

    // A connection claims to carry a session on. The newest connection of a session is the one that counts.
    admission admit(session_claim const& claim, void* connection)
    {
        auto found = std::find_if(all_.begin(), all_.end(), [&](auto const& s) { return s->id == claim.id; });
        if (found == all_.end()) {
            auto fresh = std::make_unique<ack_session>();
            fresh->id = claim.id;
            fresh->record = records_.find(claim.id);
            fresh->consumed = claim.first;
            if (fresh->record)  // a receiver that was killed may have acknowledged less than it had consumed
                fresh->consumed = std::max(claim.first, fresh->record->consumed.load(std::memory_order_relaxed));
            found = all_.insert(all_.end(), std::move(fresh));
        }
        ack_session& s = **found;
        // What this receiver has not seen was acknowledged by no receiver: messages are missing.
        if (s.barred || claim.first > s.consumed)
            return {errc::peer_corrupt};
        void* const older = s.connection;
        s.begin_connection(connection, s.consumed - claim.first);
        keep_record(s);
        if (s.repeated != 0)
            note_unacknowledged(s, 1);
        return {errc(), &s, older};
    }

    // Whether the message in front was consumed before; then it is to be left out.
    static bool skip(ack_session& s) noexcept
    {
        if (s.repeated == 0)
            return false;
        --s.repeated;
        return true;
    }

    // True: it is time to acknowledge.
    bool consumed(ack_session& s, std::size_t messages, std::size_t bytes)
    {
        s.consumed += messages;
        if (s.record)
            s.record->consumed.store(s.consumed, std::memory_order_relaxed);
        note_unacknowledged(s, bytes);
        return s.unacknowledged >= batch;
    }

    // The session's connection is closed. Its sender may come back. Of more than 1,024 sessions without a connection the
    // one that has been so for longest is forgotten.
    void left(ack_session& s, std::int64_t now)
    {
        std::erase(unsettled_, &s);
        s.connection = nullptr;
        s.unacknowledged = 0;
        s.away_since = listened(now);
        auto const away = [](auto const& other) { return !other->connection; };
        if (std::count_if(all_.begin(), all_.end(), away) > static_cast<std::ptrdiff_t>(most_away))
            all_.erase(std::min_element(all_.begin(), all_.end(), [&](auto const& a, auto const& b) {
                return away(a) != away(b) ? away(a) : a->away_since < b->away_since;
            }));
    }

    // Lets `acknowledge(session)` send what is to be acknowledged. False: a socket had no room for all of it.
    template <class Acknowledge>
    bool settle(Acknowledge acknowledge)
    {
        std::erase_if(unsettled_, [&](ack_session* s) { return acknowledge(*s), s->is_settled(); });
        return unsettled_.empty();
    }
    bool is_settled() const noexcept { return unsettled_.empty(); }

    // A sender whose connection has broken may still come back.
    bool expects_any(std::int64_t now) noexcept
    {
        if (all_.empty())
            return false;
        std::int64_t const t = listened(now);
        return std::any_of(all_.begin(), all_.end(),
                           [&](auto const& s) { return is_missing(*s) && t - s->away_since < give_up_after_.count(); });
    }

    // Waits for none of the senders that are away any more; true: there was one.
    bool give_up() noexcept
    {
        bool any = false;
        for (auto const& s : all_)
            if (is_missing(*s))
                any = s->given_up = true;
        return any;
    }

private:
    // From now on there is a record of what is consumed of the session: its own, or one whose session has no connection
    // any more.
    void keep_record(ack_session& s) noexcept
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

    // Nanoseconds in which a sender that is away could have come back. A pause between two looks, when the program was
    // busy or the machine stopped, counts little: a sender may have been stopped, too, or be about to connect.
    std::int64_t listened(std::int64_t now) noexcept
    {
        listened_ += std::min<std::int64_t>(now - looked_at_, give_up_after_.count() / 4);
        looked_at_ = now;
        return listened_;
    }

    void note_unacknowledged(ack_session& s, std::size_t bytes)
    {
        if (s.unacknowledged == 0 && std::find(unsettled_.begin(), unsettled_.end(), &s) == unsettled_.end())
            unsettled_.push_back(&s);
        s.unacknowledged += bytes;
    }

    std::vector<std::unique_ptr<ack_session>> all_;
    std::vector<ack_session*> unsettled_;
    std::chrono::nanoseconds give_up_after_;
    ack_records records_;
    std::int64_t listened_ = 0;
    std::int64_t looked_at_ = 0;
};

}  // namespace strait::detail

#endif
