// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

// A program that must not be held up asks for it.
template <strait::transport X>
    requires(!X::guarantees.bounded && X::guarantees.delivery == strait::delivery_mode::each_to_all)
void publish(strait::sender<int, X>& out)
{
    out.send(1);
}

template void publish(strait::sender<int, strait::shm_ring<strait::broadcast<strait::lossy>>>&);
template void publish(strait::sender<int, strait::shm_ring<strait::broadcast<strait::latest>>>&);
static_assert(!strait::shm_ring<strait::broadcast<strait::lossless>>::guarantees.pollable);
