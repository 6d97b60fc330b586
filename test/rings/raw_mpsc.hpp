// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_RAW_MPSC_HPP
#define RINGS_RAW_MPSC_HPP

#include <rings/raw_ends.hpp>

#include <string>

// The ends of rings with many senders and one receiver, without the typed facade.
namespace lanes {

using raw::deadline;
using raw::errc;
using raw::file_of;
using raw::layout_of;
using raw::look;
using raw::message_layout;
using raw::patiently;
using raw::receive;
using raw::result;
using raw::send;
using raw::soon;

using ring = strait::shm_ring<strait::mpsc>;
using strait::detail::lanes_header;

template <class T, class X = ring>
using sender = raw::sender<T, X>;
template <class T, class X = ring>
using receiver = raw::receiver<T, X>;
template <class T, class X = ring>
using pair = raw::pair<T, X>;

template <class T>
sender<T> open_sender(std::string const& name, strait::channel_options const& how = {})
{
    return raw::open_sender<T, ring>(name, how);
}
template <class T>
receiver<T> open_receiver(std::string const& name, strait::channel_options const& how = {})
{
    return raw::open_receiver<T, ring>(name, how);
}

template <class T>
auto make_ends(strait::channel_options const& how = {})
{
    return raw::make_ends<T, ring>(how);
}

// The segment as a peer sees it.
class segment : public raw::segment {
public:
    explicit segment(std::string const& name) : raw::segment(name) {}

    static constexpr std::size_t header = 4096;

    std::atomic<std::uint64_t>& opened() const noexcept { return word(header + 8); }
    std::atomic<std::uint64_t>& called() const noexcept { return word(header + 16); }
    std::atomic<std::uint64_t>& head(std::size_t lane) const noexcept { return word(header + 128 + lane * 512); }
    std::atomic<std::uint64_t>& consumed(std::size_t lane) const noexcept { return word(header + 128 + lane * 512 + 128); }
    std::atomic<std::uint64_t>& receiver_sleeps(std::size_t lane) const noexcept { return word(header + 128 + lane * 512 + 256); }
    std::atomic<std::uint64_t>& message(std::size_t lane, std::size_t offset) const noexcept
    {
        std::size_t const first = strait::detail::lanes_data_offset();
        return word(first + lane * ((words() * 8 - first) / lanes_header::most) + offset);
    }
};

}  // namespace lanes

#endif
