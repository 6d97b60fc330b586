// Distributed under the Boost Software License, Version 1.0.
#ifndef RINGS_RAW_ENDS_HPP
#define RINGS_RAW_ENDS_HPP

#include <strait/transport/shm_ring.hpp>

#include <support/messages.hpp>
#include <support/names.hpp>
#include <support/residue.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

// The ends of rings without the typed facade, and their segment as a peer sees it.
namespace raw {

using strait::deadline;
using strait::errc;
using strait::message_layout;
using strait::result;

template <class T>
constexpr message_layout layout_of{sizeof(T), alignof(T), sizeof(T)};
template <>
inline constexpr message_layout layout_of<std::string>{0, 1, 1};

// A class between: GCC 12 crashes on an alias of these alias templates.
template <class T, class X>
struct ends {
    using sender = typename X::template sender_end<layout_of<T>>;
    using receiver = typename X::template receiver_end<layout_of<T>>;
};
template <class T, class X>
struct nameless_ends {
    using pair = typename X::template pair<layout_of<T>>;
};

template <class T, class X = strait::shm_ring<>>
using sender = typename ends<T, X>::sender;
template <class T, class X = strait::shm_ring<>>
using receiver = typename ends<T, X>::receiver;
template <class T, class X = strait::shm_ring<>>
using pair = typename nameless_ends<T, X>::pair;

inline deadline soon() { return deadline::after(std::chrono::milliseconds(20)); }
inline deadline patiently() { return deadline::after(std::chrono::seconds(60)); }

template <class Sender, class T>
result<void> send(Sender& s, T const& message, deadline until = patiently())
{
    std::size_t size = sizeof(T);
    void const* from = &message;
    if constexpr (std::is_same_v<T, std::string>) {
        size = message.size();
        from = message.data();
    }
    auto room = s.reserve(size, until);
    if (!room)
        return room.error();
    if (size != 0)
        std::memcpy(room->data(), from, size);
    s.commit(size);
    return s.flush(until);
}

// The next message, which stays where it is.
template <class T, class Receiver>
result<T> look(Receiver& r, deadline until = patiently())
{
    auto bytes = r.peek(until);
    if (!bytes)
        return result<T>{strait::unexpect, bytes.error()};
    T message{};
    if constexpr (std::is_same_v<T, std::string>)
        message.assign(reinterpret_cast<char const*>(bytes->data()), bytes->size());
    else
        std::memcpy(&message, bytes->data(), sizeof(T));
    return message;
}

template <class T, class Receiver>
result<T> receive(Receiver& r, deadline until = patiently())
{
    auto message = look<T>(r, until);
    if (message)
        r.release();
    return message;
}

template <class T, class X = strait::shm_ring<>>
sender<T, X> open_sender(std::string const& name, strait::channel_options const& how = {})
{
    return sender<T, X>::open(name, how, "test").value();
}
template <class T, class X = strait::shm_ring<>>
receiver<T, X> open_receiver(std::string const& name, strait::channel_options const& how = {})
{
    return receiver<T, X>::open(name, how, "test").value();
}

// Both ends of a nameless ring, over one mapping.
template <class T, class X = strait::shm_ring<>>
auto make_ends(strait::channel_options const& how = {})
{
    auto made = pair<T, X>::make(how, "test").value();
    return std::move(made).split().value();
}

inline std::string file_of(std::string const& name, std::string const& root = "/dev/shm")
{
    return support::channel_directory(root) + "/" + name + ".channel";
}

// The whole segment as a peer maps it that keeps no rule; the memory that lies beside the file follows it.
class segment {
public:
    explicit segment(std::string const& name, std::string const& root = "/dev/shm")
    {
        int const fd = ::open(file_of(name, root).c_str(), O_RDWR | O_CLOEXEC);
        struct ::stat found = {};
        if (::fstat(fd, &found) != 0)
            throw std::runtime_error("there is no segment of " + name);
        auto const beside = strait::detail::segment_note::read(fd);
        auto const file_size = static_cast<std::size_t>(found.st_size);
        size_ = file_size + beside.size;
        if (beside.size != 0)
            at_ = static_cast<std::byte*>(::mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        at_ = static_cast<std::byte*>(
            ::mmap(at_, file_size, PROT_READ | PROT_WRITE, MAP_SHARED | (at_ ? MAP_FIXED : 0), fd, 0));
        if (beside.size != 0)
            ::shmat(beside.find(), at_ + file_size, SHM_REMAP);
        ::close(fd);
    }
    segment(segment const&) = delete;
    segment& operator=(segment const&) = delete;
    ~segment() { ::munmap(at_, size_); }

    std::size_t words() const noexcept { return size_ / 8; }
    std::atomic<std::uint64_t>& word(std::size_t offset) const noexcept
    {
        return *std::launder(reinterpret_cast<std::atomic<std::uint64_t>*>(at_ + offset));
    }
    std::atomic<std::uint64_t>& head() const noexcept { return word(4096); }
    std::atomic<std::uint64_t>& consumed() const noexcept { return word(4096 + 128); }
    std::atomic<std::uint64_t>& message(std::size_t offset) const noexcept
    {
        return word(strait::detail::ring_data_offset() + offset);
    }

private:
    std::byte* at_ = nullptr;
    std::size_t size_;
};

}  // namespace raw

#endif
