// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_ENDS_OF_HPP
#define RINGS_ENDS_OF_HPP

#include "ends.hpp"

#include <array>

// Ends of given transports and layouts behind the interfaces of ends.hpp.
namespace rings {

template <class E>
class sender_of final : public sender_interface {
public:
    explicit sender_of(E&& end) : end_(std::move(end)) {}
    std::unique_ptr<sender_interface> moved() override { return std::make_unique<sender_of>(std::move(end_)); }
    void assign(sender_interface& from) override { end_ = std::move(dynamic_cast<sender_of&>(from).end_); }
    result<std::span<std::byte>> reserve(std::size_t size, deadline until) override { return end_.reserve(size, until); }
    void commit(std::size_t used) override { end_.commit(used); }
    result<void> flush(deadline until) override { return end_.flush(until); }
    result<void> close(deadline until) override { return end_.close(until); }
    strait::channel_stats stats() const override { return end_.stats(); }

private:
    E end_;
};

template <class E>
class receiver_of final : public receiver_interface {
public:
    explicit receiver_of(E&& end) : end_(std::move(end)) {}
    std::unique_ptr<receiver_interface> moved() override { return std::make_unique<receiver_of>(std::move(end_)); }
    void assign(receiver_interface& from) override { end_ = std::move(dynamic_cast<receiver_of&>(from).end_); }
    result<std::span<std::byte const>> peek(deadline until) override { return end_.peek(until); }
    void release() override { end_.release(); }
    bool has_message() const override
    {
        if constexpr (requires { end_.has_message(); })
            return end_.has_message();
        else
            return true;
    }
    strait::end_reason ended() const override { return end_.ended(); }
    result<void> close(deadline until) override { return end_.close(until); }
    strait::channel_stats stats() const override { return end_.stats(); }

private:
    E end_;
};

template <class E>
sender erased_sender(E&& end)
{
    return sender(std::make_unique<sender_of<E>>(std::move(end)));
}
template <class E>
receiver erased_receiver(E&& end)
{
    return receiver(std::make_unique<receiver_of<E>>(std::move(end)));
}

template <class E>
result<sender> erased_sender(result<E>&& end)
{
    if (!end)
        return end.error();
    return erased_sender(std::move(*end));
}
template <class E>
result<receiver> erased_receiver(result<E>&& end)
{
    if (!end)
        return end.error();
    return erased_receiver(std::move(*end));
}

template <class P>
class pair_of final : public pair_interface {
public:
    explicit pair_of(P&& both) : pair_(std::move(both)) {}
    result<rings::sender> take_sender() override { return erased_sender(std::move(pair_).sender()); }
    result<rings::receiver> take_receiver() override { return erased_receiver(std::move(pair_).receiver()); }
    result<std::pair<rings::sender, rings::receiver>> split() override
    {
        auto ends = std::move(pair_).split();
        if (!ends)
            return ends.error();
        return std::pair(erased_sender(std::move(ends->first)), erased_receiver(std::move(ends->second)));
    }

private:
    P pair_;
};

/// A layout whose ends are opened by name only. Pairs are compiled only where a test needs them.
template <message_layout L>
struct by_name {};

template <message_layout L>
struct also_pairs {};

template <class X, message_layout L>
constexpr maker make_maker(by_name<L>)
{
    return {L,
            [](std::string const& where, channel_options const& how) {
                return erased_sender(X::template sender_end<L>::open(where, how, "test"));
            },
            [](std::string const& where, channel_options const& how) {
                return erased_receiver(X::template receiver_end<L>::open(where, how, "test"));
            },
            nullptr};
}

template <class X, message_layout L>
constexpr maker make_maker(also_pairs<L>)
{
    maker m = make_maker<X>(by_name<L>());
    m.make_pair = [](channel_options const& how) -> result<pair> {
        using P = typename X::template pair<L>;
        auto made = P::make(how, "test");
        if (!made)
            return made.error();
        return pair(std::make_unique<pair_of<P>>(std::move(*made)));
    };
    return m;
}

/// What makes the ends of transport X; each of `Layouts` is a by_name or an also_pairs.
template <class X, class... Layouts>
std::span<maker const> makers_for()
{
    static constexpr std::array all{make_maker<X>(Layouts())...};
    return all;
}

}  // namespace rings

#endif
