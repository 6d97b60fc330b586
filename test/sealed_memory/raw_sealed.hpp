// Distributed under the Boost Software License, Version 1.0.
#ifndef SEALED_MEMORY_RAW_SEALED_HPP
#define SEALED_MEMORY_RAW_SEALED_HPP

#include <strait/detail/sealed/protocol.hpp>
#include <strait/transport/sealed_memory.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/// Peers that write what they like into memory that is theirs, and hand over what they like. They use the system calls alone, so
/// that none of the library's checks stands in their way.
namespace raw {

using strait::detail::descriptor;
using strait::detail::sealed_answer;
using strait::detail::sealed_opening;
using strait::detail::sealed_words;
using strait::detail::stream_frame;
using strait::detail::stream_greeting;

inline constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | 0x10;  // F_SEAL_FUTURE_WRITE

inline void require(bool done, char const* what)
{
    if (!done)
        throw std::runtime_error(std::string("cannot ") + what);
}

/// As root: another user from now on, for a process of its own.
inline void become_another_user()
{
    if (::geteuid() != 0)
        return;
    require(::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0, "become another user");
}

/// Memory of an end, mapped for writing.
class memory {
public:
    explicit memory(std::uint64_t bytes, int seals = all_seals, unsigned flags = 0)
        : size_(bytes), fd_(::memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags))
    {
        require(static_cast<bool>(fd_), "make memory");
        require(::ftruncate(fd_.get(), static_cast<::off_t>(bytes)) == 0, "size memory");
        if (bytes != 0 && bytes <= 1 << 20)
            require(::posix_fallocate(fd_.get(), 0, static_cast<::off_t>(bytes)) == 0, "allocate memory");
        if (bytes != 0) {
            at_ = static_cast<std::byte*>(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
            require(at_ != MAP_FAILED, "map memory");
        }
        require(seals == 0 || ::fcntl(fd_.get(), F_ADD_SEALS, seals) == 0, "seal memory");
    }
    memory(memory&& other) noexcept : size_(other.size_), fd_(std::move(other.fd_)), at_(std::exchange(other.at_, nullptr)) {}
    ~memory()
    {
        if (at_)
            ::munmap(at_, size_);
    }

    int fd() const noexcept { return fd_.get(); }
    sealed_words& words() const noexcept { return *reinterpret_cast<sealed_words*>(at_); }
    std::byte* data() const noexcept { return at_ + 4096; }
    std::span<std::byte> all() const noexcept { return {at_, size_}; }

private:
    std::uint64_t size_;
    descriptor fd_;
    std::byte* at_ = nullptr;
};

inline void send_all(int socket, std::span<std::byte const> bytes, std::vector<int> const& handles)
{
    if (handles.empty())
        require(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<::ssize_t>(bytes.size()), "send");
    else
        require(strait::detail::send_with_handles(socket, bytes, handles) == static_cast<::ssize_t>(bytes.size()), "send handles");
}

/// So many doorbells.
inline void ring(int socket, std::size_t times)
{
    std::string const bytes(times, '\0');
    (void)!::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

inline ::sockaddr_un address_of(std::string const& path)
{
    ::sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    return to;
}

/// What came, and the descriptors beside it.
inline std::pair<std::vector<std::byte>, std::vector<descriptor>> read_some(int socket, std::size_t most)
{
    ::pollfd p{socket, POLLIN, 0};
    require(::poll(&p, 1, 10'000) == 1, "wait for the peer");
    std::vector<std::byte> bytes(most);
    std::vector<descriptor> handles;
    handles.reserve(8);
    bool cut = false;
    auto const n = strait::detail::receive_with_handles(socket, bytes, MSG_DONTWAIT, 8, handles, cut);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return {std::move(bytes), std::move(handles)};
}

/// A sender of messages of layout L that does what a test says.
template <strait::message_layout L>
class hostile_sender {
public:
    static constexpr std::uint64_t capacity = 4096;

    explicit hostile_sender(std::string const& socket_path, std::optional<memory> own = {})
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), own_(own ? std::move(*own) : memory(4096 + capacity))
    {
        auto const to = address_of(socket_path);
        require(::connect(socket_.get(), reinterpret_cast<::sockaddr const*>(&to), sizeof to) == 0, "connect");
    }

    /// The greeting with these descriptors and sizes.
    void greet(std::vector<int> const& handles, std::uint64_t said = capacity, std::uint64_t unit = 8)
    {
        struct {
            stream_greeting greeting = stream_greeting::of(L, {}, stream_greeting::sealed);
            sealed_opening opening;
        } all;
        all.opening = {said, unit};
        send_all(socket_.get(), std::as_bytes(std::span(&all, 1)), handles);
    }
    void open() { greet({own_.fd()}); }

    /// The rejection, or none when the receiver has answered with its memory, or has closed.
    std::optional<strait::errc> rejection()
    {
        auto [bytes, handles] = read_some(socket_.get(), sizeof(sealed_answer));
        strait::detail::stream_rejection r;
        if (bytes.size() != sizeof r || !handles.empty())
            return {};
        std::memcpy(&r, bytes.data(), sizeof r);
        return r.reason();
    }
    descriptor answer()
    {
        auto [bytes, handles] = read_some(socket_.get(), sizeof(sealed_answer));
        require(bytes.size() == sizeof(sealed_answer) && handles.size() == 1, "get an answer");
        return std::move(handles.front());
    }

    /// Writes a record at this position, which need not be whole.
    void record(std::uint64_t position, std::uint32_t size, std::uint32_t kind = stream_frame::data)
    {
        stream_frame const f{size, kind};
        std::memcpy(own_.data() + position % capacity, &f, sizeof f);
    }
    void publish(std::uint64_t position) { own_.words().position.store(position); }
    void ring(std::size_t times = 1) { raw::ring(socket_.get(), times); }

    memory& own() noexcept { return own_; }
    int socket() const noexcept { return socket_.get(); }

private:
    descriptor socket_;
    memory own_;
};

/// A receiver that listens at this path and does what a test says.
class hostile_receiver {
public:
    explicit hostile_receiver(std::string const& path, ::mode_t mode = 0600) : path_(path), listens_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        ::unlink(path.c_str());  // of one that was killed
        auto const at = address_of(path);
        require(::bind(listens_.get(), reinterpret_cast<::sockaddr const*>(&at), sizeof at) == 0, "bind");
        require(::chmod(path.c_str(), mode) == 0, "chmod");
        require(::listen(listens_.get(), 8) == 0, "listen");
    }
    ~hostile_receiver() { ::unlink(path_.c_str()); }

    /// The next sender's memory, which it maps for reading.
    void accept()
    {
        for (theirs_.reset(); !theirs_;) {  // one may go before it greets
            ::pollfd p{listens_.get(), POLLIN, 0};
            require(::poll(&p, 1, 10'000) == 1, "wait for a sender");
            socket_ = descriptor(::accept4(listens_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            auto [bytes, handles] = read_some(socket_.get(), sizeof(stream_greeting) + sizeof(sealed_opening));
            if (handles.size() == 1)
                theirs_ = std::move(handles.front());
        }
    }
    void answer(std::vector<int> const& handles, sealed_answer const& said = {})
    {
        send_all(socket_.get(), std::as_bytes(std::span(&said, 1)), handles);
    }
    void answer() { answer({own_.fd()}); }
    void ring(std::size_t times) { raw::ring(socket_.get(), times); }

    memory& own() noexcept { return own_; }
    int theirs() const noexcept { return theirs_.get(); }
    int socket() const noexcept { return socket_.get(); }
    void hang_up() noexcept { socket_.reset(); }

private:
    std::string path_;
    descriptor listens_;
    descriptor socket_;
    descriptor theirs_;
    memory own_{4096};
};

}  // namespace raw

#endif
