// Distributed under the Boost Software License, Version 1.0.
#ifndef TEST_NAMED_PIPE_ENDS_HPP
#define TEST_NAMED_PIPE_ENDS_HPP

#include <support/child.hpp>
#include <support/clean_host.hpp>
#include <support/messages.hpp>
#include <support/shared_page.hpp>

#include <strait/transport/named_pipe.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pipes {

using namespace std::chrono_literals;
using strait::deadline;
using strait::errc;
using strait::named_pipe;

inline constexpr strait::message_layout numbers{8, 8, 1};
inline constexpr strait::message_layout probes{sizeof(support::probe), 8, 2};
inline constexpr strait::message_layout texts{0, 1, 3};

template <strait::message_layout L>
using sender = named_pipe::sender_end<L>;
template <strait::message_layout L>
using receiver = named_pipe::receiver_end<L>;

template <strait::message_layout L>
sender<L> open_sender(std::string const& name, strait::channel_options const& how = {})
{
    return sender<L>::open(name, how, "test").value();
}

template <strait::message_layout L>
receiver<L> open_receiver(std::string const& name, strait::channel_options const& how = {})
{
    return receiver<L>::open(name, how, "test").value();
}

template <class S>
strait::error_code send(S& out, void const* bytes, std::size_t size, deadline until = deadline::never())
{
    auto room = out.reserve(size, until);
    if (!room)
        return room.error();
    if (size != 0)
        std::memcpy(room->data(), bytes, size);
    out.commit(size);
    auto const flushed = out.flush(until);
    return flushed ? strait::error_code() : flushed.error();
}

template <class S, class T>
strait::error_code send(S& out, T const& value, deadline until = deadline::never())
{
    if constexpr (std::is_convertible_v<T const&, std::string_view>) {
        std::string_view const text(value);
        return send(out, text.data(), text.size(), until);
    } else {
        return send(out, &value, sizeof value, until);
    }
}

// The code of a receive; success fills `value`.
template <class R, class T>
strait::error_code receive(R& in, T& value, deadline until = deadline::never())
{
    auto bytes = in.peek(until);
    if (!bytes)
        return bytes.error();
    if constexpr (std::is_same_v<T, std::string>)
        value.assign(reinterpret_cast<char const*>(bytes->data()), bytes->size());
    else
        std::memcpy(&value, bytes->data(), sizeof value);
    in.release();
    return {};
}

inline std::string fifo_of(std::string const& name) { return support::channel_directory() + "/" + name + ".fifo"; }

}  // namespace pipes

#endif
