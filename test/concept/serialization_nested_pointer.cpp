// expect: strait cannot send this type: specialise strait::serializer for it, make it an aggregate of supported members
// shows: comment_by_language
// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

struct instrument {
    std::string name;
    std::map<int, std::optional<char const*>> comment_by_language;
};
struct book {
    int id;
    std::vector<instrument> all;
};

static_assert(strait::detail::require_serializable<book>());
