// Distributed under the Boost Software License, Version 1.0.

#include "soak.hpp"

#include <support/watchdog.hpp>

#include <boost/date_time/posix_time/posix_time_types.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>

#include <cstddef>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace crash {
namespace {

namespace ip = boost::interprocess;

// Boost.Interprocess guards its queue with mutexes in the shared memory. It promises nothing for the case that a process
// dies while it holds one; this is what happens then.
struct queue_medium {
    using message = support::probe;

    static constexpr bool in_line = false;
    static constexpr std::size_t senders = 3;
    static constexpr std::size_t receivers = 3;
    static constexpr std::int64_t patience = 2;

    static std::string name_of(std::string const& name) { return "strait-" + name; }

    // Its mutexes are robust: after the death of an owner each call throws lock_exception, for good.
    template <class Call>
    static auto or_exit(Call call)
    {
        try {
            return call();
        } catch (ip::interprocess_exception const&) {
            ::_exit(1);
        }
    }
    static ip::message_queue open(std::string const& name)
    {
        if (!std::freopen("/dev/null", "w", stderr))  // what it asserts then need not alarm who reads the test's output
            ::_exit(1);
        return or_exit([&] { return ip::message_queue(ip::open_or_create, name_of(name).c_str(), 16, sizeof(message)); });
    }

    class sender {
    public:
        explicit sender(std::string const& name) : queue_(open(name)) {}
        void send(message const& m)
        {
            or_exit([&] { queue_.send(&m, sizeof m, 0); });
        }

    private:
        ip::message_queue queue_;
    };

    class receiver {
    public:
        explicit receiver(std::string const& name) : queue_(open(name)) {}

        template <class Note>
        bool receive(message& m, Note note)
        {
            auto const until = boost::posix_time::microsec_clock::universal_time() + boost::posix_time::milliseconds(50);
            ip::message_queue::size_type size = 0;
            unsigned priority = 0;
            if (!or_exit([&] { return queue_.timed_receive(&m, sizeof m, size, priority, until); }))
                return false;
            note(m);
            return true;
        }

    private:
        ip::message_queue queue_;
    };

    static void remove(std::string const& name) { ip::message_queue::remove(name_of(name).c_str()); }
};

}  // namespace

// Begins anew each time that it is wedged.
soaked soak_message_queue()
{
    soaked result;
    result.title = "boost message_queue, one size";
    for (int i = 0; i != support::rounds(3); ++i)
        soak<queue_medium>(result, static_cast<std::uint64_t>(i) + 1).run(120);
    return result;
}

}  // namespace crash
