// Distributed under the Boost Software License, Version 1.0.

#include <conformance/fixture.hpp>
#include <support/child.hpp>
#include <support/shared_page.hpp>

#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace conformance {
namespace {

using support::child;
using support::notes;
using support::shared_page;

void produce(subject const& x, std::string const& where)
{
    text_sender out{x, where};
    for (std::uint64_t i = 0; i != 300; ++i)
        out.send(support::make_text(i));
}

bool consume(subject const& x, std::string const& where)
{
    text_receiver in{x, where};
    support::sequence_checker seen;
    for (auto const& text : in)
        if (!seen.see(text))
            return false;
    return seen.count() == 300 && in.end_reason() == strait::end_reason::left;
}

constexpr char task_variable[] = "STRAIT_TEST_TASK";

child execute(char const* task, std::size_t subject, std::string const& where)
{
    ::setenv(task_variable, (std::string(task) + ' ' + std::to_string(subject) + ' ' + where).c_str(), 1);
    child c = child::executed({"--run_test=forks/an_executed_child_does_its_task", "--log_level=error", "--report_level=no"});
    ::unsetenv(task_variable);
    return c;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(forks)

// Not a test of its own: what the children of the next one execute.
BOOST_AUTO_TEST_CASE(an_executed_child_does_its_task, *boost::unit_test::disabled())
{
    char const* const variable = std::getenv(task_variable);
    if (!variable)
        return;
    std::string const task = variable;
    auto const first = task.find(' ');
    auto const second = task.find(' ', first + 1);
    auto const number = std::stoul(task.substr(first + 1));
    std::string const where = task.substr(second + 1);
    subject const& x = all_subjects()[number];
    if (task.starts_with("produce"))
        produce(x, where);
    else
        BOOST_CHECK(consume(x, where));
}

CONFORMANCE_CASE(executed_programs_meet_by_name, x, reliable)
{
    if (x.between_processes) {
        std::string const where = x.where().text();
        child consumer = execute("consume", x.index, where);
        child producer = execute("produce", x.index, where);
        BOOST_CHECK_EQUAL(producer.wait(), 0);
        BOOST_CHECK_EQUAL(consumer.wait(), 0);
    }
}

CONFORMANCE_CASE(forked_processes_meet_by_name, x, reliable)
{
    if (x.between_processes) {
        std::string const where = x.where().text();
        child producer([&] { produce(x, where); });
        child consumer([&] { return consume(x, where) ? 0 : 1; });
        BOOST_CHECK_EQUAL(producer.wait(), 0);
        BOOST_CHECK_EQUAL(consumer.wait(), 0);
    }
}

CONFORMANCE_CASE(inherited_ends_say_so_and_do_no_harm, x, any_named)
{
    auto const where = x.where();
    std::optional<receiver> in{std::in_place, x, where};
    std::optional<sender> out{std::in_place, x, where};
    exchange_one(*out, *in);
    std::vector<probe> const batch{make_probe(1), make_probe(2), make_probe(3)};
    BOOST_CHECK_EQUAL(out->send_batch(batch), batch.size());
    BOOST_CHECK(in->receive() == batch[0]);  // and the others are read ahead, where the mechanism does
    child copied([&] {
        int wrong = 0;
        wrong += code(out->try_send(make_probe(9))) != errc::inherited_handle;
        wrong += code(out->send_for(make_probe(9), 1ms)) != errc::inherited_handle;
        wrong += thrown_by([&] { out->send(make_probe(9)); }) != errc::inherited_handle;
        wrong += thrown_by([&] { out->claim().commit(); }) != errc::inherited_handle;
        wrong += code(in->try_receive()) != errc::inherited_handle;
        wrong += code(in->receive_for(1ms)) != errc::inherited_handle;
        wrong += thrown_by([&] { (void)in->receive(); }) != errc::inherited_handle;
        wrong += code(in->try_borrow()) != errc::inherited_handle;
        (void)out->stats();
        (void)in->stats();
        (void)out->try_flush();
        (void)out->close();
        (void)in->close();
        auto moved = std::move(*out);
        wrong += code(moved.try_send(make_probe(9))) != errc::inherited_handle &&
                 code(moved.try_send(make_probe(9))) != errc::not_open;
        out.reset();
        in.reset();
        return wrong;
    });
    BOOST_CHECK_EQUAL(copied.wait(), 0);
    BOOST_CHECK(in->receive() == batch[1]);
    BOOST_CHECK(in->receive() == batch[2]);
    exchange_one(*out, *in, 4);
    BOOST_CHECK_EQUAL(code(in->try_receive()), errc::empty);
    BOOST_CHECK_EQUAL(in->stats().messages, 5U);
}

CONFORMANCE_CASE(a_child_that_inherits_ends_keeps_nobody_alive, x, reliable_named)
{
    if (x.between_processes) {
        auto const where = x.where();
        shared_page page;
        child producer([&] {
            sender out{x, where};
            out.send(make_probe(0));
            child grandchild([&] {
                ::prctl(PR_SET_PDEATHSIG, 0);
                page->stage = 1;
                ::pause();
            });
            notes::await(page->stage, 1);
            page->other[0] = static_cast<std::uint64_t>(grandchild.pid());
            page->stage = 2;
            ::pause();
        });
        receiver in{x, where};
        BOOST_CHECK(in.receive() == make_probe(0));
        notes::await(page->stage, 2);
        producer.kill();
        BOOST_CHECK(!in.receive());
        BOOST_CHECK_EQUAL(in.end_reason(), strait::end_reason::died);
        BOOST_CHECK_EQUAL(::kill(static_cast<pid_t>(page->other[0]), SIGKILL), 0);  // it has lived on, an orphan
    }
}

CONFORMANCE_CASE(no_descriptor_of_an_end_leaks_across_exec, x, any_named)
{
    auto const inheritable = [] {
        std::set<int> found;
        for (auto const& entry : std::filesystem::directory_iterator("/proc/self/fd"))
            if (int const flags = ::fcntl(std::stoi(entry.path().filename()), F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0)
                found.insert(std::stoi(entry.path().filename()));
        return found;
    };
    auto const ours = inheritable();  // CTest 3.25 leaves its log open to the tests
    auto const where = x.where();
    receiver in{x, where};
    sender out{x, where};
    exchange_one(out, in);
    for (int const fd : inheritable()) {
        std::error_code ignored;
        auto const target = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored).string();
        BOOST_CHECK_MESSAGE(ours.contains(fd), "leaks " << target);
    }
    if (x.guarantees.nameless) {
        auto const before = support::open_descriptors();
        {
            auto pair = make_pair(x);
            (void)pair;
        }
        BOOST_CHECK_EQUAL(support::open_descriptors(), before);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace conformance
