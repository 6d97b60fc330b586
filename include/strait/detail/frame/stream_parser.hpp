// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_FRAME_STREAM_PARSER_HPP
#define STRAIT_DETAIL_FRAME_STREAM_PARSER_HPP

#include <strait/detail/frame/buffer.hpp>
#include <strait/detail/frame/protocol.hpp>
#include <strait/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace strait::detail {

// What a receiver demands of the bytes of each connection. It is made once for each receiver.
struct stream_rules {
    stream_greeting greeting;      // that the sender must show
    std::uint64_t limit = 0;       // bytes of the largest message, where sizes vary
    std::size_t fixed_size = 0;    // bytes of each message; 0: sizes vary
    std::size_t packet = 0;        // bytes of the largest packet, for sockets that keep packets apart; 0: a stream
    std::size_t introduction = 0;  // bytes that come behind the greeting
    bool handles = false;          // messages may have descriptors beside them
    message_description const* type = nullptr;  // what is said of it to a sender that is refused
};

// What can be said of a connection after a step. The last four are never said by a parser: a socket or memory has to be asked.
enum class stream_progress : std::uint8_t {
    message,         // payload() shows it
    drained,         // more bytes are needed
    greeted,         // the greeting was right; introduction() shows what came behind it
    left,            // an end frame: nothing follows
    malformed,       // a frame that cannot be
    refused,         // a greeting that cannot be accepted: refusal() says why
    no_descriptors,  // a message without its descriptors, which this process could not have
    more,            // bytes were read
    died,            // the connection has ended without an end frame, perhaps in the middle of one
    no_memory,
    corrupt,         // memory that the sender shares says what cannot be
};

// Takes the bytes of one connection as they come, in pieces of any size, and says what they mean. It has no descriptor:
// the caller writes into room() what it reads and says with take() how much that was. Each length is checked before
// anything is done with it.
class stream_parser {
public:
    using progress = stream_progress;

    explicit stream_parser(stream_rules const& rules) noexcept : rules_(rules) {}

    bool is_greeted() const noexcept { return greeted_; }

    // The greeting will be refused with this reason, whatever it says.
    void refuse(errc why) noexcept { unwanted_ = why; }

    // Why the greeting was refused.
    errc refusal() const noexcept { return refusal_; }

    // Where the next bytes belong, and how many can be taken there; null: there is no memory. A peer that has not greeted
    // costs no more than a greeting. Later the room grows by at most as much as has come: no memory is allocated for a
    // length alone.
    std::span<std::byte> room() noexcept
    {
        std::size_t wanted = opening() - std::min(buffer_.size(), opening());
        if (greeted_) {
            wanted = rules_.packet != 0 ? rules_.packet : std::max(buffer_.size(), stream_chunk);
            if (in_frame_ && rules_.packet == 0)
                wanted = std::min(wanted, left_ + padding_ - std::min(buffer_.size(), left_ + padding_));
            if (buffer_.size() == 0)
                buffer_.begin = buffer_.end = 0;
        }
        if (!buffer_.make_room(wanted))
            return {};
        room_ = greeted_ && rules_.packet == 0 ? buffer_.room() : wanted;
        return {buffer_.data() + buffer_.end, room_};
    }

    // So many bytes were written into the room, and so many descriptors came beside them; `cut`: there were more of these
    // than this process can have. More bytes than there was room for: a packet that was cut, and is longer than any of
    // ours.
    progress take(std::size_t bytes, std::size_t handles = 0, bool cut = false) noexcept
    {
        if (bytes > room_)
            return greeted_ ? progress::malformed : refused(errc::untrusted_object);
        buffer_.end += bytes;
        handles_ += handles;
        cut_ = cut_ || cut;
        return progress::more;
    }

    // How many descriptors may come beside the next bytes: those of one message, beside those of the message in front.
    std::size_t room_for_handles() const noexcept
    {
        return stream_frame::most_handles - std::min(stream_frame::most_handles, handles_ - own_);
    }

