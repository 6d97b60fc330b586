// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_CODE_HPP
#define SUPPORT_CODE_HPP

#include <strait/error.hpp>

#include <boost/system/system_error.hpp>

namespace support {

/// What a failure of a result was; success is the empty code.
template <class R>
strait::error_code code(R const& r)
{
    return r ? strait::error_code() : r.error();
}

/// The code that a throwing operation throws; success is the empty code.
template <class Operation>
strait::error_code thrown_by(Operation operation)
{
    try {
        operation();
        return {};
    } catch (boost::system::system_error const& e) {
        return e.code();
    }
}

}  // namespace support

#endif
