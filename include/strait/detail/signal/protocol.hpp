// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SIGNAL_PROTOCOL_HPP
#define STRAIT_DETAIL_SIGNAL_PROTOCOL_HPP

#include <strait/detail/membership/participant.hpp>
#include <strait/detail/wait/eventcount.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <signal.h>
#include <sys/signalfd.h>

// What a signal carries. If si_code is negative the kernel hands on all these fields as the sender wrote them, and
// signalfd(2) shows them. So any process that may send signals to the receiver can write them.
namespace strait::detail {

inline constexpr std::size_t signal_payload = 8;

struct signal_frame {
    // Values of si_code without a meaning to the kernel: -6 (SI_TKILL) would be refused, and -2 and -5 have other
    // fields.
    static constexpr std::int32_t data = -0x7374;
    static constexpr std::int32_t end = -0x7375;  // makes the receiver look at the control file, because a sender has left

    std::int32_t code = data;    // si_code
    std::uint32_t sequence = 0;  // si_errno: the number in the stream, from 0
    std::uint32_t stream = 0;    // si_pid: the sender's stream; its lowest 8 bits are the sender's place
    std::uint32_t cookie = 0;    // si_uid: the receiver that it is meant for
    std::byte payload[signal_payload] = {};

    static signal_frame of(::signalfd_siginfo const& s) noexcept
    {
        signal_frame f{s.ssi_code, static_cast<std::uint32_t>(s.ssi_errno), s.ssi_pid, s.ssi_uid, {}};
        std::memcpy(f.payload, &s.ssi_ptr, sizeof f.payload);
        return f;
    }

    ::siginfo_t info(int number) const noexcept
    {
        ::siginfo_t s;
        std::memset(&s, 0, sizeof s);
        s.si_signo = number;
        s.si_errno = static_cast<int>(sequence);
        s.si_code = code;
        s.si_pid = static_cast<::pid_t>(stream);
        s.si_uid = cookie;
        std::memcpy(&s.si_value, payload, sizeof payload);
        return s;
    }
};
static_assert(sizeof(::sigval) == signal_payload, "strait needs pointers of 64 bits: a signal carries one");

// Which thread is the receiver, in the control file's mechanism[]: 0 process u32, thread u32; 1 start; 2 number u32,
// cookie u32. `start` tells it from a later thread of the same number: clock ticks since boot, of
// /proc/PID/task/TID/stat.
struct signal_address {
    std::uint64_t thread = 0;  // 0: there is no receiver
    std::uint64_t start = 0;
    std::uint64_t line = 0;  // changes with each receiver

    ::pid_t process() const noexcept { return static_cast<::pid_t>(thread >> 32); }
    ::pid_t tid() const noexcept { return static_cast<::pid_t>(thread & 0xffff'ffffU); }
    int number() const noexcept { return static_cast<int>(line >> 32); }
    std::uint32_t cookie() const noexcept { return static_cast<std::uint32_t>(line); }

    static std::uint64_t pair(std::uint64_t high, std::uint64_t low) noexcept
    {
        return high << 32 | (low & 0xffff'ffffU);
    }

    // Called by its receiver. If it is killed in between, no receiver is published.
    void publish(control_block& block) const noexcept
    {
        auto& words = block.mechanism;
        words[0].store(0, std::memory_order_relaxed);
        words[2].store(line, std::memory_order_release);
        words[1].store(start, std::memory_order_release);
        words[0].store(thread, std::memory_order_release);  // pairs with read()
    }

    static signal_address read(control_block const& block) noexcept
    {
        auto const& words = block.mechanism;
        signal_address a;
        a.thread = words[0].load(std::memory_order_acquire);  // pairs with publish()
        a.start = words[1].load(std::memory_order_acquire);
        a.line = words[2].load(std::memory_order_acquire);
        return words[0].load(std::memory_order_relaxed) == a.thread ? a : signal_address();
    }

    static std::uint64_t line_now(control_block const& block) noexcept
    {
        return block.mechanism[2].load(std::memory_order_relaxed);
    }
};

// In the page of the control file behind its control block: how many messages the receiver has taken of each sender, as
// stream u32 and count u32, which makes room for more. The word of a dead sender is ignored by the next one in its
// place, which has another stream.
//
//   4096 senders u32 futex     4224 taken[256] u64
struct signal_eventcounts {
    static constexpr std::size_t offset = control_block::size_in_file;
    static constexpr std::size_t senders_at_most = 256;

    alignas(128) eventcount senders;  // that wait for room
    alignas(128) std::atomic<std::uint64_t> taken[senders_at_most];

    static signal_eventcounts& of(participant const& c) noexcept
    {
        return *reinterpret_cast<signal_eventcounts*>(c.memory()->data() + offset);
    }
};
static_assert(offsetof(signal_eventcounts, taken) == 128 && sizeof(signal_eventcounts) <= control_block::size_in_file);

}  // namespace strait::detail

#endif
