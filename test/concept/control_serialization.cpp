// Distributed under the Boost Software License, Version 1.0.
#include <strait/serialization.hpp>

#include <map>
#include <string>
#include <vector>

struct header {
    int version;
    char name[16];
};
struct packet {
    struct header header;
    std::vector<std::string> content;
    std::map<std::string, std::vector<packet>> parts;
};

static_assert(strait::detail::require_serializable<packet>());
