// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_LISTENING_HPP
#define SUPPORT_LISTENING_HPP

#include <support/watchdog.hpp>

#include <strait/error.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <string>

namespace support {

/// The receiver of raw peers: the bare end of a transport, asked for one message after the other.
template <class X, strait::message_layout L>
struct listening {
    using end = typename X::template receiver_end<L>;

    explicit listening(typename X::options const& how = {}, std::string const& where = "127.0.0.1:0")
        : in(end::open(where, how, "test").value())
    {
    }

    /// Why there is no message, or none is missing and `last` has it.
    strait::error_code next(strait::deadline until)
    {
        auto const m = in.peek(until);
        if (!m)
            return m.error();
        last.assign(reinterpret_cast<char const*>(m->data()), m->size());
        in.release();
        return {};
    }

    watchdog watch;
    end in;
    std::string last;
};

}  // namespace support

#endif
