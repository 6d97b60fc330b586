// Distributed under the Boost Software License, Version 1.0.
#include "rival_address.hpp"
#include "sizes.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>

#include <netinet/in.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <unistd.h>

namespace benchmark {
namespace {

void nng_checked(int result, char const* what)
{
    if (result != 0)
        throw std::runtime_error(std::string(what) + ": " + nng_strerror(result));
}

class nng_end {
public:
    explicit nng_end(int (*open)(nng_socket*)) { nng_checked(open(&socket_), "nng_open"); }
    nng_end(nng_end const&) = delete;
    nng_end& operator=(nng_end const&) = delete;
    ~nng_end() { nng_close(socket_); }

    nng_socket socket() const noexcept { return socket_; }

private:
    nng_socket socket_;
};

template <bool Tcp>
struct pushing {
    template <std::size_t N>
    struct of {
        static constexpr bool threads = false;

        struct line {
            explicit line(setup const& s)
                : path("/tmp/strait-benchmark-" + std::to_string(::getpid()) + "-" + std::to_string(s.index))
            {
            }
            line(line const&) = delete;
            line& operator=(line const&) = delete;
            ~line()
            {
                if (!Tcp)
                    std::remove(path.c_str());
            }
            std::string path;
            rival_address bound;
        };

        struct sender {
            explicit sender(line& l)
            {
                nng_checked(nng_socket_set_int(end.socket(), NNG_OPT_SENDBUF, 128), "NNG_OPT_SENDBUF");
                nng_checked(nng_dial(end.socket(), l.bound.wait().c_str(), nullptr, 0), "nng_dial");
            }
            void send(std::uint64_t s)
            {
                with_message<N>(ready, s, [&](message<N> const& m) {
                    nng_checked(nng_send(end.socket(), const_cast<std::uint64_t*>(m.data()), N, 0), "nng_send");
                });
            }
            nng_end end{&nng_push0_open};
            messages<N> ready{1};
        };

        struct receiver {
            explicit receiver(line& l)
            {
                nng_checked(nng_socket_set_size(end.socket(), NNG_OPT_RECVMAXSZ, 0), "NNG_OPT_RECVMAXSZ");
                nng_listener at;
                nng_checked(nng_listen(end.socket(), (Tcp ? "tcp://127.0.0.1:0" : "ipc://" + l.path).c_str(), &at, 0),
                            "nng_listen");
                if (Tcp) {
                    nng_sockaddr bound;
                    nng_checked(nng_listener_get_addr(at, NNG_OPT_LOCADDR, &bound), "NNG_OPT_LOCADDR");
                    l.bound.publish("tcp://127.0.0.1:" + std::to_string(ntohs(bound.s_in.sa_port)));
                } else
                    l.bound.publish("ipc://" + l.path);
            }
            std::uint64_t receive()
            {
                std::size_t got = N;
                nng_checked(nng_recv(end.socket(), ready[0].data(), &got, 0), "nng_recv");
                if (got != N)
                    throw std::runtime_error("a message of another size");
                return sequence_of<N>(ready[0]);
            }
            nng_end end{&nng_pull0_open};
            messages<N> ready{1};
        };
    };
};

std::vector<benchmark_case> cases()
{
    case_info ipc{
        "rival/nng/ipc",
        "rival",
        "unix socket",
        "block",
        "nng ipc",
        "push0 and pull0, nng_send() and nng_recv(), 128 messages of NNG_OPT_SENDBUF, no limit of size; its threads on "
        "the core of their end"};
    ipc.limit = "limit/futex";
    ipc.max_senders = 2;
    case_info tcp = ipc;
    tcp.name = "rival/nng/tcp";
    tcp.family = "tcp";
    tcp.title = "nng tcp";
    return {sized_case<pushing<false>::of>(ipc), sized_case<pushing<true>::of>(tcp)};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
