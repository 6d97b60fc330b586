// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_WAIT_SLEEP_WORD_HPP
#define STRAIT_DETAIL_WAIT_SLEEP_WORD_HPP

#include <unistd.h>

namespace strait::detail {

// Wakes an end that sleeps in an event loop and not at a futex: by reading a byte from the channel's file, which inotify(7)
// tells whoever watches that file (wait/inotify_watcher.hpp). Reading changes nothing, needs no object beside the channel that could
// be left behind, cannot block, and raises no signal. Only for an end that has said that it sleeps so. A ringer that is
// killed before it rings closes the file, which is told as well.
[[gnu::noinline, gnu::cold]] inline void ring_doorbell(int file) noexcept
{
    char byte;
    (void)!::pread(file, &byte, 1, 0);
}

}  // namespace strait::detail

#endif
