// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_TRANSPORT_PREFAULTED_HPP
#define STRAIT_TRANSPORT_PREFAULTED_HPP

#include <strait/detail/memory/policy.hpp>
#include <strait/detail/memory/prepared.hpp>

namespace strait {

namespace detail {

// Built from the name of the memory.
template <class Memory>
inline constexpr built_name prefaulted_name = [] {
    built_name n;
    n += "prefaulted<";
    n += Memory::name;
    n += ">";
    return n;
}();

}  // namespace detail

/// Memory of shm_ring, of the kind `Memory`, whose pages are all faulted in when an end opens. So the end takes no page fault
/// in its first round through the ring, and a lack of memory is errc::out_of_memory when it opens. Opening takes longer, about
/// 0.1 ms for each MiB. Each end prepares its own pages, and only if it asks for that: ends with and without it can use one
/// channel. Pages can still be swapped out later, or, of a mapped_file, dropped.
///
///     strait::shm_ring<strait::spsc, strait::adaptive, strait::prefaulted<strait::posix_memory>>
///
/// This is a policy and not an option, because it is known when the program is compiled: other ends pay nothing for it.
template <class Memory>
struct prefaulted {
    static constexpr char const* name = detail::prefaulted_name<Memory>.text;
};

namespace detail {

template <class Memory>
struct ring_memory<prefaulted<Memory>> : prepared_memory<Memory, &fault_in> {};

}  // namespace detail
}  // namespace strait

#endif
