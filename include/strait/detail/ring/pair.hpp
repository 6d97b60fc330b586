// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_PAIR_HPP
#define STRAIT_DETAIL_RING_PAIR_HPP

#include <strait/detail/membership/nameless_pair.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace strait::detail {

// What a topology of a ring is made of: guarantees, sender, receiver, geometry, mechanism. Specialised beside each topology.
template <class Topology, waiting_strategy Wait>
struct ring_topology;

// A ring without a name, of which one end or both are still to be taken. Move only.
template <class Geometry, class Sender, class Receiver>
class ring_pair {
public:
    static result<ring_pair> make(channel_options const& how, message_type const& type)
    {
        ring_pair p;
        channel_traits traits;
        if (error_code const e = Geometry::traits(how, type, traits))
            return e;
        if (error_code const e = nameless_pair::make(traits, Geometry::mechanism().mirrored(traits.size), p.inner_))
            return e;
        p.linger_ = how.linger;
        return p;
    }

    result<Sender> sender() && { return std::move(*this).template take<Sender>(role::sender); }
    result<Receiver> receiver() && { return std::move(*this).template take<Receiver>(role::receiver); }

    result<std::pair<Sender, Receiver>> split() &&
    {
        participant members[2];
        Sender s;
        Receiver r;
        if (error_code const e = std::move(inner_).split(members[0], members[1]))
            return e;
        if (error_code const e = s.enter(std::move(members[0]), std::nullopt, linger_))
            return e;
        if (error_code const e = r.enter(std::move(members[1]), std::nullopt, linger_))
            return e;
        return std::pair(std::move(s), std::move(r));
    }

private:
    ring_pair() = default;

    template <class End>
    result<End> take(role r) &&
    {
        End end;
        participant member;
        if (error_code const e = std::move(inner_).take(r, member))
            return e;
        if (error_code const e = end.enter(std::move(member), std::nullopt, linger_))
            return e;
        return end;
    }

    nameless_pair inner_;
    std::chrono::nanoseconds linger_{};
};

}  // namespace strait::detail

#endif
