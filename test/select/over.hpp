// Distributed under the Boost Software License, Version 1.0.
#ifndef SELECT_OVER_HPP
#define SELECT_OVER_HPP

#include <conformance/subject.hpp>

#include <strait/select.hpp>

#include <cstddef>

namespace selecting {

/// strait::select over one receiver of this subject.
strait::result<strait::selection> over(conformance::subject const& x, strait::deadline until, conformance::receiver& in);

/// Adds a receiver of this subject to those that a selector waits for.
std::size_t add(conformance::subject const& x, strait::selector& all, conformance::receiver& in);

}  // namespace selecting

#endif
