// Distributed under the Boost Software License, Version 1.0.
#include <strait.hpp>

#include <iostream>

struct trade {
    std::uint64_t id;
    double price;
};

template <strait::transport X>
void produce(strait::endpoint where)
{
    strait::sender<trade, X> out{where};
    for (std::uint64_t id = 1; id <= 3; ++id)
        out.send({id, 99.5 + static_cast<double>(id)});
}  // leaving the scope ends the stream

template <strait::transport X>
void consume(strait::endpoint where)
{
    strait::receiver<trade, X> in{where};
    for (trade const& t : in)  // ends when the last sender has left
        std::cout << "trade " << t.id << " at " << t.price << '\n';
}

using mechanism = strait::shm_ring<>;  // or strait::named_pipe, posix_mqueue, unix_stream, tcp

int main(int argc, char**)
{
    argc > 1 ? produce<mechanism>("hello") : consume<mechanism>("hello");
}
