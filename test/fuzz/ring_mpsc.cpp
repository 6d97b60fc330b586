// Distributed under the Boost Software License, Version 1.0.
#include "rings.hpp"

void fuzz::harness::run(std::span<std::byte const> input) { play_any<strait::mpsc, 3, 1>(input); }
std::vector<fuzz::bytes> fuzz::harness::seeds() { return ring_seeds(); }
