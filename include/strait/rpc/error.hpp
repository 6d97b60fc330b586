// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_RPC_ERROR_HPP
#define STRAIT_RPC_ERROR_HPP

#include <strait/error.hpp>

#include <string>
#include <utility>

namespace strait {

/// What a call throws when the server's handler has thrown, or its reply could not be sent: code() is
/// errc::handler_failed, text() the exception's what(), or why the reply could not be sent. Distinct objects: safe.
/// Shared objects: safe for reading.
class rpc_error : public boost::system::system_error {
public:
    /// Clients make these.
    explicit rpc_error(std::string text) : system_error(errc::handler_failed, text), text_(std::move(text)) {}

    /// At most 1,024 bytes of the reason.
    std::string const& text() const noexcept { return text_; }

private:
    std::string text_;
};

}  // namespace strait

#endif
