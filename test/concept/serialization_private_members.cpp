// expect: set strait::enable_bitwise if it is trivially copyable and safe to copy byte by byte
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

class price {
public:
    explicit price(long ticks) : ticks_(ticks) {}

private:
    [[maybe_unused]] long ticks_;
};

static_assert(strait::detail::require_serializable<price>());
