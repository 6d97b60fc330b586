// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_RAW_MPMC_HPP
#define RINGS_RAW_MPMC_HPP

#include <rings/raw_ends.hpp>

#include <string>

// The ends of rings with many senders and receivers, without the typed facade.
namespace many {

using raw::deadline;
using raw::errc;
using raw::file_of;
using raw::layout_of;
using raw::message_layout;
using raw::patiently;
using raw::receive;
using raw::result;
using raw::send;
using raw::soon;

using ring = strait::shm_ring<strait::mpmc>;
using word = strait::detail::mpmc_word;

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

// The segment of a ring of less than 64 places, where the words lie in the order of their positions.
class segment : public raw::segment {
public:
    segment(std::string const& name, std::uint64_t capacity) : raw::segment(name), capacity_(capacity) {}

    std::atomic<std::uint64_t>& ring_word(std::uint64_t place) const noexcept { return message(place * 8); }
    std::atomic<std::uint64_t>& buffer(std::uint64_t offset) const noexcept
    {
        return word(strait::detail::mpmc_buffers_offset(capacity_) + offset);
    }

private:
    std::uint64_t capacity_;
};

}  // namespace many

#endif
