// Distributed under the Boost Software License, Version 1.0.
#include "strait_cases.hpp"
#include <strait/transport/anonymous_pipe.hpp>

namespace benchmark {

template <class T>
struct line_of<strait::channel<T, strait::anonymous_pipe>> {
    using type = nameless_line<strait::channel<T, strait::anonymous_pipe>>;
};

std::vector<benchmark_case> anonymous_pipe_cases()
{
    return kernel_cases<strait::anonymous_pipe, 4096>("anonymous pipe", "anonymous_pipe");
}

}  // namespace benchmark
