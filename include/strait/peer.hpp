// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_PEER_HPP
#define STRAIT_PEER_HPP

#include <cstdint>

namespace strait {

/// A process at the other end, as the kernel knows it.
struct peer_identity {
    std::int64_t pid = 0;  ///< its process
    std::uint32_t uid = 0;  ///< its effective user
    std::uint32_t gid = 0;  ///< its effective group
};

}  // namespace strait

#endif
