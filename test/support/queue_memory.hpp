// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_QUEUE_MEMORY_HPP
#define SUPPORT_QUEUE_MEMORY_HPP

#include <boost/test/tree/test_unit.hpp>
#include <boost/test/tree/traverse.hpp>
#include <boost/test/tree/visitor.hpp>
#include <boost/test/unit_test_suite.hpp>

#include <cstddef>
#include <string>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <unistd.h>

namespace support {

/// What the POSIX queues of one test may take of RLIMIT_MSGQUEUE, which counts all queues of a user: four of 10 messages of
/// 8 KiB, and what the kernel adds.
inline bool has_queue_memory()
{
    int made = 0;
    std::string const name = "/strait-test-limit-" + std::to_string(::getpid()) + "-";
    ::mq_attr wanted = {};
    wanted.mq_maxmsg = 10;
    wanted.mq_msgsize = 8192;
    for (; made != 4; ++made) {
        int const queue = ::mq_open((name + std::to_string(made)).c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &wanted);
        if (queue < 0)
            break;
        ::mq_close(queue);
    }
    for (int i = 0; i != made; ++i)
        ::mq_unlink((name + std::to_string(i)).c_str());
    return made == 4;
}

/// Raises that limit as far as this process may, once; privileged processes have none from then on.
inline void raise_queue_limit()
{
    ::rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_MSGQUEUE, &limit) == 0 || ::getrlimit(RLIMIT_MSGQUEUE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_MSGQUEUE, &limit);
}

/// A global fixture: every test or suite whose name says posix_mqueue is skipped, with the reason, where other queues of the
/// user leave too little of the limit and it cannot be raised.
struct queue_limit {
    queue_limit()
    {
        raise_queue_limit();
        named_after_queues all;
        boost::unit_test::traverse_test_tree(boost::unit_test::framework::master_test_suite(), all, true);
    }

private:
    struct named_after_queues : boost::unit_test::test_tree_visitor {
        bool visit(boost::unit_test::test_unit const& unit) override
        {
            if (std::string const name = unit.p_name; name.find("posix_mqueue") != name.npos)
                const_cast<boost::unit_test::test_unit&>(unit).add_precondition([](boost::unit_test::test_unit_id) {
                    boost::test_tools::assertion_result enough(has_queue_memory());
                    if (!enough)
                        enough.message() << "SKIPPED: other queues of this user leave too little of RLIMIT_MSGQUEUE (ulimit -q)";
                    return enough;
                });
            return true;
        }
    };
};

}  // namespace support

#endif
