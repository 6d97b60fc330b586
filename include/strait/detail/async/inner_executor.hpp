// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_INNER_EXECUTOR_HPP
#define STRAIT_DETAIL_ASYNC_INNER_EXECUTOR_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

namespace strait::detail {

namespace asio = boost::asio;

// A strand of the user's may be busy, and its other handlers are no matter of ours.
template <class Executor>
asio::any_io_executor without_strand(Executor const& ex)
{
    using io = asio::io_context::executor_type;
    if constexpr (requires { ex.get_inner_executor(); })
        return without_strand(ex.get_inner_executor());
    else if constexpr (requires { ex.template target<asio::strand<io>>(); }) {
        if (auto const* s = ex.template target<asio::strand<io>>())
            return s->get_inner_executor();
        if (auto const* s = ex.template target<asio::strand<asio::any_io_executor>>())
            return without_strand(s->get_inner_executor());
        return ex;
    } else
        return ex;
}

}  // namespace strait::detail

#endif
