// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_STRAIT_LINE_HPP
#define STRAIT_BENCHMARK_STRAIT_LINE_HPP

#include "contestant.hpp"
#include <strait/channel.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <unistd.h>

// strait through its public face, with default options and a name, as two programs use it.
namespace benchmark {

template <class Channel>
class named_line {
public:
    explicit named_line(setup const& s, typename Channel::options const& how = {})
        : batch(s.batch), how_(how), name_("strait-benchmark-" + std::to_string(::getpid()) + "-" + std::to_string(s.index))
    {
    }
    named_line(named_line const&) = delete;
    named_line& operator=(named_line const&) = delete;
    ~named_line() { (void)Channel::remove(name_); }  // what a killed end has left

    auto sender() const { return typename Channel::sender(name_, how_); }
    auto receiver() const { return typename Channel::receiver(name_, how_); }

    std::size_t batch;

private:
    typename Channel::options how_;
    std::string name_;
};

// Of a transport without names: the ends are made before the processes are, and each takes its own.
template <class Channel>
class nameless_line {
public:
    explicit nameless_line(setup const& s, typename Channel::options const& how = {})
        : batch(s.batch), pair_(Channel::make_pair(how))
    {
    }

    auto sender() { return std::move(pair_).sender(); }
    auto receiver() { return std::move(pair_).receiver(); }

    std::size_t batch;

private:
    typename Channel::pair pair_;
};

template <class Channel>
struct line_of {
    using type = named_line<Channel>;
};

// The value of a result that may be `wanted` for a while: asks again as long as it is.
template <class Try>
auto poll(strait::errc none_yet, Try attempt)
{
    for (;;) {
        auto r = attempt();
        if (r) [[likely]]
            return r;
        if (r.error() != none_yet)
            strait::detail::raise(r.error());
    }
}

/// Messages of one size, copied. `Polled`: the receiver calls try_receive() in a loop, whatever the transport's
/// waiting.
template <class X, bool Polled, std::size_t N>
struct strait_copy {
    static constexpr bool threads = strait::object_transport<X>;
    using channel = strait::channel<message<N>, X>;
    using line = typename line_of<channel>::type;

    static constexpr std::size_t window(std::size_t size, std::size_t batch)
    {
        return X::guarantees.reliable ? 0 : lossless_window(size, batch);
    }

    class sender {
    public:
        explicit sender(line& l) : out_(l.sender()), messages_(l.batch) {}

        void send(std::uint64_t s)
        {
            with_message<N>(messages_, s, [&](message<N> const& m) { out_.send(m); });
        }

        void send_batch(std::uint64_t first, std::size_t n)
        {
            for (std::size_t i = 0; i != n; ++i)
                stamp<N>(messages_[i], first + i);
            std::size_t const sent = out_.send_batch({messages_.data(), n});
            if (sent != n)
                throw std::runtime_error("send_batch has sent " + std::to_string(sent) + " of " + std::to_string(n));
        }

    private:
        typename channel::sender out_;
        messages<N> messages_;
    };

    class receiver {
    public:
        explicit receiver(line& l) : in_(l.receiver()), messages_(l.batch) {}

        std::uint64_t receive()
        {
            if constexpr (N > largest_made_anew) {
                if constexpr (Polled)
                    poll(strait::errc::empty, [&] { return in_.try_receive_batch({messages_.data(), 1}); });
                else if (!in_.receive(messages_[0]))
                    ended();
                return sequence_of<N>(messages_[0]);
            } else if constexpr (Polled) {
                auto const m = poll(strait::errc::empty, [&] { return in_.try_receive(); });
                return sequence_of<N>(*m);
            } else {
                auto m = in_.receive();  // GCC 12 copies a constant one twice more
                return m ? sequence_of<N>(*m) : sequence::torn;
            }
        }

