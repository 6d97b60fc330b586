// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_STORED_HANDLER_HPP
#define STRAIT_DETAIL_ASYNC_STORED_HANDLER_HPP

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

namespace strait::detail {

namespace asio = boost::asio;

// A handler of any type, asleep in memory of its own allocator; those woken together are linked.
struct parked {
    void (*finish)(parked*, bool invoke);
    parked* next = nullptr;

    // All of these are gone then, and have been posted if they are to be called.
    static void finish_all(parked* woken, bool invoke)
    {
        while (woken) {
            parked* const p = std::exchange(woken, woken->next);
            p->finish(p, invoke);
        }
    }

    void link(parked*& woken) noexcept
    {
        next = woken;
        woken = this;
    }
};

template <class Executor, class Handler>
struct parked_handler : parked {
    using allocator = typename std::allocator_traits<asio::associated_allocator_t<Handler>>::template rebind_alloc<
        parked_handler>;

    parked_handler(Executor const& e, Handler&& h) : ex(e), handler(std::move(h)) { this->finish = &end; }

    static parked* make(Executor const& e, Handler&& h)
    {
        allocator a(asio::get_associated_allocator(h));
        parked_handler* const p = a.allocate(1);
        return ::new (static_cast<void*>(p)) parked_handler(e, std::move(h));
    }

    static void end(parked* base, bool invoke)
    {
        auto* const self = static_cast<parked_handler*>(base);
        allocator a(asio::get_associated_allocator(self->handler));
        Executor const ex = self->ex;
        Handler handler(std::move(self->handler));
        self->~parked_handler();
        a.deallocate(self, 1);
        if (invoke)
            asio::post(ex, std::move(handler));
    }

    Executor ex;
    Handler handler;
};

}  // namespace strait::detail

#endif
