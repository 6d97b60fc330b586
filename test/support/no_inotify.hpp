// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_NO_INOTIFY_HPP
#define SUPPORT_NO_INOTIFY_HPP

#include <support/other_user.hpp>

#include <strait/detail/os/descriptor.hpp>

#include <utility>
#include <vector>

#include <sys/inotify.h>

namespace support {

/// Takes every inotify instance that its user can have. For a child process: as root it becomes a user of its own first, whose
/// instances no other process has; otherwise ctest keeps the tests apart that count on them.
class no_inotify {
public:
    /// False when this host has so many that they cannot be used up.
    bool take_all(other_user const& user)
    {
        if (!user.become())
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
    std::vector<strait::detail::descriptor> all_;
};

}  // namespace support

#endif
