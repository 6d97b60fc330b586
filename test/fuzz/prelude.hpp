// Distributed under the Boost Software License, Version 1.0.
#ifndef FUZZ_PRELUDE_HPP
#define FUZZ_PRELUDE_HPP

// Precompiled once for all harnesses.

#include <cstdint>

namespace fuzz {

/// Turns of loops over shared memory that the present operation has cost.
inline std::uint64_t steps_made = 0;

}  // namespace fuzz

#define STRAIT_STEP() static_cast<void>(++fuzz::steps_made)

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/membership/membership.hpp>
#include <strait/error.hpp>
#include <strait/result.hpp>
#include <strait/serialization.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#endif
