// Distributed under the Boost Software License, Version 1.0.

#include "soak_ring.hpp"

namespace crash {

soaked soak_spsc_one_size() { return soak_ring<strait::spsc, support::probe>("shm_ring<spsc>, one size"); }
soaked soak_spsc_sizes_vary() { return soak_ring<strait::spsc, std::string>("shm_ring<spsc>, sizes vary"); }

}  // namespace crash
