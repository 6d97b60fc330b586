// expect: at most 64
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <string>

struct eight {
    std::string a, b, c, d, e, f, g, h;
};
struct sixty_five {
    eight a, b, c, d, e, f, g, h;
    eight a1, b1, c1, d1, e1, f1, g1, h1, a2, b2, c2, d2, e2, f2, g2, h2, a3, b3, c3, d3, e3, f3, g3, h3;
    eight a4, b4, c4, d4, e4, f4, g4, h4, a5, b5, c5, d5, e5, f5, g5, h5, a6, b6, c6, d6, e6, f6, g6, h6;
    eight a7, b7, c7, d7, e7, f7, g7, h7, i7;
};

static_assert(strait::detail::require_serializable<sixty_five>());
