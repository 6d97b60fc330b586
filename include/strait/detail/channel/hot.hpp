// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_HOT_HPP
#define STRAIT_DETAIL_CHANNEL_HOT_HPP

// An attribute of functions that a small message goes through. Where the compiler optimises they are inlined, whatever
// it thinks of their size: calls cost up to a third of the instructions. Elsewhere they are not, which would only cost
// time to compile.
#ifdef __OPTIMIZE__
#define STRAIT_HOT gnu::always_inline
#else
#define STRAIT_HOT
#endif

#endif
