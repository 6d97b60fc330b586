// expect: strait: two requests of an rpc_interface have the same name
// Distributed under the Boost Software License, Version 1.0.
#include <strait/rpc.hpp>
#include <strait/transport/shm_ring.hpp>

namespace savings {
struct query {
    int account;
};
}  // namespace savings
namespace loans {
struct query {
    long account;
};
}  // namespace loans
using bank = strait::rpc_interface<int(savings::query), long(loans::query)>;

int ask(strait::rpc_client<bank, strait::shm_ring<>>& c) { return c.call(savings::query{1}); }
