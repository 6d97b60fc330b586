// Distributed under the Boost Software License, Version 1.0.
#include "bare_stream.hpp"
#include "sizes.hpp"
#include "strait_line.hpp"
#include <strait/async.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>

#include <optional>

// Receivers that wait in an event loop of Boost.Asio. The senders call the kernel themselves, as most programs let them.
namespace benchmark {
namespace {

namespace asio = boost::asio;

// One operation of the loop after the other until `over`.
template <class Over>
void run_until(asio::io_context& loop, Over over)
{
    while (!over()) {
        if (loop.stopped())
            loop.restart();
        loop.run_one();
    }
}

// As a good program with Asio and a stream socket does it: async_read() of a whole message.
template <std::size_t N>
struct by_hand {
    using stream = bare_stream<bare_unix_stream, false, false, N>;
    static constexpr bool threads = false;
    using line = typename stream::line;
    using sender = typename stream::sender;

    class receiver {
    public:
        explicit receiver(line& l) : socket_(loop_, asio::local::stream_protocol(), ::dup(l.ends.read)) {}

        std::uint64_t receive()
        {
            bool over = false;
            boost::system::error_code failed;
            asio::async_read(socket_, asio::buffer(messages_[0]), [&](boost::system::error_code const& e, std::size_t) {
                over = true;
                failed = e;
            });
            run_until(loop_, [&] { return over; });
            if (failed)
                throw broken_channel("async_read: " + failed.message());
            return sequence_of<N>(messages_[0]);
        }

    private:
        asio::io_context loop_{1};
        asio::local::stream_protocol::socket socket_;
        messages<N> messages_{1};
    };
};

template <class X>
struct awaited {
    template <std::size_t N>
    struct of {
        using copied = strait_copy<X, false, N>;
        static constexpr bool threads = false;
        using line = typename copied::line;
        using sender = typename copied::sender;

        class receiver {
        public:
            explicit receiver(line& l) : in_(loop_, l.receiver()) {}

            std::uint64_t receive()
            {
                bool over = false;
                boost::system::error_code failed;
                std::uint64_t seen = sequence::torn;
                in_.async_receive([&](boost::system::error_code const& e, std::optional<message<N>> m) {
                    over = true;
                    failed = e;
                    if (m)
                        seen = sequence_of<N>(*m);
                });
                run_until(loop_, [&] { return over; });
                if (failed)
                    throw broken_channel("async_receive: " + failed.message());
                return seen;
            }

        private:
            asio::io_context loop_{1};
            strait::async_receiver<message<N>, X> in_;
        };
    };
};

std::vector<benchmark_case> cases()
{
    case_info bare{"bare/asio/unix_stream",
                   "bare",
                   "unix socket",
                   "block",
                   "Boost.Asio by hand",
                   "a socketpair; send(2), and async_read() of a whole message in an io_context of one thread"};
    bare.limit = "limit/futex";
    case_info socket{"strait/async/unix_stream",
                     "strait",
                     "unix socket",
                     "block",
                     "strait unix_stream, awaited",
                     "send(), and async_receive() in an io_context of one thread"};
    socket.bare = bare.name;
    socket.limit = bare.limit;
    case_info ring = socket;
    ring.name = "strait/async/shm_ring";
    ring.title = "strait shm_ring, awaited";
    return {sized_case<by_hand, 65'536>(bare), sized_case<awaited<strait::unix_stream>::of, 65'536>(socket),
            sized_case<awaited<strait::shm_ring<>>::of, 65'536>(ring)};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
