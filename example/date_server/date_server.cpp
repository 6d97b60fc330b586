// Distributed under the Boost Software License, Version 1.0.
// A server with a process for each client. Clients send formats of strftime(3) and get today's date in them.
#include "../support/over.hpp"
#include "../support/process.hpp"

#include <strait.hpp>

#include <array>
#include <ctime>

template <class X>
using receiver = strait::receiver<std::string, X>;
template <class X>
using sender = strait::sender<std::string, X>;
template <class X>
typename X::options const small{.max_message_size = 256};

// What comes in here is the names of clients. Each gets a handler of its own, at channels of that name.
template <strait::transport X>
void serve(support::command const& command, std::string const& server, int clients)
{
    receiver<X> in{server, small<X>};
    sender<X> open_door{server, small<X>};  // as long as there is a sender, the stream does not end between two clients
    std::vector<support::process> handlers;
    while (clients-- > 0)
        handlers.emplace_back(command, std::vector<std::string>{"handle", in.receive().value()});
}

template <strait::transport X>
void handle(std::string const& client)
{
    receiver<X> formats{client + ".formats", small<X>};
    sender<X> answers{client + ".answers", small<X>};
    for (std::string const& format : formats) {  // until the client leaves
        std::time_t const now = std::time(nullptr);
        std::array<char, 256> text{};
        std::size_t const size = std::strftime(text.data(), text.size(), format.c_str(), std::gmtime(&now));
        answers.send(std::string(text.data(), size));
    }
}

template <strait::transport X>
void ask(std::string const& server, std::vector<std::string> const& words)
{
    std::string const me = support::unique_name("client");
    receiver<X> answers{me + ".answers", small<X>};
    sender<X> formats{me + ".formats", small<X>};
    sender<X>{server, small<X>}.send(me);
    for (std::size_t i = 2; i < words.size(); ++i) {
        formats.send(words[i]);
        std::cout << answers.receive().value() << '\n';
    }
}

int main(int argc, char** argv)
{
    using namespace strait;
    return support::over<tcp, unix_stream, named_pipe, posix_mqueue, shm_ring<mpsc>>(
        argc, argv, []<transport X>(support::command const& c) {
            if (c.word(0) == "serve")
                serve<X>(c, c.word(1), std::stoi(c.word(2, "1000")));
            else if (c.word(0) == "handle")
                handle<X>(c.word(1));
            else
                ask<X>(c.word(1), c.words);
            return 0;
        });
}
