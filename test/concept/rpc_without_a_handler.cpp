// expect: strait: a request of the interface has no handler, or one that does not return its reply
// Distributed under the Boost Software License, Version 1.0.
#include <strait/rpc.hpp>
#include <strait/transport/shm_ring.hpp>

struct query {
    int account;
};
struct transfer {
    int amount;
};
using bank = strait::rpc_interface<int(query), bool(transfer)>;

void serve(strait::rpc_server<bank, strait::shm_ring<>>& s)
{
    s.serve([](query const& q) { return q.account; });
}
