// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_HPP
#define STRAIT_HPP

// Everything that needs only Boost's headers and no Asio.

#include <strait/version.hpp>

#endif
