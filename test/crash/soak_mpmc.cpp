// Distributed under the Boost Software License, Version 1.0.

#include "soak_ring.hpp"

namespace crash {

soaked soak_mpmc_one_size() { return soak_ring<strait::mpmc, support::probe>("shm_ring<mpmc>, one size"); }
soaked soak_mpmc_sizes_vary() { return soak_ring<strait::mpmc, std::string>("shm_ring<mpmc>, sizes vary"); }

}  // namespace crash
