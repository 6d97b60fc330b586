// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SEALED_CONNECTION_HPP
#define STRAIT_DETAIL_SEALED_CONNECTION_HPP

#include <strait/detail/frame/protocol.hpp>
#include <strait/detail/frame/stream_parser.hpp>
#include <strait/detail/os/crash_point.hpp>
#include <strait/detail/os/descriptor.hpp>
#include <strait/detail/os/mapping.hpp>
#include <strait/detail/ring/copy_unsteady.hpp>
#include <strait/detail/ring/records.hpp>
#include <strait/detail/sealed/doorbell.hpp>
#include <strait/detail/sealed/memory.hpp>
#include <strait/detail/sealed/protocol.hpp>
#include <strait/detail/socket/socket_bytes.hpp>
#include <strait/detail/socket/stream_connection.hpp>
#include <strait/detail/socket/stream_sessions.hpp>
#include <strait/peer.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace strait::detail {

// One sender's ring, seen from the receiver, and the socket by which it was handed over. It takes the place of a
// stream_connection in a connection_set.
//
// The sender can write anything into its memory at any moment. So each of its words is read once, and compared with positions
// that lie in this process: what is published never goes back, and is never more than the ring holds. A record's size is read
// once, and the record is copied before anything looks at it.
template <message_layout L>
class sealed_connection {
    using shape = record_shape<L>;

public:
    using progress = stream_progress;

    sealed_connection(descriptor socket, peer_identity const& who, stream_rules const& rules, std::uint64_t number)
        : fence(asymmetric_fence::attach()), socket_(std::move(socket)), parser_(rules), peer_(who), number_(number), limit_(rules.limit),
          type_(rules.type)
    {
        handles_.reserve(1);
    }
    sealed_connection(sealed_connection&&) = delete;
    sealed_connection& operator=(sealed_connection&&) = delete;

    // The sender learns at its next message that it is read no more, before it looks at the socket.
    ~sealed_connection()
    {
        if (ours_)
            ours_.words()->left.store(1, std::memory_order_relaxed);
    }

    int fd() const noexcept { return socket_.get(); }
    bool is_greeted() const noexcept { return !parser_ || parser_->is_greeted(); }
    peer_identity const& peer() const noexcept { return peer_; }
    std::uint64_t number() const noexcept { return number_; }

    // Whether next() has refused a sender of another type or protocol. Answers so once.
    bool is_newly_refused() noexcept
    {
        errc const why = parser_ ? parser_->refusal() : errc();
        return (why == errc::type_mismatch || why == errc::transport_mismatch) && !std::exchange(is_counted_, true);
    }

    // The greeting was right. Maps the sender's memory, of at most `most` bytes, and hands over this end's. What is wrong
    // is for the sender to know.
    errc open(std::uint64_t most)
    {
        sealed_opening said;
        std::memcpy(&said, parser_->introduction().data(), sizeof said);
        if (said.unit != shape::unit)
            return errc::type_mismatch;
        if (handles_.size() != 1 || cut_ || !std::has_single_bit(said.capacity) || said.capacity < page_size())
            return errc::untrusted_object;
        if (said.capacity > most)
            return errc::refused;
        descriptor of_sender = std::move(handles_.front());
        handles_.clear();
        if (sealed_region::adopt(std::move(of_sender), said.capacity, theirs_))
            return errc::untrusted_object;
        descriptor ours;
        if (sealed_region::make(0, ours_, ours))
            return errc::no_receiver;
        data_ = theirs_.data();
        mask_ = said.capacity - 1;
        sent_ = theirs_.words();
        consumed_ = ours_.words();
        bell_ = sealed_doorbell(consumed_, sent_);
        sealed_answer const answer;
        int const fd = ours.get();
        // A sender that is dead by now gets nothing; what it has published counts.
        (void)!send_with_handles(socket_.get(), std::as_bytes(std::span(&answer, 1)), std::span(&fd, 1));
        STRAIT_CRASH_POINT("sealed: answered");
        parser_.reset();
        return errc();
    }

