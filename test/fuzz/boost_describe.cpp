// Distributed under the Boost Software License, Version 1.0.
// Classes that Boost.Describe knows, also within other messages.
#include <strait/serialization/boost_describe.hpp>

#include "codecs.hpp"

#include <boost/describe/class.hpp>

using namespace fuzz;

namespace {

class identified {
    std::uint64_t id_ = 0;
    BOOST_DESCRIBE_CLASS(identified, (), (), (), (id_))
};

class account : public identified {
public:
    std::map<std::string, double> limits;
    std::string owner;

private:
    std::vector<int> entries_;
    std::optional<bool> open_;
    BOOST_DESCRIBE_CLASS(account, (identified), (limits, owner), (), (entries_, open_))
};

class shelf {  // a few bytes of a message become many of memory
    struct place {
        std::optional<std::array<char, 1 << 16>> content;
    };
    std::vector<place> places_;
    BOOST_DESCRIBE_CLASS(shelf, (), (), (), (places_))
};

struct bank {
    std::vector<account> accounts;
    std::vector<shelf> shelves;
};

}  // namespace

template <>
struct strait::serializer<account> : strait::described<account> {};
template <>
struct strait::serializer<shelf> : strait::described<shelf> {};

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    if (in.byte() % 2 == 0)
        check_decoding<account>(in.rest());
    else
        check_decoding<bank>(in.rest());
}

std::vector<bytes> fuzz::harness::seeds()
{
    account a;
    a.limits = {{"day", 100}, {"month", 1000.5}};
    a.owner = "Ada";
    return {seed_of(0, a), seed_of(0, account()), seed_of(1, bank{{a, {}, a}, {{}, {}}})};
}
