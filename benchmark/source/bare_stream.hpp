// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_BENCHMARK_BARE_STREAM_HPP
#define STRAIT_BENCHMARK_BARE_STREAM_HPP

#include "clock.hpp"
#include "contestant.hpp"
#include "shared.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// Pipes and stream sockets in the loops of a good C program: exact reads and writes when one by one, else a buffer of
// 64 KiB at each end.
namespace benchmark {

struct descriptor_pair {
    int read;
    int write;
};

// One with a name, as named_pipe uses: without one each pair of calls takes about 110 ns less, the file's times.
struct bare_pipe {
    static descriptor_pair open()
    {
        std::string const path = "/dev/shm/strait-benchmark-" + std::to_string(::getpid());
        ::unlink(path.c_str());
        checked(::mkfifo(path.c_str(), 0600), "mkfifo");
        int const read = checked(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open");
        int const write = checked(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open");
        ::unlink(path.c_str());
        checked(::fcntl(read, F_SETFL, 0), "fcntl");
        return {read, write};
    }
    static void poll_reading(int fd) { checked(::fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl"); }
    static ssize_t read(int fd, void* to, std::size_t n, bool) { return ::read(fd, to, n); }
    static ssize_t write(int fd, void const* from, std::size_t n) { return ::write(fd, from, n); }
};

struct bare_anonymous_pipe : bare_pipe {
    static descriptor_pair open()
    {
        std::array<int, 2> ends{};
        checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
        return {ends[0], ends[1]};
    }
};

struct bare_socket {
    static void poll_reading(int) {}
    static ssize_t read(int fd, void* to, std::size_t n, bool polled)
    {
        return ::recv(fd, to, n, polled ? MSG_DONTWAIT : 0);
    }
    static ssize_t write(int fd, void const* from, std::size_t n) { return ::send(fd, from, n, MSG_NOSIGNAL); }
};

struct bare_unix_stream : bare_socket {
    static descriptor_pair open()
    {
        std::array<int, 2> ends{};
        checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
        return {ends[0], ends[1]};
    }
};

// Each write is a packet, which a read takes whole or cuts.
struct bare_unix_seqpacket : bare_socket {
    static constexpr bool keeps_packets = true;

    static descriptor_pair open()
    {
        std::array<int, 2> ends{};
        checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
        return {ends[0], ends[1]};
    }
};

// A name at the receiver, as unix_datagram has: a pair would not be full after ten.
struct bare_unix_datagram : bare_socket {
    static constexpr bool keeps_packets = true;

    static descriptor_pair open()
    {
        sockaddr_un where{};  // the kernel chooses an abstract name
        where.sun_family = AF_UNIX;
        auto* const address = reinterpret_cast<sockaddr*>(&where);
        socklen_t size = sizeof(sa_family_t);
        int const read = checked(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
        int const write = checked(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
        checked(::bind(read, address, size), "bind");
        size = sizeof where;
        checked(::getsockname(read, address, &size), "getsockname");
        checked(::connect(write, address, size), "connect");
        return {read, write};
    }
};

// The receiver's buffer is as large as udp asks for.
struct bare_udp : bare_socket {
    static constexpr bool keeps_packets = true;
    static constexpr std::size_t largest_packet = 65'507;
    static constexpr bool loses = true;

    static descriptor_pair open()
    {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const address = reinterpret_cast<sockaddr*>(&where);
        socklen_t size = sizeof(where);
        int const read = checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
        int const write = checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
        int const capacity = 4 << 20;
        checked(::setsockopt(read, SOL_SOCKET, SO_RCVBUF, &capacity, sizeof(capacity)), "SO_RCVBUF");
        checked(::bind(read, address, size), "bind");
        checked(::getsockname(read, address, &size), "getsockname");
        checked(::connect(write, address, size), "connect");
        return {read, write};
    }
};

struct bare_tcp : bare_socket {
    static descriptor_pair open()
    {
        int const listener = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const address = reinterpret_cast<sockaddr*>(&where);
        socklen_t size = sizeof(where);
        checked(::bind(listener, address, size), "bind");
        checked(::listen(listener, 1), "listen");
        checked(::getsockname(listener, address, &size), "getsockname");
        int const write = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
        checked(::connect(write, address, size), "connect");
        int const read = checked(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept4");
        ::close(listener);
        int const on = 1;
        for (int const fd : {read, write})
            checked(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
        return {read, write};
    }
};

/// `Coalesced`: the sender writes when 64 KiB are full, the receiver reads as much. Otherwise a call for each message,
/// or for each batch, of which the receiver again reads 64 KiB.
template <class Mechanism, bool Polled, bool Coalesced, std::size_t N>
struct bare_stream {
    static constexpr bool threads = false;
    static constexpr std::size_t buffer_size = std::size_t{1} << 16;

    // Messages; a packet is at most what the receiver has room for, and what the kernel takes.
    static constexpr std::size_t in_buffer(std::size_t batch)
    {
        if constexpr (requires { Mechanism::largest_packet; })
            return std::max<std::size_t>(1, Mechanism::largest_packet / N);
        else if constexpr (requires { Mechanism::keeps_packets; })
            return std::max<std::size_t>(1, buffer_size / N);
        else
            return std::max(buffer_size / N, std::max<std::size_t>(1, batch));
    }

    // What is still in the sender's buffer counts.
    static constexpr std::size_t window(std::size_t size, std::size_t batch)
    {
        if constexpr (requires { Mechanism::loses; })
            return Coalesced ? 2 * in_buffer(batch) : lossless_window(size, batch);
        else
            return 0;
    }

    struct line {
        explicit line(setup const& s) : ends(Mechanism::open()), batch(s.batch)
        {
            if (Polled)
                Mechanism::poll_reading(ends.read);
        }
        line(line const&) = delete;
        line& operator=(line const&) = delete;
        ~line()
        {
            ::close(ends.read);
            ::close(ends.write);
        }
        descriptor_pair ends;
        std::size_t batch;
    };

    class sender {
    public:
        explicit sender(line& l)
            : fd_(l.ends.write), buffer_(in_buffer(l.batch) * N)
        {
        }

        void send(std::uint64_t s)
        {
            with_message<N>(ready_, s, [&](message<N> const& m) {
                if constexpr (Coalesced)
                    append(m);
                else
                    write(reinterpret_cast<std::byte const*>(m.data()), N);
            });
        }

        void send_batch(std::uint64_t first, std::size_t n)
        {
            for (std::size_t i = 0; i != n; ++i)
                with_message<N>(ready_, first + i, [&](message<N> const& m) { append(m); });
            if constexpr (!Coalesced)
                flush();
        }

        void flush()
        {
            if (used_ != 0)
                write(buffer_.data(), used_);
            used_ = 0;
        }

    private:
        void append(message<N> const& m)
        {
            std::memcpy(buffer_.data() + used_, m.data(), N);
            used_ += N;
            if (used_ == buffer_.size())
                flush();
        }

        void write(std::byte const* from, std::size_t n)
        {
            while (n != 0) {
                auto const some = static_cast<std::size_t>(checked(Mechanism::write(fd_, from, n), "write"));
                from += some;
                n -= some;
            }
        }

        int fd_;
        std::size_t used_ = 0;
        std::vector<std::byte> buffer_;
        messages<N> ready_{1};
    };

    class receiver {
    public:
        explicit receiver(line& l)
            : fd_(l.ends.read), buffered_(Coalesced || l.batch > 1), buffer_(std::max(buffer_size, N))
        {
        }

        std::uint64_t receive()
        {
            if (buffered_)
                return next_buffered();
            auto* const to = reinterpret_cast<std::byte*>(message_[0].data());
            for (std::size_t got = 0; got != N;)
                got += read(to + got, N - got);
            return sequence_of<N>(message_[0]);
        }

        template <class Seen>
        void receive_batch(Seen seen)
        {
            do
                seen(next_buffered());
            while (end_ - begin_ >= N);
        }

    private:
        std::uint64_t next_buffered()
        {
            if (end_ - begin_ < N)
                fill();
            std::byte const* const from = buffer_.data() + begin_;
            begin_ += N;
            if constexpr (N <= largest_made_anew) {
                message<N> m;
                std::memcpy(m.data(), from, N);
                return sequence_of<N>(m);
            } else {
                std::memcpy(message_[0].data(), from, N);
                return sequence_of<N>(message_[0]);
            }
        }

        void fill()
        {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
            while (end_ < N)
                end_ += read(buffer_.data() + end_, buffer_.size() - end_);
        }

        std::size_t read(std::byte* to, std::size_t n)
        {
            for (;;) {
                ssize_t const got = Mechanism::read(fd_, to, n, Polled);
                if (got > 0)
                    return static_cast<std::size_t>(got);
                if (got == 0)
                    throw std::runtime_error("the stream has ended");
                if (!Polled || errno != EAGAIN)
                    checked(got, "read");
            }
        }

        int fd_;
        bool buffered_;
        std::size_t begin_ = 0;
        std::size_t end_ = 0;
        std::vector<std::byte> buffer_;
        messages<N> message_{1};
    };
};

}  // namespace benchmark

#endif
