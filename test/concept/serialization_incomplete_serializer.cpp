// expect: strait cannot send this type: specialise strait::serializer for it
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

struct reading {
    int value;
};

template <>
struct strait::serializer<reading> {  // no decode
    static constexpr std::uint64_t fingerprint = 1;
    static std::size_t size(reading const&) { return 4; }
    static void encode(reading const&, std::span<std::byte>) {}
};

static_assert(strait::detail::require_serializable<reading>());
