// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/huge_pages.hpp>
#include <strait/transport/mapped_file.hpp>
#include <strait/transport/prefaulted.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/sysv_memory.hpp>

template <class Topology, class Memory>
using over = strait::channel<int, strait::shm_ring<Topology, strait::adaptive, Memory>>;

over<strait::mpsc, strait::mapped_file>::sender in_a_file{"name"};
over<strait::mpmc, strait::huge_pages<strait::sysv_memory>>::receiver in_huge_pages{"name"};
auto pair = over<strait::spsc, strait::prefaulted<strait::huge_pages<strait::posix_memory>>>::make_pair({.capacity = 8});
auto synced = over<strait::spsc, strait::mapped_file>::sync("name");

// Only a file can be written out.
template <class C>
concept syncs = requires(strait::endpoint where) { C::sync(where); };
static_assert(syncs<over<strait::spsc, strait::prefaulted<strait::mapped_file>>>);
static_assert(!syncs<over<strait::spsc, strait::posix_memory>> && !syncs<over<strait::spsc, strait::sysv_memory>>);
