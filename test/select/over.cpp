// Distributed under the Boost Software License, Version 1.0.

#include <conformance/transports.hpp>
#include <select/over.hpp>
#include <strait/channel.hpp>

#include <array>
#include <tuple>
#include <utility>

namespace selecting {

namespace {

struct functions {
    strait::result<strait::selection> (*select)(strait::deadline, conformance::receiver&);
    std::size_t (*add)(strait::selector&, conformance::receiver&);
};

template <class S>
constexpr functions functions_of()
{
    using receiver = strait::receiver<conformance::probe_of<S>, typename S::transport>;
    return {[](strait::deadline until, conformance::receiver& in) { return strait::select(until, in.as<receiver>()); },
            [](strait::selector& all, conformance::receiver& in) { return all.add(in.as<receiver>()); }};
}

// In the order of their indices.
functions const& functions_for(conformance::subject const& x)
{
    static constexpr auto all = []<std::size_t... I>(std::index_sequence<I...>) {
        return std::array{functions_of<std::tuple_element_t<I, conformance::word_subjects>>()...};
    }(std::make_index_sequence<std::tuple_size_v<conformance::word_subjects>>());
    return all.at(x.index);
}

}  // namespace

strait::result<strait::selection> over(conformance::subject const& x, strait::deadline until,
                                               conformance::receiver& in)
{
    return functions_for(x).select(until, in);
}

std::size_t add(conformance::subject const& x, strait::selector& all, conformance::receiver& in)
{
    return functions_for(x).add(all, in);
}

}  // namespace selecting
