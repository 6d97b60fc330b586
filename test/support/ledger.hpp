// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_LEDGER_HPP
#define SUPPORT_LEDGER_HPP

#include <support/messages.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <vector>

#include <sys/mman.h>

namespace support {

/// What the lives of one channel have done, in memory that survives them: each sender and receiver that ever ran, in the
/// order in which they were begun. A message carries the number of its sender's life, and sequence numbers from 0.
class ledger {
public:
    static constexpr std::size_t most = 1 << 16;  ///< messages of one life

    struct life {
        std::atomic<std::uint64_t> began;      ///< send() has been called so often, by this life
        std::atomic<std::uint64_t> sent;       ///< and has returned so often
        std::atomic<std::uint64_t> received;   ///< messages noted by this life
        std::atomic<std::uint64_t> torn;
        std::atomic<std::uint64_t> unordered;
        std::atomic<std::uint64_t> first;      ///< noted by this life: key_of() it, 0 for none
        std::atomic<std::uint64_t> last;
        std::atomic<std::uint8_t> times[most];  ///< how often each message of this life was noted, by whomever
    };

    explicit ledger(std::size_t lives) : size_(lives)
    {
        constexpr int kind = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
        void* const p = ::mmap(nullptr, lives * sizeof(life), PROT_READ | PROT_WRITE, kind, -1, 0);
        if (p == MAP_FAILED)
            std::abort();
        lives_ = static_cast<life*>(p);
    }
    ledger(ledger const&) = delete;
    ledger& operator=(ledger const&) = delete;
    ~ledger() { ::munmap(lives_, size_ * sizeof(life)); }

    life& operator[](std::size_t i) const noexcept { return lives_[i]; }
    std::size_t size() const noexcept { return size_; }

    static constexpr std::uint64_t key_of(origin o) noexcept { return (o.sender << 32 | o.sequence) + 1; }
    /// Whether one sender after the other sends: b comes directly behind a, or begins a later life.
    static constexpr bool follows(std::uint64_t a, std::uint64_t b) noexcept
    {
        return b == a + 1 || (b > a && ((b - 1) & 0xffff'ffff) == 0);
    }

private:
    std::size_t size_;
    life* lives_;
};

/// The pen of one receiver. Note each message before it is released.
class ledger_pen {
public:
    /// `in_line`: one sender after the other sends, so their messages come in one line.
    ledger_pen(ledger const& book, std::size_t life, bool in_line)
        : book_(book), life_(life), in_line_(in_line), next_(book.size())
    {
    }

    template <class T>
    void note(T const& message)
    {
        auto& mine = book_[life_];
        origin const o = origin_of(message);
        if (!is_whole(message) || o.sender >= book_.size() || o.sequence >= ledger::most) {
            mine.torn.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        std::uint64_t const key = ledger::key_of(o);
        std::uint64_t const last = mine.last.load(std::memory_order_relaxed);
        if (in_line_ ? last != 0 && !ledger::follows(last, key) : o.sequence < next_[o.sender])
            mine.unordered.fetch_add(1, std::memory_order_relaxed);
        next_[o.sender] = o.sequence + 1;
        // Whoever is killed between these has noted nothing, or the message, once.
        if (last == 0)
            mine.first.store(key, std::memory_order_release);
        mine.last.store(key, std::memory_order_release);
        book_[o.sender].times[o.sequence].fetch_add(1, std::memory_order_relaxed);
        mine.received.fetch_add(1, std::memory_order_release);
    }

private:
    ledger const& book_;
    std::size_t life_;
    bool in_line_;
    std::vector<std::uint64_t> next_;
};

/// What a ledger proves when everything queued has been read.
struct verdict {
    std::uint64_t committed = 0;   ///< send() returned
    std::uint64_t received = 0;    ///< different messages
    std::uint64_t lost = 0;        ///< committed and not seen
    std::uint64_t twice = 0;       ///< seen again
    std::uint64_t torn = 0;
    std::uint64_t unordered = 0;
    std::uint64_t unsent = 0;      ///< seen, but never sent

    verdict& operator+=(verdict const& o) noexcept
    {
        committed += o.committed;
        received += o.received;
        lost += o.lost;
        twice += o.twice;
        torn += o.torn;
        unordered += o.unordered;
        unsent += o.unsent;
        return *this;
    }
    friend std::ostream& operator<<(std::ostream& out, verdict const& v)
    {
        return out << v.committed << " committed, " << v.received << " received, " << v.lost << " lost, " << v.twice
                   << " twice, " << v.torn << " torn, " << v.unordered << " out of order, " << v.unsent << " never sent";
    }
};

/// `removed`: the channel of the lives before that one was removed; what it held is not missed.
inline verdict judge(ledger const& book, std::size_t lives, bool in_line, std::size_t removed = 0)
{
    verdict v;
    std::uint64_t last = 0;
    for (std::size_t i = 0; i != lives; ++i) {
        auto const& life = book[i];
        std::uint64_t const began = life.began;
        std::uint64_t const sent = life.sent;
        for (std::uint64_t k = 0; k != ledger::most && (k <= began || life.times[k] != 0); ++k) {
            std::uint64_t const times = life.times[k];
            v.received += times != 0;
            v.twice += times > 1 ? times - 1 : 0;
            v.lost += k < sent && times == 0 && i >= removed;
            v.unsent += k >= began && times != 0;
        }
        v.committed += sent;
        v.torn += life.torn;
        v.unordered += life.unordered;
        if (std::uint64_t const first = life.first; in_line && life.last != 0) {
            // The first one of a life may be what its predecessor had in its hands.
            v.unordered += last != 0 && first != last && !ledger::follows(last, first);
            last = life.last;
        }
    }
    return v;
}

}  // namespace support

#endif
