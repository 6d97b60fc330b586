// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_OS_ATOMIC_HPP
#define STRAIT_DETAIL_OS_ATOMIC_HPP

#include <atomic>

// The atomics and fences of what lies in shared memory and is waited for: rings, lanes, words, broadcast, sleep words. They
// are those of std. They have a name of their own, so that test/model/ can put another type in their place, which explores
// what the memory model allows: it defines the guard of this header and gives these names itself. The fences are
// called with their namespace, else a call would find those of std as well.
namespace strait::detail {

using std::atomic;
using std::atomic_signal_fence;
using std::atomic_thread_fence;

}  // namespace strait::detail

#endif
