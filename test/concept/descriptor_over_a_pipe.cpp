// expect: strait: this message type holds descriptors, which this transport cannot carry
// Distributed under the Boost Software License, Version 1.0.
#include <strait/channel.hpp>
#include <strait/transport/named_pipe.hpp>
#include <strait/unique_fd.hpp>

#include <string>
#include <vector>

struct job {
    std::string name;
    std::vector<strait::unique_fd> inputs;
};

void tell() { strait::sender<job, strait::named_pipe> out{"jobs"}; }
