// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_HPP
#define STRAIT_RPC_HPP

// Typed requests and their replies. Coroutines: <strait/async_rpc.hpp>.

#include <strait/rpc/client.hpp>
#include <strait/rpc/interface.hpp>
#include <strait/rpc/server.hpp>

#endif
