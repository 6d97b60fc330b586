// Distributed under the Boost Software License, Version 1.0.
#include "loop.hpp"

#include <strait/channel.hpp>
#include <strait/transport/named_pipe.hpp>

#include <string>

#include <unistd.h>

// The framing of varying lengths and its two system calls, of which only our side counts.
int main(int argc, char** argv)
{
    strait::endpoint const where{"instructions-" + std::to_string(::getpid())};
    strait::receiver<std::string, strait::named_pipe> in{where};
    strait::sender<std::string, strait::named_pipe> out{where};
    std::string const sent(40, 'x');
    std::string received;
    return loop(argc, argv, [&](std::uint64_t) {
        out.send(sent);
        return in.receive(received) && received.size() == sent.size();
    });
}
