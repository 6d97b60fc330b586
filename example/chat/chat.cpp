// Distributed under the Boost Software License, Version 1.0.
// Two people, a terminal each. What is typed here is read there, line by line.
#include "../support/over.hpp"

#include <strait.hpp>

#include <thread>

constexpr std::size_t longest_line = 1000;

template <strait::transport X>
void chat(std::string const& me, std::string const& you)
{
    typename X::options const lines{.max_message_size = longest_line};
    strait::receiver<std::string, X> in{"chat-to-" + me, lines};
    strait::sender<std::string, X> out{"chat-to-" + you, lines};

    std::jthread listening([&] {  // each end belongs to one thread
        for (std::string const& line : in)
            std::cout << you << ": " << line << std::endl;
        std::cout << you << (in.end_reason() == strait::end_reason::died ? " is gone" : " has left") << std::endl;
    });
    for (std::string line; std::getline(std::cin, line);)
        out.send(line.substr(0, longest_line));
    static_cast<void>(out.close());  // tells the other that nothing more comes; we read on until they have left, too
}

int main(int argc, char** argv)
{
    using namespace strait;
    return support::over<named_pipe, shm_ring<>, posix_mqueue, unix_stream, tcp>(
        argc, argv, []<transport X>(support::command const& c) {
            if (c.words.size() != 2) {
                std::cerr << "usage: chat ME YOU [--transport NAME]\n";
                return 2;
            }
            chat<X>(c.word(0), c.word(1));
            return 0;
        });
}
