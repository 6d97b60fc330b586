// Distributed under the Boost Software License, Version 1.0.
// A server that keeps saying what time it is, and clients that listen once.
#include "../support/over.hpp"

#include <strait.hpp>

#include <chrono>
#include <csignal>
#include <ctime>
#include <iomanip>
#include <thread>

using namespace std::chrono;
using moment = time_point<system_clock, milliseconds>;

volatile std::sig_atomic_t stopped = 0;

// The newest is all that counts: a client that cannot be told now is told at the next tick.
template <strait::transport X>
void serve(std::string const& name)
{
    for (int const signal : {SIGINT, SIGTERM})
        std::signal(signal, [](int) { stopped = 1; });
    strait::sender<moment, X> out{name};
    while (!stopped) {
        auto const told = out.try_send(time_point_cast<milliseconds>(system_clock::now()));
        if (!told && told.error() != strait::errc::full && told.error() != strait::errc::no_receiver)
            throw boost::system::system_error(told.error());
        std::this_thread::sleep_for(10ms);  // the clock ticks
    }
}

template <strait::transport X>
void ask(std::string const& name)
{
    strait::receiver<moment, X> in{name};
    auto const now = in.receive();
    if (!now)
        throw std::runtime_error("the server has left");
    std::time_t const seconds = system_clock::to_time_t(*now);
    auto const age = duration_cast<minutes>(system_clock::now() - *now);
    std::cout << "It is " << std::put_time(std::gmtime(&seconds), "%F %T") << " UTC, told " << age.count() << " minutes ago\n";
}

int main(int argc, char** argv)
{
    using namespace strait;
    return support::over<shm_ring<broadcast<latest>>, shm_ring<broadcast<lossy>>, named_pipe, unix_datagram, unix_stream, tcp>(
        argc, argv, []<transport X>(support::command const& c) {
            std::string const name = c.word(1, "time");
            if (c.word(0) == "serve")
                serve<X>(name);
            else
                ask<X>(name);
            return 0;
        });
}
