// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_NO_INOTIFY_HPP
#define SUPPORT_NO_INOTIFY_HPP

#include <support/residue.hpp>

#include <strait/detail/os/descriptor.hpp>

#include <vector>

#include <sys/inotify.h>
#include <unistd.h>

namespace support {

/// Takes every inotify instance that its user can have. For a child process: as root it becomes a user of its own first, whose
/// instances are nobody else's; otherwise ctest keeps the tests apart that count on them.
class no_inotify {
public:
    no_inotify() = default;
    no_inotify(no_inotify const&) = delete;
    no_inotify& operator=(no_inotify const&) = delete;
    /// Such a user does not come again, so its directory of channels goes.
    ~no_inotify()
    {
        if (own_user_)
            ::rmdir(channel_directory("/dev/shm").c_str());
    }

    /// False when this host has so many that they cannot be used up.
    bool take_all()
    {
        auto const user = 10'000U + static_cast<unsigned>(::getpid()) % 50'000U;
        own_user_ = ::geteuid() == 0;
        if (own_user_ && (::setgid(user) != 0 || ::setuid(user) != 0))
            return false;
        for (int i = 0; i != 100'000; ++i) {
            strait::detail::descriptor one(::inotify_init1(IN_CLOEXEC));
            if (!one)
                return !all_.empty();
            all_.push_back(std::move(one));
        }
        return false;
    }

    void give_back() { all_.clear(); }

private:
    bool own_user_ = false;
    std::vector<strait::detail::descriptor> all_;
};

}  // namespace support

#endif
