// expect: strait: a descriptor cannot be appended to an extensible aggregate
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/unix_stream.hpp>
#include <strait/unique_fd.hpp>

struct order {
    int id;
    strait::unique_fd file;
};
template <>
inline constexpr std::size_t strait::extensible<order> = 1;

inline void receive(strait::receiver<order, strait::unix_stream>& in)
{
    (void)in.receive();
}
