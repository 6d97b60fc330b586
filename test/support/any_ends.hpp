// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_ANY_ENDS_HPP
#define SUPPORT_ANY_ENDS_HPP

#include <strait/endpoint.hpp>
#include <strait/error.hpp>
#include <strait/options.hpp>
#include <strait/peer.hpp>
#include <strait/stats.hpp>
#include <strait/transport.hpp>
#include <strait/wait.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>

/// Ends of a channel whose transport is known at run time only: a test that uses these is compiled once for all transports.
/// Each function calls the function of the same name of strait::sender or strait::receiver; any_ends_of.hpp makes them.
namespace support {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using system_seconds = std::chrono::time_point<system_clock, std::chrono::seconds>;

/// What any_claimed<T> shows of a strait::claimed.
template <class T>
class claimed_model {
public:
    virtual ~claimed_model() = default;
    virtual T& message() = 0;
    virtual void commit() = 0;
    virtual strait::result<void> try_commit() = 0;
};

/// A message that is filled in place.
template <class T>
class any_claimed {
public:
    explicit any_claimed(std::unique_ptr<claimed_model<T>> model) : model_(std::move(model)) {}
    T& operator*() { return model_->message(); }
    T* operator->() { return &model_->message(); }
    void commit() { model_->commit(); }
    strait::result<void> try_commit() { return model_->try_commit(); }

private:
    std::unique_ptr<claimed_model<T>> model_;
};

/// Text that is filled in place: what strait::claimed<std::string, X> shows.
class claimed_text_model {
public:
    virtual ~claimed_text_model() = default;
    virtual std::span<char> elements() = 0;
    virtual void commit() = 0;
    virtual void commit(std::size_t n) = 0;
};

class any_claimed_text {
public:
    explicit any_claimed_text(std::unique_ptr<claimed_text_model> model) : model_(std::move(model)) {}
    std::span<char> operator*() { return model_->elements(); }
    std::size_t size() { return model_->elements().size(); }
    void commit() { model_->commit(); }
    void commit(std::size_t n) { model_->commit(n); }

private:
    std::unique_ptr<claimed_text_model> model_;
};

/// What any_borrowed<T> shows of a strait::borrowed.
template <class T>
class borrowed_model {
public:
    virtual ~borrowed_model() = default;
    virtual std::unique_ptr<borrowed_model> moved() = 0;
    virtual bool there() const = 0;
    virtual T const& message() const = 0;
    virtual void release() = 0;
};

/// A message that is read where it lies; false at the end of the stream.
template <class T>
class any_borrowed {
public:
    explicit any_borrowed(std::unique_ptr<borrowed_model<T>> model) : model_(std::move(model)) {}
    any_borrowed(any_borrowed&& other) : model_(other.model_->moved()) {}
    explicit operator bool() const { return model_->there(); }
    T const& operator*() const { return model_->message(); }
    T const* operator->() const { return &model_->message(); }
    void release() { model_->release(); }

private:
    std::unique_ptr<borrowed_model<T>> model_;
};

template <class T>
class sender_model {
public:
    virtual ~sender_model() = default;
    virtual std::unique_ptr<sender_model> moved() = 0;   // what std::move of the end makes
    virtual void assign(sender_model& other) = 0;        // moves from an end of the same transport
    virtual void* end() = 0;                             // the strait::sender itself
    virtual void send(T const&) = 0;
    virtual bool send(T const&, std::stop_token const&) = 0;
    virtual strait::result<void> try_send(T const&) = 0;
    virtual strait::result<void> send_for(T const&, nanoseconds) = 0;
    virtual strait::result<void> send_until(T const&, steady_clock::time_point) = 0;
    virtual strait::result<void> send_until(T const&, system_clock::time_point) = 0;
    virtual strait::result<void> send_until(T const&, system_seconds) = 0;
    virtual std::size_t send_batch(std::span<T const>) = 0;
    virtual strait::result<std::size_t> try_send_batch(std::span<T const>) = 0;
    virtual strait::result<std::size_t> send_batch_for(std::span<T const>, nanoseconds) = 0;
    virtual strait::result<std::size_t> send_batch_until(std::span<T const>, steady_clock::time_point) = 0;
    virtual strait::result<std::size_t> send_batch_until(std::span<T const>, system_clock::time_point) = 0;
    virtual any_claimed<T> claim() = 0;
    virtual strait::result<any_claimed<T>> try_claim() = 0;
    virtual any_claimed_text claim(std::size_t n) = 0;                          // of texts only
    virtual strait::result<any_claimed_text> try_claim(std::size_t n) = 0;
    virtual void flush() = 0;
    virtual strait::result<void> try_flush() = 0;
    virtual strait::result<void> flush_for(nanoseconds) = 0;
    virtual strait::result<void> close() = 0;
    virtual strait::channel_stats stats() const = 0;
    virtual int native_handle() const = 0;
};

template <class T>
class receiver_model {
public:
    virtual ~receiver_model() = default;
    virtual std::unique_ptr<receiver_model> moved() = 0;
    virtual void assign(receiver_model& other) = 0;
    virtual void* end() = 0;
    virtual std::optional<T> receive() = 0;
    virtual bool receive(T&) = 0;
    virtual std::optional<T> receive(std::stop_token const&) = 0;
    virtual bool receive(T&, std::stop_token const&) = 0;
    virtual strait::result<T> try_receive() = 0;
    virtual strait::result<T> receive_for(nanoseconds) = 0;
    virtual strait::result<T> receive_until(steady_clock::time_point) = 0;
    virtual strait::result<T> receive_until(system_clock::time_point) = 0;
    virtual std::size_t receive_batch(std::span<T>) = 0;
    virtual strait::result<std::size_t> try_receive_batch(std::span<T>) = 0;
    virtual strait::result<std::size_t> receive_batch_for(std::span<T>, nanoseconds) = 0;
    virtual strait::result<std::size_t> receive_batch_until(std::span<T>, steady_clock::time_point) = 0;
    virtual strait::result<std::size_t> receive_batch_until(std::span<T>, system_clock::time_point) = 0;
    virtual any_borrowed<T> borrow() = 0;
    virtual strait::result<any_borrowed<T>> try_borrow() = 0;
    virtual strait::result<any_borrowed<T>> borrow_for(nanoseconds) = 0;
    virtual strait::result<any_borrowed<T>> borrow_until(steady_clock::time_point) = 0;
    virtual strait::result<any_borrowed<T>> borrow_until(system_clock::time_point) = 0;
    virtual void for_each(std::function<void(T const&)> const&) = 0;
    virtual bool range_is_over() = 0;
    virtual strait::end_reason end_reason() const = 0;
    virtual strait::result<void> close() = 0;
    virtual strait::channel_stats stats() const = 0;
    virtual int native_handle() const = 0;
    virtual strait::result<strait::peer_identity> peer() const = 0;
};

/// What both any_sender and any_receiver are: an end that moves as that of its transport does.
template <class Model>
class any_end {
public:
    explicit any_end(std::unique_ptr<Model> model) : model_(std::move(model)) {}
    any_end(any_end&& other) : model_(other.model_->moved()) {}
    any_end& operator=(any_end&& other)
    {
        model_->assign(*other.model_);
        return *this;
    }
    ~any_end() = default;

