// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_CHANNEL_MESSAGE_ITERATOR_HPP
#define STRAIT_DETAIL_CHANNEL_MESSAGE_ITERATOR_HPP

#include <cstddef>
#include <iterator>
#include <optional>

namespace strait::detail {

// An input iterator over the messages that a receiver has still to come; each increment receives into the memory of the
// message before. The receiver must outlive it and stay where it is.
template <class Receiver>
class message_iterator {
public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = typename Receiver::value_type;
    using difference_type = std::ptrdiff_t;

    explicit message_iterator(Receiver& r) : receiver_(&r), message_(r.receive()) {}
    message_iterator(message_iterator&&) = default;
    message_iterator& operator=(message_iterator&&) = default;

    value_type& operator*() const noexcept { return *message_; }
    message_iterator& operator++()
    {
        if (message_ && !receiver_->receive(*message_))
            message_.reset();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(message_iterator const& i, std::default_sentinel_t) noexcept { return !i.message_; }

private:
    Receiver* receiver_;
    mutable std::optional<value_type> message_;
};

// What a loop over a sender would go over, so that the compiler gets as far as the sentence that begin() has for it. It is no
// iterator, so a sender is no range.
template <class T>
struct no_messages {
    T& operator*() const;
    no_messages& operator++();
    bool operator!=(no_messages const&) const;
};

}  // namespace strait::detail

#endif
