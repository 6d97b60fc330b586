// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_OTHER_USER_HPP
#define SUPPORT_OTHER_USER_HPP

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>
#include <system_error>

#include <grp.h>
#include <unistd.h>

namespace support {

/// A user of this process alone, who need not exist and does not come again. A child process becomes this user; the one that made
/// the object removes the user's directories of channels, which the library does not remove, when the object goes: they
/// must be empty.
class other_user {
public:
    other_user() = default;
    other_user(other_user const&) = delete;
    other_user& operator=(other_user const&) = delete;
    ~other_user()
    {
        if (::geteuid() != 0)
            return;
        for (char const* const root : {"/dev/shm", "/var/tmp"}) {
            auto const directory = std::string(root) + "/strait-" + std::to_string(number_);
            std::error_code e;
            for (auto const& left : std::filesystem::directory_iterator(directory, e))
                BOOST_ERROR("left behind: " + left.path().string());
            std::filesystem::remove_all(directory, e);
        }
    }

    /// As root: this process is that user from now on. False: that is not allowed. Another user stays who it is.
    bool become() const
    {
        return ::geteuid() != 0 || (::setgroups(0, nullptr) == 0 && ::setgid(number_) == 0 && ::setuid(number_) == 0);
    }

private:
    ::uid_t number_ = 10'000U + static_cast<unsigned>(::getpid()) % 50'000U;
};

}  // namespace support

#endif