    /// The end itself; End is the type that its transport has.
    template <class End>
    End& as()
    {
        return *static_cast<End*>(model_->end());
    }

    strait::result<void> close() { return model_->close(); }
    strait::channel_stats stats() const { return model_->stats(); }
    /// -1 where the transport has none.
    int native_handle() const { return model_->native_handle(); }

protected:
    Model& model() const { return *model_; }

private:
    std::unique_ptr<Model> model_;
};

/// strait::sender<T, X> for an X that is known at run time.
template <class T>
class any_sender : public any_end<sender_model<T>> {
    using base = any_end<sender_model<T>>;
    using base::model;

public:
    using base::base;
    void send(T const& m) { model().send(m); }
    bool send(T const& m, std::stop_token const& stop) { return model().send(m, stop); }
    strait::result<void> try_send(T const& m) { return model().try_send(m); }
    strait::result<void> send_for(T const& m, nanoseconds d) { return model().send_for(m, d); }
    template <class TimePoint>
    strait::result<void> send_until(T const& m, TimePoint when)
    {
        return model().send_until(m, when);
    }
    std::size_t send_batch(std::span<T const> m) { return model().send_batch(m); }
    strait::result<std::size_t> try_send_batch(std::span<T const> m) { return model().try_send_batch(m); }
    strait::result<std::size_t> send_batch_for(std::span<T const> m, nanoseconds d) { return model().send_batch_for(m, d); }
    template <class TimePoint>
    strait::result<std::size_t> send_batch_until(std::span<T const> m, TimePoint when)
    {
        return model().send_batch_until(m, when);
    }
    any_claimed<T> claim() { return model().claim(); }
    strait::result<any_claimed<T>> try_claim() { return model().try_claim(); }
    any_claimed_text claim(std::size_t n) { return model().claim(n); }
    strait::result<any_claimed_text> try_claim(std::size_t n) { return model().try_claim(n); }
    void flush() { model().flush(); }
    strait::result<void> try_flush() { return model().try_flush(); }
    strait::result<void> flush_for(nanoseconds d) { return model().flush_for(d); }
};

/// strait::receiver<T, X> for an X that is known at run time.
template <class T>
class any_receiver : public any_end<receiver_model<T>> {
    using base = any_end<receiver_model<T>>;
    using base::model;

public:
    using base::base;
    std::optional<T> receive() { return model().receive(); }
    bool receive(T& m) { return model().receive(m); }
    std::optional<T> receive(std::stop_token const& stop) { return model().receive(stop); }
    bool receive(T& m, std::stop_token const& stop) { return model().receive(m, stop); }
    strait::result<T> try_receive() { return model().try_receive(); }
    strait::result<T> receive_for(nanoseconds d) { return model().receive_for(d); }
    template <class TimePoint>
    strait::result<T> receive_until(TimePoint when)
    {
        return model().receive_until(when);
    }
    std::size_t receive_batch(std::span<T> m) { return model().receive_batch(m); }
    strait::result<std::size_t> try_receive_batch(std::span<T> m) { return model().try_receive_batch(m); }
    strait::result<std::size_t> receive_batch_for(std::span<T> m, nanoseconds d) { return model().receive_batch_for(m, d); }
    template <class TimePoint>
    strait::result<std::size_t> receive_batch_until(std::span<T> m, TimePoint when)
    {
        return model().receive_batch_until(m, when);
    }
    any_borrowed<T> borrow() { return model().borrow(); }
    strait::result<any_borrowed<T>> try_borrow() { return model().try_borrow(); }
    strait::result<any_borrowed<T>> borrow_for(nanoseconds d) { return model().borrow_for(d); }
    template <class TimePoint>
    strait::result<any_borrowed<T>> borrow_until(TimePoint when)
    {
        return model().borrow_until(when);
    }
    /// All messages up to the end of the stream, by receive(m).
    class iterator {
    public:
        explicit iterator(any_receiver& in) : in_(&in) { ++*this; }
        T const& operator*() const { return message_; }
        iterator& operator++()
        {
            there_ = in_->receive(message_);
            return *this;
        }
        friend bool operator==(iterator const& i, std::default_sentinel_t) { return !i.there_; }

