// Distributed under the Boost Software License, Version 1.0.
#ifndef CRASH_SOAK_RING_HPP
#define CRASH_SOAK_RING_HPP

#include "points.hpp"

#include "soak.hpp"

#include <rings/raw_ends.hpp>
#include <support/watchdog.hpp>

#include <string>
#include <type_traits>

namespace crash {

// A small ring, so that kills hit waiting ends too.
template <class Topology, class T>
struct ring_medium {
    using ring = strait::shm_ring<Topology>;
    using message = T;

    static constexpr bool in_line = std::is_same_v<Topology, strait::spsc>;
    static constexpr std::size_t senders = in_line ? 1 : 3;
    static constexpr std::size_t receivers = in_line ? 1 : 3;
    static constexpr std::int64_t patience = 60;

    static strait::channel_options options()
    {
        bool const bytes = in_line && std::is_same_v<T, std::string>;
        return {.capacity = bytes ? 4096U : 16U, .max_message_size = bytes ? 0U : 64U << 10};
    }

    class sender {
    public:
        explicit sender(std::string const& name) : end_(raw::sender<T, ring>::open(name, options(), "test").value()) {}
        void send(T const& message) { raw::send(end_, message, strait::deadline::never()).value(); }

    private:
        raw::sender<T, ring> end_;
    };

    class receiver {
    public:
        explicit receiver(std::string const& name) : end_(raw::receiver<T, ring>::open(name, options(), "test").value()) {}

        template <class Note>
        bool receive(T& message, Note note)
        {
            auto got = raw::look<T>(end_, strait::deadline::never());
            if (!got && got.error() == strait::errc::closed)
                return false;
            message = std::move(got).value();
            note(message);
            end_.release();
            return true;
        }

    private:
        raw::receiver<T, ring> end_;
    };

    static void remove(std::string const& name) { ring::remove(name).value(); }
};

template <class Topology, class T>
soaked soak_ring(std::string title)
{
    soaked result;
    result.title = std::move(title);
    for (int i = 0; i != support::rounds(1) && result.wedged == 0; ++i)
        soak<ring_medium<Topology, T>>(result, static_cast<std::uint64_t>(i) + 1).run(support::sanitized ? 30 : 120);
    return result;
}

}  // namespace crash

#endif
