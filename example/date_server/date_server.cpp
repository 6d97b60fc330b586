// Distributed under the Boost Software License, Version 1.0.
// A server with a process for each client. Clients send formats of strftime(3) and get today's date in them.
#include "../support/over.hpp"

#include <strait.hpp>
#include <strait/rpc.hpp>

#include <array>
#include <csignal>
#include <ctime>

using calendar = strait::rpc_interface<std::string(std::string)>;

template <strait::transport X>
typename X::options const small{.max_message_size = 512};

template <strait::transport X>
void serve(std::string const& name)
{
    static strait::rpc_server<calendar, X> server{name, small<X>};
    for (int const signal : {SIGINT, SIGTERM})
        std::signal(signal, [](int) { server.stop(); });
    server.serve_forked([](std::string const& format) {
        std::time_t const now = std::time(nullptr);
        std::array<char, 256> text{};
        return std::string(text.data(), std::strftime(text.data(), text.size(), format.c_str(), std::gmtime(&now)));
    });
}

template <strait::transport X>
void ask(std::string const& name, std::vector<std::string> const& words)
{
    strait::rpc_client<calendar, X> server{name, small<X>};
    for (std::size_t i = 2; i < words.size(); ++i)
        std::cout << server.call(words[i]) << '\n';
}

int main(int argc, char** argv)
{
    using namespace strait;
    return support::over<tcp, unix_stream, named_pipe, shm_ring<>, shm_ring<mpsc>>(
        argc, argv, []<transport X>(support::command const& c) {
            if (c.word(0) == "serve")
                serve<X>(c.word(1));
            else
                ask<X>(c.word(1), c.words);
            return 0;
        });
}
