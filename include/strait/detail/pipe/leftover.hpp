// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_PIPE_LEFTOVER_HPP
#define STRAIT_DETAIL_PIPE_LEFTOVER_HPP

#include <strait/detail/membership/leftover.hpp>

#include <sys/stat.h>

namespace strait::detail {

inline constexpr char fifo_suffix[] = ".fifo";

struct fifo_leftover {
    static error_code remove(int, location const& where)
    {
        return remove_file(where, fifo_suffix, S_IFIFO);
    }
};
static_assert(leftover<fifo_leftover>);

}  // namespace strait::detail

#endif
