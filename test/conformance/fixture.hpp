// Distributed under the Boost Software License, Version 1.0.
#ifndef CONFORMANCE_FIXTURE_HPP
#define CONFORMANCE_FIXTURE_HPP

#include <conformance/subject.hpp>
#include <support/code.hpp>
#include <support/messages.hpp>
#include <support/print.hpp>
#include <support/residue.hpp>
#include <support/segments.hpp>
#include <support/watchdog.hpp>
#include <support/thread_prepared_for_stops.hpp>

#include <strait/detail/wait/thread_watcher.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace conformance {

using namespace std::chrono_literals;
using strait::errc;
using support::code;
using support::make_message;
using support::make_probe;
using support::probe;
using support::thrown_by;

/// Every test of the suite starts from this: it ends when it hangs, and it must leave nothing behind.
class clean_host {
public:
    clean_host() : descriptors_(support::open_descriptors()), threads_(support::running_threads()) {}

    ~clean_host()
    {
        BOOST_CHECK_EQUAL(support::open_descriptors(), descriptors_);
        for (int patience = 100'000; support::running_threads() > threads_ && patience != 0; --patience)
            std::this_thread::yield();  // a thread that was joined may still be on its way out of the kernel
        BOOST_CHECK_EQUAL(support::running_threads(), threads_);
        auto const left = support::leftovers();
        BOOST_CHECK_EQUAL_COLLECTIONS(left.begin(), left.end(), nothing_.begin(), nothing_.end());
        for (auto const& name : left)
            ::unlink(name.c_str());
        BOOST_CHECK_EQUAL(support::segments_left(), 0U);
        support::names_given().clear();
    }

private:
    support::watchdog watch_;
    std::size_t descriptors_;
    std::size_t threads_;
    std::vector<std::string> nothing_;
};

struct clean_host_with_stops : support::thread_prepared_for_stops, clean_host {};

/// Waits until the sender's messages can flow: the first operations may still have to connect both ends. For tests with
/// both ends in one thread, about what comes after that.
template <class T>
void exchange_one(support::any_sender<T>& out, support::any_receiver<T>& in, std::uint64_t sequence = 0)
{
    out.send(make_message<T>(sequence));
    BOOST_REQUIRE(in.receive() == make_message<T>(sequence));
}

/// What the sender holds goes to the kernel; flush() as far as it needs no receiver, which is in the same thread.
template <class T>
bool hand_over(subject const& x, support::any_sender<T>& out)
{
    bool const waits = x.guarantees.committed_when == strait::commit_point::acknowledged;
    auto const flushed = out.flush_for(waits ? std::chrono::nanoseconds(0) : strait::infinite);
    return flushed || (waits && flushed.error() == errc::timed_out);
}

/// Fills the channel with messages from `first` on. Returns the number after the last one accepted.
template <class T>
std::uint64_t fill(support::any_sender<T>& out, std::uint64_t first = 0)
{
    for (;; ++first) {
        auto sent = out.try_send(make_message<T>(first));
        if (!sent) {
            BOOST_CHECK_EQUAL(sent.error(), errc::full);
            sent = out.send_for(make_message<T>(first), 10ms);  // the kernel may still move bytes on and make room
        }
        if (!sent) {
            BOOST_CHECK_EQUAL(sent.error(), errc::timed_out);
            return first;
        }
    }
}

/// Removes a channel under its living ends: its files are deleted, or, where it has none, it is removed by its name.
inline void take_away(subject const& x, strait::endpoint const& where)
{
    if (x.has_objects())
        support::delete_files_of(std::string(where.text()));
    else
        x.probes.remove(where).value();
}

/// Makes a test case for each subject that `fits`.
template <class Test>
class cases_of_subjects : public boost::unit_test::test_unit_generator {
public:
    cases_of_subjects(char const* name, char const* file, std::size_t line, bool (*fits)(subject const&))
        : name_(name), file_(file), line_(line), fits_(fits)
    {
    }

    boost::unit_test::test_unit* next() const override
    {
        auto const all = all_subjects();
        while (at_ != all.size() && !fits_(all[at_]))
            ++at_;
        if (at_ == all.size())
            return nullptr;
        subject const& x = all[at_++];
        return boost::unit_test::make_test_case(
            [&x] {
                Test test;
                test(x);
            },
            name_ + std::string(" over ") + x.name, file_, line_);
    }

private:
    char const* name_;
    char const* file_;
    std::size_t line_;
    bool (*fits_)(subject const&);
    mutable std::size_t at_ = 0;
};

}  // namespace conformance

/// A test over each subject `x` that `fits`: a function of subject.hpp. Its fixture is `host`.
#define CONFORMANCE_CASE_ON(host, name, x, fits)                                                                              \
    struct name : host {                                                                                                      \
        void operator()(conformance::subject const& x);                                                                       \
    };                                                                                                                        \
    BOOST_AUTO_TU_REGISTRAR(name)                                                                                             \
    (conformance::cases_of_subjects<name>(#name, __FILE__, __LINE__, fits),                                                   \
     boost::unit_test::decorator::collector_t::instance());                                                                   \
    void name::operator()([[maybe_unused]] conformance::subject const& x)

#define CONFORMANCE_CASE(name, x, fits) CONFORMANCE_CASE_ON(conformance::clean_host, name, x, fits)

#endif
