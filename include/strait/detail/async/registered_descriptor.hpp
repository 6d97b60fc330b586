// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_ASYNC_REGISTERED_DESCRIPTOR_HPP
#define STRAIT_DETAIL_ASYNC_REGISTERED_DESCRIPTOR_HPP

#include <strait/detail/async/asio_service.hpp>
#include <strait/error.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <utility>

namespace strait::detail {

// The descriptor of an end or of an acceptor while Asio has it in its reactor; it is never closed here. Around a fork the
// asio_service releases it, which ends the wait for it: the operation waits anew, and registers it anew, when its handler
// runs. Distinct objects: safe. Shared objects: unsafe.
template <class Executor>
class registered_descriptor final : registration {
public:
    using object_type = boost::asio::posix::basic_stream_descriptor<Executor>;

    registered_descriptor(asio_service& service, Executor const& ex) : service_(service), object_(ex) {}
    registered_descriptor(registered_descriptor const&) = delete;
    registered_descriptor& operator=(registered_descriptor const&) = delete;
    ~registered_descriptor() { reset(); }

    Executor get_executor() { return object_.get_executor(); }
    object_type& object() noexcept { return object_; }

    // Registers this descriptor instead of the one before; -1: none. False: it cannot be waited for.
    bool reset(int fd = -1)
    {
        if (fd == fd_)
            return fd >= 0;
        service_.withdraw(*this);
        release();
        if (fd < 0)
            return false;
        error_code failed;
        object_.assign(fd, failed);
        if (failed)
            return false;
        fd_ = fd;
        service_.enlist(*this);
        return true;
    }

private:
    void release() noexcept override
    {
        if (std::exchange(fd_, -1) >= 0)
            (void)object_.release();
    }

    asio_service& service_;
    object_type object_;
    int fd_ = -1;
};

}  // namespace strait::detail

#endif
