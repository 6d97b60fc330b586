// Distributed under the Boost Software License, Version 1.0.
// Ends for the explorer of weak memory. The writers and readers of a topology are those of the library, and so is how they
// sleep and wake. What an end does with them (detail/ring/sender.hpp, detail/ring/receiver.hpp) is repeated here without the
// channel's control file: the same calls in the same order.
#ifndef MODEL_ENDS_HPP
#define MODEL_ENDS_HPP

#include "replaced.hpp"

#include <strait/detail/ring/concepts.hpp>
#include <strait/detail/wait/eventcount.hpp>
#include <strait/detail/wait/wait_for_peer.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace model {

using strait::detail::peer_sleeps;
using strait::detail::wake_peer;

/// Never polls: as an end does for which polling has not paid lately.
struct no_spin {
    static constexpr char const* name = "no_spin";
    static constexpr bool sleeps = true;
    static constexpr std::int64_t spin_nanoseconds = 0;
};

inline void must(strait::error_code e, char const* what)
{
    if (e)
        fail(what);
}

inline strait::detail::waiter impatient_waiter()
{
    strait::detail::waiter w;
    for (int i = 0; w.spin.pays() || i != 3; i += !w.spin.pays())
        w.spin.failed();
    return w;
}

template <class Writer>
class sending {
    static constexpr bool waits = requires(Writer& w) { w.refresh(0); };
    static constexpr bool stages = strait::detail::staging_ring_writer<Writer>;

public:
    template <class View>
    void open(View const& v)
    {
        must(ring.attach(v), "a sender cannot be opened");
        waiter_.fence = strait::detail::asymmetric_fence::attach();
    }

    /// Sends a message of n bytes, which fill(room) writes.
    template <class Fill>
    void send(std::size_t n, Fill fill)
    {
        if (!ring.has_room(n))
            make_room(n);
        fill(ring.room(n));
        ring.commit(n);
        flush();
    }

    void flush()
    {
        if constexpr (stages)
            if (ring.is_staged()) {
                put_staged();
                ring.withdraw();
            }
        if (peer_sleeps(ring.receivers(), waiter_.fence))
            wake_peer(ring.receivers(), -1);
    }

    Writer ring;

private:
    void make_room(std::size_t n)
    {
        expect(!ring.too_large(n), "a message is too large");
        if constexpr (stages)
            if (ring.is_staged())
                put_staged();
        if constexpr (waits) {
            if (!ring.refresh(n))
                wait(n, [&] { return ring.refresh(n); });
        } else {
            fail("a sender that never waits has no room");
        }
    }

    void put_staged()
    {
        if (!ring.put())
            wait(0, [&] { return ring.put(); });
    }

    template <class Ready>
    void wait(std::size_t n, Ready ready)
    {
        if (peer_sleeps(ring.receivers(), waiter_.fence))
            wake_peer(ring.receivers(), -1);
        must(strait::detail::wait_for_peer<no_spin, Writer::pace>(ring.senders(), waiter_, strait::deadline::never(),
                                                                  strait::errc::full, ready,
                                                                  [&](std::int64_t, bool) -> std::optional<strait::error_code> {
                                                                      auto const seen = look(n);
                                                                      if constexpr (stages)
                                                                          if (seen && !*seen && !ready())
                                                                              return {};
                                                                      return seen;
                                                                  }),
             "a sender reports damage where there is none");
    }

    std::optional<strait::error_code> look(std::size_t n)
    {
        if constexpr (requires { ring.reap(0); }) {  // as room_watch of a lossless broadcast ring
            if (auto const seen = ring.inspect(n))
                return seen;
            if (ring.reap(0))
                return ring.inspect(n);
            return {};
        } else {
            return ring.inspect(n);
        }
    }

    strait::detail::waiter waiter_ = impatient_waiter();
};

template <class Reader>
class receiving {
public:
    template <class View>
    void open(View const& v)
    {
        must(ring.attach(v), "a receiver cannot be opened");
        waiter_.fence = strait::detail::asymmetric_fence::attach();
        post();
    }

    /// Receives one message, which use(bytes) reads.
    template <class Use>
    void receive(Use use)
    {
        if (!ring.look())
            await_message();
        if constexpr (requires { ring.take(); } && !requires { ring.dropped(); })
            use_copy();  // the message is ours, so its sender may not write there before we have read it
        if (ring.room_is_due())
            post();
        use(ring.message());
        release();
    }

    void await_message()
    {
        if (!ring.posted())
            post();
        must(strait::detail::wait_for_peer<no_spin, Reader::pace>(
                 ring.receivers(), waiter_, strait::deadline::never(), strait::errc::empty, [&] { return ring.look(); },
                 [&](std::int64_t, bool) { return ring.inspect(); }),
             "a receiver reports damage where there is none");
    }

    void release()
    {
        if (ring.release())
            post();
    }

    void post() { ring.post_and_wake(waiter_.fence, -1); }

    Reader ring;

private:
    strait::detail::waiter waiter_ = impatient_waiter();
};

enum class mortal { no, sender, receiver };

/// One sender and one receiver, of which one may die and has a successor. A sender that may die leaves the last message to that.
template <class View, class Writer, class Reader>
class succession : public program {
public:
    succession(int messages, mortal who) : messages_(messages), mortal_(who) {}

    int threads() const override { return mortal_ == mortal::no ? 2 : 3; }
    bool is_mortal(int i) const override { return (mortal_ == mortal::sender && i == 0) || (mortal_ == mortal::receiver && i == 1); }
    int succeeds(int i) const override { return i != 2 ? -1 : mortal_ == mortal::sender ? 0 : 1; }

    void run(int i) override
    {
        if (i == 0)
            send(sender_[0], 0, mortal_ == mortal::sender ? messages_ - 1 : messages_);
        else if (i == 1)
            receive(receiver_[0], mortal_ == mortal::receiver);
        else if (mortal_ == mortal::sender) {
            sender_[1].open(view_);
            send(sender_[1], messages_ - 1, messages_);
        } else {
            receiver_[1].open(view_);
            receive(receiver_[1], false);
        }
    }

protected:
    void open_both(View const& v)
    {
        view_ = v;
        sender_[0].open(view_);
        receiver_[0].open(view_);
    }

    virtual void send(sending<Writer>& s, int from, int to) = 0;
    /// Until the last message; `first`: it may die, and leaves that to its successor.
    virtual void receive(receiving<Reader>& r, bool first) = 0;

    int const messages_;
    mortal const mortal_;

private:
    View view_{};
    sending<Writer> sender_[2];
    receiving<Reader> receiver_[2];
};

inline std::byte* word_of(std::span<std::byte> room, std::size_t i) { return room.data() + 8 * i; }
inline void* word_of(std::span<std::byte const> message, std::size_t i) { return const_cast<std::byte*>(message.data()) + 8 * i; }

}  // namespace model

#endif
