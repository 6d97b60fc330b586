// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_RING_TOPOLOGY_HPP
#define STRAIT_DETAIL_RING_TOPOLOGY_HPP

#include <strait/wait.hpp>

namespace strait::detail {

// The ends of each topology of a ring: guarantees, sender, receiver, geometry, door. Specialised beside each topology.
template <class Topology, waiting_strategy Wait>
struct ring_topology;

}  // namespace strait::detail

#endif
