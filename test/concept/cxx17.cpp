// expect: strait needs C++20: compile with -std=c++20, or link the CMake target strait::strait.
// flags: -std=c++17
// Distributed under the Boost Software License, Version 1.0.
#include <strait.hpp>
