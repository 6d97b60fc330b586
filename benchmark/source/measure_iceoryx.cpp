// Distributed under the Boost Software License, Version 1.0.
#include "sizes.hpp"

#include <cstring>
#include <stdexcept>
#include <string>

#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <sched.h>
#include <unistd.h>

// Needs a running iox-roudi whose pools have chunks for the sizes asked for.
namespace benchmark {
namespace {

using iox_string = iox::capro::IdString_t;

void register_this_process()
{
    std::string const name = "strait-benchmark-" + std::to_string(::getpid());
    iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name.c_str()));
}

/// `InPlace`: 8 bytes are written into the loan and read from the sample; otherwise the message is copied in and out.
template <bool Polled, bool InPlace>
struct publishing {
    template <std::size_t N>
    struct of {
        static constexpr bool threads = false;
        // Below what the pools of the example configuration have: 30 chunks of 1 MiB, 10 of 4 MiB.
        static constexpr std::uint64_t capacity = N <= 65'536 ? 64 : N <= 1'048'576 ? 16 : 4;

        struct line {
            explicit line(setup const& s) : name(std::to_string(::getpid()) + "-" + std::to_string(s.index)) {}
            iox::capro::ServiceDescription service() const
            {
                return {"strait", "benchmark", iox_string(iox::cxx::TruncateToCapacity, name.c_str())};
            }
            std::string name;
        };

        class sender {
        public:
            explicit sender(line& l) : publisher_((register_this_process(), l.service()), options())
            {
                while (!publisher_.hasSubscribers())
                    ::sched_yield();
            }

            void send(std::uint64_t s)
            {
                auto loan = publisher_.loan(N);
                if (loan.has_error()) [[unlikely]]
                    throw std::runtime_error("no chunk to loan: the pools of iox-roudi are too small");
                if constexpr (InPlace)
                    std::memcpy(loan.value(), &s, sizeof(s));
                else
                    with_message<N>(ready_, s, [&](message<N> const& m) { std::memcpy(loan.value(), m.data(), N); });
                publisher_.publish(loan.value());
            }

        private:
            static iox::popo::PublisherOptions options()
            {
                iox::popo::PublisherOptions o;
                o.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
                return o;
            }

            iox::popo::UntypedPublisher publisher_;
            messages<N> ready_{1};
        };

        class receiver {
        public:
            explicit receiver(line& l) : subscriber_((register_this_process(), l.service()), options())
            {
                if (!Polled)
                    waiting_.attachState(subscriber_, iox::popo::SubscriberState::HAS_DATA).or_else([](auto) {
                        throw std::runtime_error("the wait set is full");
                    });
                while (subscriber_.getSubscriptionState() != iox::SubscribeState::SUBSCRIBED)
                    ::sched_yield();
            }

            std::uint64_t receive()
            {
                for (;;) {
                    auto sample = subscriber_.take();
                    if (!sample.has_error()) {
                        std::uint64_t const s = read(sample.value());
                        subscriber_.release(sample.value());
                        return s;
                    }
                    if (sample.get_error() != iox::popo::ChunkReceiveResult::NO_CHUNK_AVAILABLE)
                        throw std::runtime_error("take has failed");
                    if constexpr (!Polled)
                        waiting_.wait();
                }
            }

        private:
            static iox::popo::SubscriberOptions options()
            {
                iox::popo::SubscriberOptions o;
                o.queueCapacity = capacity;
                o.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
                return o;
            }

            std::uint64_t read(void const* from)
            {
                if constexpr (InPlace) {
                    std::uint64_t s;
                    std::memcpy(&s, from, sizeof(s));
                    return s;
                } else {
                    std::memcpy(ready_[0].data(), from, N);
                    return sequence_of<N>(ready_[0]);
                }
            }

            iox::popo::UntypedSubscriber subscriber_;
            iox::popo::WaitSet<> waiting_;
            messages<N> ready_{1};
        };
    };
};

template <bool Polled, bool InPlace>
benchmark_case one(std::string const& name, std::string const& title)
{
    case_info info{"rival/iceoryx/" + name,
                   "rival",
                   "shared memory",
                   Polled ? "spin" : "block",
                   "iceoryx, " + title,
                   std::string("UntypedPublisher and UntypedSubscriber, ") +
                       (InPlace ? "8 bytes of the loan touched" : "copied into a loan and out of the sample") +
                       ", a queue of 64 (16 of 1 MiB, 4 of 4 MiB), the publisher waits when it is full; " +
                       (Polled ? "take() in a loop" : "take(), then a WaitSet")};
    info.limit = Polled ? "limit/cache_line" : "limit/futex";
    return sized_case<publishing<Polled, InPlace>::template of>(info);
}

std::vector<benchmark_case> cases()
{
    return {one<true, false>("copy/spin", "copied, polled"), one<false, false>("copy/block", "copied, WaitSet"),
            one<true, true>("loan/spin/in_place", "loaned, polled"),
            one<false, true>("loan/block/in_place", "loaned, WaitSet")};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
