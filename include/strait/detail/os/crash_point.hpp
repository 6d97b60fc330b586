// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_CRASH_POINT_HPP
#define STRAIT_DETAIL_OS_CRASH_POINT_HPP

// Between two effects that other processes can see: here this one may die. Nothing at all, unless a test has defined it
// before, to die there. A macro against the house's rule, because all else costs: a function that tests replace would be
// two definitions of one function, and a variable that they set is read on the hot paths of everybody.
#ifndef STRAIT_CRASH_POINT
#define STRAIT_CRASH_POINT(name) static_cast<void>(0)
#endif

#endif
