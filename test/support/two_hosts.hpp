// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_TWO_HOSTS_HPP
#define SUPPORT_TWO_HOSTS_HPP

#include <support/child.hpp>

#include <strait/detail/os/descriptor.hpp>

#include <concepts>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace support {

/// Two hosts joined by a wire, near and far: network name spaces and a pair of veth devices. They go with the processes
/// that are in them.
class two_hosts {
public:
    static constexpr char const* near_address = "10.77.0.1";

    /// Exit statuses of play(), where this kernel or who started us does not let us.
    static constexpr int no_name_spaces = 77, no_wire = 78, no_such_fault = 79;

    /// Calls `near` in a process on the near host; the exit status is what it returns.
    template <std::invocable<two_hosts const&> Near>
    static int play(Near near)
    {
        child host([&] {
            two_hosts hosts;
            int const lack = !hosts.enter() ? no_name_spaces : !hosts.join_them() ? no_wire : 0;
            return lack != 0 ? lack : near(hosts);
        });
        return host.wait();
    }

    /// A process on the far host.
    template <std::invocable Body>
    child far(Body body) const
    {
        return child([&] {
            if (::setns(far_.get(), CLONE_NEWNET) != 0)
                return no_name_spaces;
            return static_cast<int>(body());
        });
    }

    /// A command of ip(8) or tc(8), on the far host.
    bool far_runs(std::string const& command) const
    {
        return far([&] { return runs(command) ? 0 : 1; }).wait() == 0;
    }

    /// Nothing gets through any more, and no end is told.
    bool cut() const { return runs("ip link set near down"); }
    bool mend() const { return runs("ip link set near up"); }

private:
    static bool runs(std::string const& command)
    {
        return std::system(("PATH=$PATH:/usr/sbin:/sbin; " + command + " >/dev/null 2>&1").c_str()) == 0;
    }

    static bool write(char const* file, std::string const& text)
    {
        return static_cast<bool>(std::ofstream(file) << text << std::flush);
    }

    bool enter()
    {
        std::string const user = std::to_string(::geteuid()), group = std::to_string(::getegid());
        if (user != "0" &&
            (::unshare(CLONE_NEWUSER) != 0 || !write("/proc/self/setgroups", "deny") ||
             !write("/proc/self/uid_map", "0 " + user + " 1") || !write("/proc/self/gid_map", "0 " + group + " 1")))
            return false;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // which is lost with other privileges
        if (::unshare(CLONE_NEWNET) != 0)
            return false;
        far_.reset(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        return far_ && ::unshare(CLONE_NEWNET) == 0;
    }

    bool join_them() const
    {
        std::string const far = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(far_.get());
        return runs("ip link add near type veth peer name far netns " + far) &&
               runs("ip address add " + (near_address + std::string("/24")) + " dev near && ip link set near up") &&
               far_runs("ip address add 10.77.0.2/24 dev far && ip link set far up");
    }

    strait::detail::descriptor far_;
};

}  // namespace support

#endif
