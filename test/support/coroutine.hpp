// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_COROUTINE_HPP
#define SUPPORT_COROUTINE_HPP

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace support {

/// Runs a coroutine to its end; what it throws comes out of here.
template <class Body>
void run(boost::asio::io_context& context, Body body)
{
    boost::asio::co_spawn(context, std::move(body), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
    context.run();
    context.restart();
}

}  // namespace support

#endif
