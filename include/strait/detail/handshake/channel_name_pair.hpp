// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_HANDSHAKE_CHANNEL_NAME_PAIR_HPP
#define STRAIT_DETAIL_HANDSHAKE_CHANNEL_NAME_PAIR_HPP

#include <strait/detail/membership/location.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/endpoint.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>

namespace strait::detail {

// The names of the two channels of a connection, `bank.0123456789ab.up` and `.down`, which exist as long as it takes to join
// both. The number is drawn at random, so that a process that was stopped long ago finds no other end by an old one.
class channel_name_pair {
public:
    static constexpr std::string_view up_suffix = ".up";
    static constexpr std::string_view down_suffix = ".down";
    static constexpr std::size_t digits = 12;

    // The endpoint of the acceptor has at most 46 bytes, the last component of a path likewise: else name_too_long.
    static result<channel_name_pair> of(endpoint const& acceptor, std::uint64_t number)
    {
        static constexpr char hex[] = "0123456789abcdef";
        std::string base = acceptor.text() + ".";
        for (std::size_t i = digits; i-- != 0;)
            base += hex[(number >> (4 * i)) & 15];
        auto u = endpoint::parse(base + std::string(up_suffix));
        auto d = endpoint::parse(base + std::string(down_suffix));
        if (!u || !d || u->is_address() || d->is_address())
            return errc::name_too_long;
        return channel_name_pair(std::move(*u), std::move(*d));
    }

    static std::uint64_t draw() noexcept
    {
        std::uint64_t n = 0;
        return ::getrandom(&n, sizeof n, 0) == static_cast<::ssize_t>(sizeof n) ? n >> 16 : 0;
    }

    endpoint const& up() const noexcept { return up_; }
    endpoint const& down() const noexcept { return down_; }

    // Removes what acceptors and clients that were killed while they joined have left below `root`. Only the one acceptor
    // of this endpoint may do that.
    template <class Remove>
    static void sweep(endpoint const& acceptor, std::string_view root, Remove remove)
    {
        location where;
        if (location::find(acceptor, access_mode::everyone, where, root))
            return;
        std::string const path = where.path("");
        auto const slash = path.rfind('/');
        std::string const before = path.substr(slash + 1) + ".";
        descriptor opened(::open(path.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        DIR* const directory = opened ? ::fdopendir(opened.get()) : nullptr;
        if (!directory)
            return;
        (void)opened.release();  // closedir() closes it
        std::string const prefix = acceptor.text().substr(0, acceptor.text().size() - (before.size() - 1));
        std::vector<std::string> found;
        while (auto const* const entry = ::readdir(directory)) {
            STRAIT_STEP();
            std::string_view name = entry->d_name;
            if (!name.starts_with(before) || !name.ends_with(control_file_suffix))
                continue;
            name.remove_suffix(sizeof control_file_suffix - 1);
            std::string_view const rest = name.substr(std::min(name.size(), before.size()));
            if (rest.size() > digits && rest.find_first_not_of("0123456789abcdef") == digits &&
                (rest.substr(digits) == up_suffix || rest.substr(digits) == down_suffix))
                found.push_back(prefix + std::string(name));
        }
        ::closedir(directory);
        for (std::string const& name : found)
            if (auto const e = endpoint::parse(name))
                (void)remove(*e);
    }

private:
    channel_name_pair(endpoint u, endpoint d) : up_(std::move(u)), down_(std::move(d)) {}

    endpoint up_;
    endpoint down_;
};

}  // namespace strait::detail

#endif