    // What is next of what was published when this end looked last.
    progress next() noexcept
    {
        if (parser_) [[unlikely]] {
            progress const p = parser_->next();
            if (p == progress::refused)
                reject(parser_->refusal());
            return p;
        }
        if (shown_) [[unlikely]]
            return progress::message;
        if (position_ == seen_)
            return over_ == progress::corrupt ? over_ : progress::drained;
        return copy_out();
    }

    std::span<std::byte const> payload() const noexcept { return {copy_.get(), size_}; }
    static constexpr std::size_t available() noexcept { return 1; }

    // The message in front is done with.
    void release(std::size_t = 1) noexcept
    {
        shown_ = false;
        position_ += shape::length(size_);
        consumed_->position.store(position_, std::memory_order_release);  // pairs with sealed_sender::refresh()
        STRAIT_CRASH_POINT("sealed: consumed");
        if (position_ >= post_at_) [[unlikely]]
            post();
    }

    // Looks once at what is published, and, if nothing new is, at the socket when that is readable.
    progress read()
    {
        if (parser_) [[unlikely]]
            return read_greeting();
        if (over_ != progress::drained) [[unlikely]]
            return over_;
        if (progress const p = look(); p != progress::drained)
            return p;
        if (posted_ != position_)
            post();
        return std::exchange(signalled_, false) ? listen() : progress::drained;
    }

    bool has_more() const noexcept
    {
        return !parser_ && over_ == progress::drained && sent_->position.load(std::memory_order_relaxed) != seen_;
    }
    void signal() noexcept { signalled_ = true; }
    void announce() noexcept { bell_.announce(); }
    void awake() noexcept { bell_.awake(); }

    // Its greeting will be refused.
    void refuse() noexcept { parser_->refuse(errc::refused); }

    // Says to the sender why it is refused.
    void reject(errc why) noexcept { reject_stream(socket_.get(), why, type_); }

    static constexpr bool is_exhausted() noexcept { return false; }
    static constexpr std::size_t held_handles() noexcept { return 0; }

    // The socket carries nothing that must arrive.
    static constexpr void discard_until_delivered(deadline) noexcept {}

    // Gives back the memory of a large message.
    void shrink() noexcept
    {
        if (!shown_ && room_ > stream_chunk) {
            copy_.reset();
            room_ = 0;
        }
    }

    asymmetric_fence fence;

    // Whether it stands among those that may have something to read.
    bool is_queued = false;

private:
    struct release_bytes {
        void operator()(std::byte* p) const noexcept { std::free(p); }
    };

    // Copies the record in front out of the sender's memory.
    progress copy_out() noexcept
    {
        std::byte const* const record = data_ + (position_ & mask_);
        // One load, so what was checked is what is used. That the record was written before is known from look().
        std::uint64_t const header = shared_word(record).load(std::memory_order_relaxed);
        auto const said = std::bit_cast<stream_frame>(header);
        bool const fits = L.fixed_size != 0 ? said.size == L.fixed_size : said.size <= limit_;
        if (!fits || said.kind != stream_frame::data || shape::length(said.size) > seen_ - position_) [[unlikely]] {
            seen_ = position_;
            return over_ = progress::corrupt;
        }
        std::size_t const words = (said.size + std::size_t{7}) / 8 * 8;
        if (words > room_ || !copy_) [[unlikely]]
            if (!make_room(words))
                return progress::no_memory;
        copy_unsteady(record + shape::unit, copy_.get(), words);
        size_ = said.size;
        shown_ = true;
        return progress::message;
    }

    [[gnu::noinline, gnu::cold]] bool make_room(std::size_t bytes) noexcept
    {
        std::size_t const wanted = (std::max<std::size_t>(bytes, 64) + 63) / 64 * 64;
        copy_.reset(static_cast<std::byte*>(std::aligned_alloc(64, wanted)));
        room_ = copy_ ? wanted : 0;
        return static_cast<bool>(copy_);
    }

