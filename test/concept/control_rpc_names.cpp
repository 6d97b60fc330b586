// control: with a name of its own for one of them
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
using bank = strait::rpc_interface<int(savings::query), strait::rpc_request<"loan", long(loans::query)>>;

int ask(strait::rpc_client<bank, strait::shm_ring<>>& c) { return c.call(savings::query{1}); }
