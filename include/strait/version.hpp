// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_VERSION_HPP
#define STRAIT_VERSION_HPP

#include <boost/version.hpp>

// The build system and the packages read the version from these three lines.
#define STRAIT_VERSION_MAJOR 0
#define STRAIT_VERSION_MINOR 1
#define STRAIT_VERSION_PATCH 0

// To compare in the preprocessor: 100 for 0.1.0.
#define STRAIT_VERSION (STRAIT_VERSION_MAJOR * 10000 + STRAIT_VERSION_MINOR * 100 + STRAIT_VERSION_PATCH)

#if __cplusplus < 202002L
#error "strait needs C++20: compile with -std=c++20, or link the CMake target strait::strait."
#endif

// 1.74 has no Boost.PFR, and its headers do not compile with GCC 12 in C++20.
#if BOOST_VERSION < 108100
#error "strait needs Boost 1.81 or newer (libboost1.81-dev on Debian 12, libboost-dev on Debian 13 and Ubuntu 24.04)."
#endif

#endif
