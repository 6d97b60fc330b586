// Distributed under the Boost Software License, Version 1.0.
#include "rival_address.hpp"
#include "sizes.hpp"

#include <array>
#include <stdexcept>
#include <string>

#include <unistd.h>
#include <zmq.h>

namespace benchmark {
namespace {

int zmq_checked(int result, char const* what)
{
    if (result < 0)
        throw std::runtime_error(std::string(what) + ": " + zmq_strerror(zmq_errno()));
    return result;
}

// A context with its I/O thread, and a socket of it. What was sent still leaves when they go.
class zmq_end {
public:
    explicit zmq_end(int type) : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type))
    {
        if (!socket_)
            throw std::runtime_error("zmq_socket");
    }
    zmq_end(zmq_end const&) = delete;
    zmq_end& operator=(zmq_end const&) = delete;
    ~zmq_end()
    {
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }

    void* socket() const noexcept { return socket_; }

private:
    void* context_;
    void* socket_;
};

template <bool Tcp>
struct pushing {
    template <std::size_t N>
    struct of {
        static constexpr bool threads = false;

        struct line {
            explicit line(setup const& s)
                : wanted(Tcp ? "tcp://127.0.0.1:*"
                             : "ipc://@strait-benchmark-" + std::to_string(::getpid()) + "-" + std::to_string(s.index))
            {
            }
            std::string wanted;
            rival_address bound;
        };

        struct sender {
            explicit sender(line& l) { zmq_checked(zmq_connect(end.socket(), l.bound.wait().c_str()), "zmq_connect"); }
            void send(std::uint64_t s)
            {
                with_message<N>(ready, s, [&](message<N> const& m) {
                    zmq_checked(zmq_send(end.socket(), m.data(), N, 0), "zmq_send");
                });
            }
            zmq_end end{ZMQ_PUSH};
            messages<N> ready{1};
        };

        struct receiver {
            explicit receiver(line& l)
            {
                zmq_checked(zmq_bind(end.socket(), l.wanted.c_str()), "zmq_bind");
                std::array<char, 256> bound;
                std::size_t size = bound.size();
                zmq_checked(zmq_getsockopt(end.socket(), ZMQ_LAST_ENDPOINT, bound.data(), &size), "ZMQ_LAST_ENDPOINT");
                l.bound.publish(bound.data());
            }
            std::uint64_t receive()
            {
                if (zmq_checked(zmq_recv(end.socket(), ready[0].data(), N, 0), "zmq_recv") != static_cast<int>(N))
                    throw std::runtime_error("a message of another size");
                return sequence_of<N>(ready[0]);
            }
            zmq_end end{ZMQ_PULL};
            messages<N> ready{1};
        };
    };
};

std::vector<benchmark_case> cases()
{
    case_info ipc{
        "rival/zeromq/ipc",
        "rival",
        "unix socket",
        "block",
        "ZeroMQ ipc",
        "PUSH and PULL, zmq_send() and zmq_recv(), default options (1000 messages at each end), one I/O thread, on the "
        "core of its end"};
    ipc.limit = "limit/futex";
    ipc.max_senders = 2;
    case_info tcp = ipc;
    tcp.name = "rival/zeromq/tcp";
    tcp.family = "tcp";
    tcp.title = "ZeroMQ tcp";
    return {sized_case<pushing<false>::of>(ipc), sized_case<pushing<true>::of>(tcp)};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