    private:
        any_receiver* in_;
        T message_{};
        bool there_ = false;
    };
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const { return {}; }
    /// Calls f for each message of the range that strait::receiver is.
    void for_each(std::function<void(T const&)> const& f) { model().for_each(f); }
    /// Whether that range has no message, and never will.
    bool range_is_over() { return model().range_is_over(); }
    strait::end_reason end_reason() const { return model().end_reason(); }
    /// errc::not_supported of the system where the transport does not say.
    strait::result<strait::peer_identity> peer() const { return model().peer(); }
};

template <class T>
class pair_model {
public:
    virtual ~pair_model() = default;
    virtual any_sender<T> sender() = 0;
    virtual any_receiver<T> receiver() = 0;
    virtual std::pair<any_sender<T>, any_receiver<T>> split() = 0;
    virtual std::unique_ptr<pair_model> moved() = 0;
};

/// strait::channel<T, X>::pair for an X that is known at run time.
template <class T>
class any_pair {
public:
    explicit any_pair(std::unique_ptr<pair_model<T>> model) : model_(std::move(model)) {}
    any_pair(any_pair&& other) : model_(other.model_->moved()) {}
    any_sender<T> sender() && { return model_->sender(); }
    any_receiver<T> receiver() && { return model_->receiver(); }
    std::pair<any_sender<T>, any_receiver<T>> split() && { return model_->split(); }

private:
    std::unique_ptr<pair_model<T>> model_;
};

/// How ends of one transport that carry T are made. Without options those of the transport hold.
template <class T>
struct end_makers {
    any_sender<T> (*sender)(strait::endpoint const&, strait::channel_options const*);      // throws
    any_receiver<T> (*receiver)(strait::endpoint const&, strait::channel_options const*);  // throws
    strait::result<any_sender<T>> (*open_sender)(strait::endpoint const&, strait::channel_options const*);
    strait::result<any_receiver<T>> (*open_receiver)(strait::endpoint const&, strait::channel_options const*);
    strait::result<void> (*remove)(strait::endpoint const&);
    any_pair<T> (*make_pair)(strait::channel_options const*);
};

}  // namespace support

#endif