    // What the bytes in front are. Repeats itself until they are released, or more come.
    progress next() noexcept
    {
        if (!greeted_) [[unlikely]]
            return greet();
        if (!in_frame_) {
            if (buffer_.size() < sizeof(stream_frame))
                return buffer_.size() == 0 && handles_ != 0 ? progress::malformed : progress::drained;
            stream_frame const f = stream_frame::at(buffer_.data() + buffer_.begin);
            if (f.kind != stream_frame::data) [[unlikely]] {
                if (f.kind == stream_frame::end && f.size == 0)
                    return progress::left;
                if (!claims_handles(f))
                    return progress::malformed;
            }
            if ((rules_.fixed_size == 0 && f.size > rules_.limit) || !stream_frame::fits(f.size, rules_.fixed_size)) [[unlikely]]
                return progress::malformed;
            buffer_.begin += sizeof f;
            in_frame_ = true;
            size_ = rules_.fixed_size != 0 ? rules_.fixed_size : f.size;
            left_ = f.size;
            padding_ = stream_frame::bytes(f.size) - sizeof f - f.size;
        }
        if (buffer_.size() < (left_ == size_ ? size_ + padding_ : size_))
            return progress::drained;
        return lacking_ ? progress::no_descriptors : progress::message;
    }

    // What came behind the greeting, up to the next room().
    std::span<std::byte const> introduction() const noexcept
    {
        return {buffer_.data() + buffer_.begin - rules_.introduction, rules_.introduction};
    }

    std::span<std::byte const> payload() const noexcept { return {buffer_.data() + buffer_.begin, size_}; }

    // How many descriptors belong to the message in front: the first of those that have come.
    std::size_t handles() const noexcept { return own_; }

    // How many messages of the frame have come, when next() has said that there is one.
    std::size_t available() const noexcept
    {
        return buffer_.size() >= left_ + padding_ ? left_ / size_ : std::min(buffer_.size(), left_ - size_) / size_;
    }

    // Bytes that have come and are not released.
    std::size_t buffered() const noexcept { return buffer_.size(); }

    // So many messages in front are done with. Returns how many descriptors are, too.
    std::size_t release(std::size_t messages) noexcept
    {
        std::size_t const n = messages * size_;
        buffer_.begin += n;
        left_ -= n;
        if (left_ != 0)
            return 0;
        buffer_.begin += padding_;
        in_frame_ = false;
        lacking_ = false;
        handles_ -= own_;
        return std::exchange(own_, 0);
    }

    // Gives back memory that a large message needed.
    void shrink() noexcept { buffer_.shrink(); }

private:
    std::size_t opening() const noexcept { return sizeof(stream_greeting) + rules_.introduction; }

    progress refused(errc why) noexcept
    {
        refusal_ = why;
        return progress::refused;
    }

    progress greet() noexcept
    {
        if (buffer_.size() < sizeof(stream_greeting))
            return progress::drained;
        stream_greeting g;
        std::memcpy(&g, buffer_.data() + buffer_.begin, sizeof g);
        if (unwanted_ != errc())
            return refused(unwanted_);
        if (error_code const wrong = g.check(rules_.greeting))
            return refused(static_cast<errc>(wrong.value()));
        if (buffer_.size() < opening())
            return progress::drained;
        buffer_.begin += opening();
        greeted_ = true;
        return progress::greeted;
    }

    // Descriptors come with the first byte of their message, and nothing behind it is read with them: so all that have
    // come belong to this frame.
    bool claims_handles(stream_frame const& f) noexcept
    {
        std::size_t const said = f.handles();
        bool const one_message = rules_.fixed_size == 0 || f.size == rules_.fixed_size;
        if (!rules_.handles || said == 0 || said > stream_frame::most_handles || !one_message || handles_ > said || (handles_ < said && !cut_))
            return false;
        own_ = handles_;
        lacking_ = std::exchange(cut_, false);
        return true;
    }

    stream_rules rules_;
    stream_buffer buffer_;
    std::size_t room_ = 0;      // bytes that room() has shown
    std::size_t size_ = 0;      // of the message in front
    std::size_t left_ = 0;      // bytes of the frame's payload that are not released
    std::size_t padding_ = 0;   // bytes behind it
    std::size_t handles_ = 0;   // descriptors that have come and are not released
    std::size_t own_ = 0;       // of them, those of the message in front
    errc unwanted_ = errc();
    errc refusal_ = errc();
    bool cut_ = false;      // more descriptors came than this process can have
    bool lacking_ = false;  // so the message in front has not all of its own
    bool in_frame_ = false;
    bool greeted_ = false;
};

}  // namespace strait::detail

#endif
