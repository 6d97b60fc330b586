// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_CODE_HPP
#define SUPPORT_CODE_HPP

#include <strait/error.hpp>

namespace support {

/// What a failure of a result was; success is the empty code.
template <class R>
strait::error_code code(R const& r)
{
    return r ? strait::error_code() : r.error();
}

}  // namespace support

#endif