    // more: records were published since; corrupt: what is said of them cannot be.
    progress look() noexcept
    {
        STRAIT_STEP();
        std::uint64_t const published = sent_->position.load(std::memory_order_acquire);  // pairs with sealed_sender::publish()
        if (published == seen_)
            return progress::drained;
        // Positions begin at 0, and none gets near the end of 64 bits.
        if (published < seen_ || published - position_ > mask_ + 1 || published % shape::unit != 0) [[unlikely]]
            return over_ = progress::corrupt;
        seen_ = published;
        return progress::more;
    }

    // The socket is readable: the sender has rung, or is gone. Of one that is gone what it has published by now counts, and
    // nothing that may appear later.
    [[gnu::noinline, gnu::cold]] progress listen() noexcept
    {
        switch (bell_.hear(socket_.get())) {
        case sealed_doorbell::heard::nothing: return progress::drained;
        case sealed_doorbell::heard::rung:
            if (bell_.renew())
                fence.heavy();  // pairs with the light() of the sender that has published
            return look();
        case sealed_doorbell::heard::lied: return over_ = progress::corrupt;
        case sealed_doorbell::heard::gone: break;
        }
        bool const left = sent_->left.load(std::memory_order_acquire) != 0;  // pairs with sealed_sender::close()
        progress const last = look();
        if (last != progress::corrupt)
            over_ = left ? progress::left : progress::died;
        return last == progress::drained ? over_ : last;
    }

    progress read_greeting()
    {
        if (over_ != progress::drained)
            return over_;
        auto const to = parser_->room();
        if (!to.data())
            return progress::no_memory;
        auto const n = receive_with_handles(socket_.get(), to, MSG_DONTWAIT, 1 - handles_.size(), handles_, cut_);
        if (n > 0)
            return parser_->take(static_cast<std::size_t>(n));
        return n < 0 && errno == EAGAIN ? progress::drained : over_ = progress::died;
    }

    // The sender may use the room, and is woken if it waits for some.
    [[gnu::noinline]] void post() noexcept
    {
        posted_ = position_;
        post_at_ = position_ + std::min((mask_ + 1) / 4, ring_header::posted_bytes);
        bell_.ring(socket_.get(), fence);
    }

    guarded_descriptor socket_;
    std::optional<stream_parser> parser_;  // until the ring is open
    std::vector<descriptor> handles_;      // that have come with the greeting
    sealed_region theirs_;
    sealed_region ours_;
    sealed_doorbell bell_;
    peer_identity peer_;
    std::uint64_t number_;
    std::uint64_t limit_;  // bytes of the largest message, where sizes vary
    message_description const* type_;
    std::byte const* data_ = nullptr;
    sealed_words const* sent_ = nullptr;
    sealed_words* consumed_ = nullptr;
    std::uint64_t mask_ = 0;
    std::uint64_t position_ = 0;  // of the next record to be released
    std::uint64_t seen_ = 0;      // records before it were published, as this end saw last
    std::uint64_t posted_ = 0;
    std::uint64_t post_at_ = 0;
    std::unique_ptr<std::byte[], release_bytes> copy_;  // of the message in front
    std::size_t room_ = 0;
    std::size_t size_ = 0;
    progress over_ = progress::drained;  // what read() says when there is nothing more to come
    bool cut_ = false;
    bool is_counted_ = false;
    bool shown_ = false;
    bool signalled_ = false;
};

// Opens the ring of each sender that greets.
template <message_layout L>
struct sealed_sessions : no_acknowledgement {
    using connection = sealed_connection<L>;
    static constexpr std::uint32_t protocol = stream_greeting::sealed;
    static constexpr std::size_t introduction = sizeof(sealed_opening);

    explicit sealed_sessions(std::uint64_t bytes) noexcept : most(bytes) {}

    errc admit(connection& c, connection*&) const { return c.open(most); }

    std::uint64_t most;  // bytes that are mapped of a sender's memory
};
static_assert(stream_sessions<sealed_sessions<message_layout{8, 8, 1}>, sealed_connection<message_layout{8, 8, 1}>>);

}  // namespace strait::detail

#endif
