// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SOCKET_PENDING_CONNECTIONS_HPP
#define STRAIT_DETAIL_SOCKET_PENDING_CONNECTIONS_HPP

#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/socket/listener.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace strait::detail {

// How many connections may have said nothing yet. Of more, the oldest has to go.
inline constexpr std::size_t most_pending = 64;

// Connections whose peers have not said yet who they are, oldest first. Their number is bounded, so that peers that say
// nothing cost bounded memory and descriptors.
template <class Connection>
class pending_connections {
public:
    std::size_t size() const noexcept { return all_.size(); }
    void clear() noexcept { all_.clear(); }

    Connection& add(std::unique_ptr<Connection> c) { return *all_.emplace_back(std::move(c)); }

    template <class Do>
    void for_each(Do what) const
    {
        for (auto const& c : all_)
            what(*c);
    }

    // The connection at this address; null: it is none of these.
    Connection* find(void const* address) const noexcept
    {
        auto const found = where(address);
        return found == all_.end() ? nullptr : found->get();
    }

    // Takes this connection out, if it is one of these.
    std::unique_ptr<Connection> take(Connection const& c)
    {
        auto const found = where(&c);
        if (found == all_.end())
            return nullptr;
        auto taken = std::move(all_[static_cast<std::size_t>(found - all_.begin())]);
        all_.erase(found);
        return taken;
    }

    // The oldest connection, when there are too many; else null. What it has said by now counts: look before it goes.
    Connection* surplus() const noexcept { return all_.size() > most_pending ? all_.front().get() : nullptr; }

private:
    auto where(void const* address) const noexcept
    {
        return std::find_if(all_.begin(), all_.end(), [address](auto const& c) { return c.get() == address; });
    }

    std::vector<std::unique_ptr<Connection>> all_;
};

// How many connections are accepted before the caller looks at its deadline. The listener stays readable for the others.
inline constexpr int most_accepted = 32;

// Accepts connections that have come, and gives each to `add`, which returns an error_code. Returns that error, or why no
// more can be accepted; no error: there may be more. Those that the listener has turned away are counted.
template <listener Listener, class Add>
error_code accept_some(Listener const& from, std::uint64_t& turned_away, Add add)
{
    for (int accepted = 0; accepted != most_accepted; ++accepted) {
        STRAIT_STEP();
        auto come = from.accept();
        if (come) {
            if (error_code const e = add(std::move(come->first), come->second))
                return e;
        }
        else if (come.error() == errc::busy)
            ++turned_away;
        else
            return come.error() == errc::empty ? error_code() : come.error();
    }
    return {};
}

}  // namespace strait::detail

#endif
