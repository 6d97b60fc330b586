// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_SELECT_OPERATION_HPP
#define STRAIT_DETAIL_ASYNC_SELECT_OPERATION_HPP

#include <strait/error.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

namespace strait::detail {

// Waits for all of them and gives the others up when the first has something. For asio::async_compose().
template <class... In>
struct select_operation {
    std::tuple<In&...> ins;

    template <class Self>
    void operator()(Self& self)
    {
        namespace asio = boost::asio;
        self.reset_cancellation_state(asio::enable_total_cancellation());
        std::apply(
            [&self](In&... in) {
                asio::experimental::make_parallel_group(in.async_wait(asio::deferred)...)
                    .async_wait(asio::experimental::wait_for_one(), std::move(self));
            },
            ins);
    }

    template <class Self, class... Outcome>
    void operator()(Self& self, std::array<std::size_t, sizeof...(In)> order, Outcome const&... outcomes)
    {
        std::array<error_code, sizeof...(In)> const all{outcomes...};
        self.complete(all[order[0]], order[0]);
    }
};

}  // namespace strait::detail

#endif
