// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_PRINT_HPP
#define SUPPORT_PRINT_HPP

#include <strait/error.hpp>

#include <ostream>

// How Boost.Test shows our values; it finds these by the namespace.
namespace strait {

inline std::ostream& boost_test_print_type(std::ostream& out, errc e) { return out << make_error_code(e).message(); }

inline std::ostream& boost_test_print_type(std::ostream& out, end_reason r)
{
    return out << (r == end_reason::none ? "none" : r == end_reason::left ? "left" : "died");
}

}  // namespace strait

#endif
