// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_ENDPOINT_HPP
#define STRAIT_ENDPOINT_HPP

#include <strait/error.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace strait {

/// Where a channel is: one of
///
/// * a name, `trades`: 1 to 64 of `A-Z a-z 0-9 . _ -`, not starting with a dot; private to this user on this host;
/// * an absolute path, `/srv/feed/trades`: for channels between users, in a directory whose modes you choose;
/// * an address, `host:port`, `[v6]:port` or `:port` (every interface), for transports that cross hosts.
///
/// Distinct objects: safe. Shared objects: safe, it never changes.
class endpoint {
public:
    /// Which of the three forms it has.
    enum class kind : std::uint8_t {
        name,     ///< `trades`
        path,     ///< `/srv/feed/trades`
        address,  ///< `host:port`
    };

    /// Bytes of the longest name, or last component of a path.
    static constexpr std::size_t max_name = 64;

    /// From its text. Throws boost::system::system_error with errc::invalid_endpoint; parse() returns that error.
    template <std::convertible_to<std::string_view> S>
    endpoint(S const& text)
    {
        if (!assign(text))
            detail::raise(errc::invalid_endpoint);
    }

    /// Makes an endpoint from its text, or returns errc::invalid_endpoint.
    template <std::convertible_to<std::string_view> S>
    [[nodiscard]] static result<endpoint> parse(S const& text)
    {
        endpoint e;
        if (!e.assign(text))
            return errc::invalid_endpoint;
        return e;
    }

    /// Which of the three forms it has.
    kind what() const noexcept { return kind_; }
    /// Whether it is `host:port`.
    bool is_address() const noexcept { return kind_ == kind::address; }

    /// The name, the path, or the address as it was given.
    std::string const& text() const noexcept { return text_; }

    /// Of an address: the host without brackets; empty means every interface. Empty for the other kinds.
    std::string const& host() const noexcept { return host_; }

    /// Of an address: the port; 0 asks the kernel to choose one.
    std::uint16_t port() const noexcept { return port_; }

    friend bool operator==(endpoint const&, endpoint const&) = default;

private:
    endpoint() = default;

    bool assign(std::string_view text)
    {
        kind_ = is_path(text) ? kind::path : is_name(text) ? kind::name : kind::address;
        text_ = text;
        return kind_ != kind::address || assign_address(text);
    }

    static bool is_name(std::string_view s) noexcept
    {
        if (s.empty() || s.size() > max_name || s.front() == '.')
            return false;
        for (char const c : s)
            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
                return false;
        return true;
    }

    // Only the last component is restricted: it becomes the name of several objects.
    static bool is_path(std::string_view s) noexcept
    {
        return s.size() > 1 && s.front() == '/' && s.find('\0') == s.npos && is_name(s.substr(s.rfind('/') + 1));
    }

    bool assign_address(std::string_view s)
    {
        auto const colon = s.rfind(':');
        if (colon == s.npos)
            return false;
        std::string_view host = s.substr(0, colon);
        std::string_view const digits = s.substr(colon + 1);
        bool const bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
        if (bracketed)
            host = host.substr(1, host.size() - 2);
        else if (host.find_first_of(":[]") != host.npos)
            return false;
        for (char const c : host)
            if (c <= ' ' || c == '/' || c == '\x7f')
                return false;
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port_);
        host_ = host;
        return error == std::errc{} && end == digits.data() + digits.size() && !digits.empty() && host.size() <= 253;
    }

    std::string text_;
    std::string host_;
    std::uint16_t port_ = 0;
    kind kind_ = kind::name;
};

/// Who may use a channel.
enum class access_mode : std::uint8_t {
    owner,     ///< the user who opens it; objects of other users are refused
    group,     ///< the users of its group, too
    everyone,  ///< every user of the host
};

}  // namespace strait

#endif
