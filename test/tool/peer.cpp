// Distributed under the Boost Software License, Version 1.0.
//
// usage: peer TRANSPORT ROLE ENDPOINT [MESSAGES]
// Opens an end, sends so many messages if it is a sender, says "ready", and waits to be killed.
#include <strait/channel.hpp>
#include <strait/receiver.hpp>
#include <strait/sender.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>
#include <strait/transport/sysv_mqueue.hpp>
#include <strait/transport/unix_stream.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include <sys/prctl.h>
#include <csignal>
#include <unistd.h>

namespace tool_peer {

enum class side : std::uint8_t { bid, ask };

struct trade {
    std::uint64_t id;
    double price;
    std::array<char, 4> venue;
    side of;
};

template <class X>
int hold(std::string const& role, std::string const& where, int messages)
{
    auto const wait = [] {
        std::puts("ready");
        std::fflush(stdout);
        for (;;)
            ::pause();
    };
    if (role == "receiver") {
        strait::receiver<trade, X> const in(where, {.capacity = 8});
        wait();
    }
    strait::sender<trade, X> out(where, {.capacity = 8});
    for (int i = 0; i != messages; ++i)
        out.send({static_cast<std::uint64_t>(i), 99.5, {}, side::bid});
    wait();
    return 0;
}

int run(std::string const& transport, std::string const& role, std::string const& where, int messages)
{
    using namespace strait;
    if (transport == "ring")
        return hold<shm_ring<>>(role, where, messages);
    if (transport == "segment")
        return hold<shm_ring<spsc, adaptive, sysv_memory>>(role, where, messages);
    if (transport == "pipe")
        return hold<named_pipe>(role, where, messages);
    if (transport == "posix")
        return hold<posix_mqueue>(role, where, messages);
    if (transport == "sysv")
        return hold<sysv_mqueue>(role, where, messages);
    return hold<unix_stream>(role, where, messages);
}

}  // namespace tool_peer

int main(int argc, char** argv)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        return argc < 4 ? 2 : tool_peer::run(argv[1], argv[2], argv[3], argc > 4 ? std::atoi(argv[4]) : 0);
    } catch (std::exception const& e) {
        std::fprintf(stderr, "peer: %s\n", e.what());
        return 1;
    }
}