        template <class Seen>
        void receive_batch(Seen seen)
        {
            std::size_t n;
            if constexpr (Polled)
                n = *poll(strait::errc::empty,
                          [&] { return in_.try_receive_batch({messages_.data(), messages_.size()}); });
            else if (n = in_.receive_batch({messages_.data(), messages_.size()}); n == 0)
                ended();
            for (std::size_t i = 0; i != n; ++i)
                seen(sequence_of<N>(messages_[i]));
        }

    private:
        [[noreturn, gnu::cold]] static void ended() { throw std::runtime_error("the stream has ended"); }

        typename channel::receiver in_;
        messages<N> messages_;
    };
};

/// Messages of one size, filled and read where they lie: the first 8 bytes only.
template <class X, std::size_t N>
struct strait_in_place {
    static constexpr bool threads = false;
    using channel = strait::channel<message<N>, X>;
    using line = typename line_of<channel>::type;

    struct sender {
        explicit sender(line& l) : out(l.sender()) {}
        void send(std::uint64_t s)
        {
            auto c = out.claim();
            (*c)[0] = s;
            c.commit();
        }
        typename channel::sender out;
    };

    struct receiver {
        explicit receiver(line& l) : in(l.receiver()) {}
        std::uint64_t receive()
        {
            auto const b = in.borrow();
            if (!b) [[unlikely]]
                throw std::runtime_error("the stream has ended");
            return (*b)[0];
        }
        typename channel::receiver in;
    };
};

// Messages whose size varies, for all the channel knows: a std::string, its first and last 8 bytes stamped.
class stamped_text {
public:
    explicit stamped_text(std::size_t size) : text_(size, 'x') {}

    std::string const& made(std::uint64_t s) noexcept
    {
        text_.replace(0, 8, reinterpret_cast<char const*>(&s), 8);
        text_.replace(text_.size() - 8, 8, reinterpret_cast<char const*>(&s), 8);
        return text_;
    }

    static std::uint64_t sequence_of(std::string_view text) noexcept
    {
        std::uint64_t first;
        std::uint64_t last;
        text.copy(reinterpret_cast<char*>(&first), 8);
        text.substr(text.size() - 8).copy(reinterpret_cast<char*>(&last), 8);
        return first == last ? first : sequence::torn;
    }

private:
    std::string text_;
};

template <class X, bool InPlace>
struct strait_strings {
    static constexpr bool threads = false;
    using channel = strait::channel<std::string, X>;

    static constexpr std::size_t window(std::size_t size, std::size_t batch)
    {
        return X::guarantees.reliable ? 0 : lossless_window(size, batch);
    }

    struct line : line_of<channel>::type {
        explicit line(setup const& s) : line_of<channel>::type(s, options(s.size)), size(s.size) {}
        std::size_t size;

        // Room for as many as a ring of slots of this size would have.
        static typename X::options options(std::size_t size)
        {
            typename X::options how;
            how.max_message_size = size;
            if constexpr (strait::byte_transport<X> && X::guarantees.zero_copy)
                how.capacity = size > 65'536 ? 8 * (size + 8) : 0;
            return how;
        }
    };

    class sender {
    public:
        explicit sender(line& l) : out_(l.sender()), text_(l.size) {}
        void send(std::uint64_t s) { out_.send(text_.made(s)); }

    private:
        typename channel::sender out_;
        stamped_text text_;
    };

    class receiver {
    public:
        explicit receiver(line& l) : in_(l.receiver()) {}
        std::uint64_t receive()
        {
            if constexpr (InPlace) {
                auto const b = in_.borrow();
                if (!b) [[unlikely]]
                    throw std::runtime_error("the stream has ended");
                return stamped_text::sequence_of(*b);
            } else {
                if (!in_.receive(text_)) [[unlikely]]
                    throw std::runtime_error("the stream has ended");
                return stamped_text::sequence_of(text_);
            }
        }

    private:
        typename channel::receiver in_;
        std::string text_;
    };
};

}  // namespace benchmark

#endif
