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
struct stored_handler {
    void (*finish)(stored_handler*, bool invoke);
    stored_handler* next = nullptr;

    // All of these are gone then, and have been posted if they are to be called.
    static void finish_all(stored_handler* woken, bool invoke)
    {
        while (woken) {
            stored_handler* const p = std::exchange(woken, woken->next);
            p->finish(p, invoke);
        }
    }

    void link(stored_handler*& woken) noexcept
    {
        next = woken;
        woken = this;
    }
};

template <class Executor, class Handler>
struct stored_handler_of : stored_handler {
    using allocator = typename std::allocator_traits<asio::associated_allocator_t<Handler>>::template rebind_alloc<
        stored_handler_of>;

    stored_handler_of(Executor const& e, Handler&& h) : ex(e), handler(std::move(h)) { this->finish = &end; }

    static stored_handler* make(Executor const& e, Handler&& h)
    {
        allocator a(asio::get_associated_allocator(h));
        stored_handler_of* const p = a.allocate(1);
        return ::new (static_cast<void*>(p)) stored_handler_of(e, std::move(h));
    }

    static void end(stored_handler* base, bool invoke)
    {
        auto* const self = static_cast<stored_handler_of*>(base);
        allocator a(asio::get_associated_allocator(self->handler));
        Executor const ex = self->ex;
        Handler handler(std::move(self->handler));
        self->~stored_handler_of();
        a.deallocate(self, 1);
        if (invoke)
            asio::post(ex, std::move(handler));
    }

    Executor ex;
    Handler handler;
};

}  // namespace strait::detail

#endif
