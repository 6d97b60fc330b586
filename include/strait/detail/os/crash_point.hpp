// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_CRASH_POINT_HPP
#define STRAIT_DETAIL_OS_CRASH_POINT_HPP

// Marks a place between two effects that other processes can see, where a test can let this process die. It expands to
// nothing unless a test has defined it before this header. It is a macro, although headers here have none, because
// anything else costs: a function that tests replace would be two definitions of one function, and a variable that they
// set would be read on hot paths.
#ifndef STRAIT_CRASH_POINT
#define STRAIT_CRASH_POINT(name) static_cast<void>(0)
#endif

// Marks one turn of a loop that others could keep going, by what they write to shared memory or send, where a test counts: a hostile
// peer must not make an operation take more of them than a fixed number. It expands to nothing unless a test has defined it before this header.
#ifndef STRAIT_STEP
#define STRAIT_STEP() static_cast<void>(0)
#endif

#endif
