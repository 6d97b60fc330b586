// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_ANY_ENDS_OF_HPP
#define SUPPORT_ANY_ENDS_OF_HPP

#include <support/any_ends.hpp>
#include <support/messages.hpp>

#include <strait/channel.hpp>

#include <cstdlib>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// The ends of support/any_ends.hpp over a transport X. They carry a T in a channel of `Carried`: T itself, or, for a
/// transport that carries one word, a small_probe for each probe.
namespace support {

/// The options of X that are in channel_options; what is only X's has X's defaults.
template <class X>
typename X::options options_from(strait::channel_options const& how)
{
    typename X::options o;
    o.capacity = how.capacity;
    o.max_message_size = how.max_message_size;
    o.connect_timeout = how.connect_timeout;
    o.linger = how.linger;
    o.keep = how.keep;
    o.access = how.access;
    return o;
}

/// The defaults of X.
template <class X>
strait::channel_options default_options()
{
    typename X::options const o;
    return {.capacity = o.capacity,
            .max_message_size = o.max_message_size,
            .connect_timeout = o.connect_timeout,
            .linger = o.linger,
            .keep = o.keep,
            .access = o.access};
}

template <class T, class Carried>
decltype(auto) to_carried(T const& m)
{
    if constexpr (std::is_same_v<T, Carried>)
        return (m);
    else
        return Carried(m);
}

template <class T, class Carried>
decltype(auto) from_carried(Carried const& m)
{
    if constexpr (std::is_same_v<T, Carried>)
        return (m);
    else if (is_whole(m))
        return T(make_probe(m.sequence, m.sender));
    else
        return T{};  // no test sends it
}

template <class T, class Carried>
std::optional<T> from_carried(std::optional<Carried> m)
{
    if constexpr (std::is_same_v<T, Carried>)
        return m;
    else
        return m ? std::optional<T>(from_carried<T, Carried>(*m)) : std::nullopt;
}

template <class T, class Carried>
strait::result<T> from_carried(strait::result<Carried> m)
{
    if constexpr (std::is_same_v<T, Carried>)
        return m;
    else if (m)
        return from_carried<T, Carried>(*m);
    else
        return m.error();
}

template <class T, class Carried, class X>
class claimed_of final : public claimed_model<T> {
public:
    explicit claimed_of(strait::claimed<Carried, X> claimed) : claimed_(std::move(claimed)) {}
    T& message() override
    {
        if constexpr (std::is_same_v<T, Carried>)
            return *claimed_;
        else
            return copy_;
    }
    void commit() override
    {
        copy_in();
        claimed_.commit();
    }
    strait::result<void> try_commit() override
    {
        copy_in();
        return claimed_.try_commit();
    }

private:
    void copy_in()
    {
        if constexpr (!std::is_same_v<T, Carried>)
            *claimed_ = copy_;
    }

    struct none {};
    strait::claimed<Carried, X> claimed_;
    [[no_unique_address]] std::conditional_t<std::is_same_v<T, Carried>, none, T> copy_{};
};

template <class X>
class claimed_text_of final : public claimed_text_model {
public:
    explicit claimed_text_of(strait::claimed<std::string, X> claimed) : claimed_(std::move(claimed)) {}
    std::span<char> elements() override { return std::span<char>(claimed_->data(), claimed_->size()); }
    void commit() override { claimed_.commit(); }
    void commit(std::size_t n) override { claimed_.commit(n); }

private:
    strait::claimed<std::string, X> claimed_;
};

template <class T, class Carried, class X>
class borrowed_of final : public borrowed_model<T> {
public:
    explicit borrowed_of(strait::borrowed<Carried, X> borrowed) : borrowed_(std::move(borrowed))
    {
        if constexpr (copies)
            if (borrowed_)
                copy_ = T(from_carried<T, Carried>(Carried(*borrowed_)));
    }
    std::unique_ptr<borrowed_model<T>> moved() override { return std::make_unique<borrowed_of>(std::move(borrowed_)); }
    bool there() const override { return static_cast<bool>(borrowed_); }
    T const& message() const override
    {
        if constexpr (copies)
            return copy_;
        else
            return *borrowed_;
    }
    void release() override { borrowed_.release(); }

private:
    // A borrowed string is a view.
    static constexpr bool copies = !std::is_same_v<decltype(*std::declval<strait::borrowed<Carried, X> const&>()), T const&>;
    struct none {};
    strait::borrowed<Carried, X> borrowed_;
    [[no_unique_address]] std::conditional_t<copies, T, none> copy_{};
};

template <class T, class Carried, class X>
class sender_of_transport final : public sender_model<T> {
    using type = strait::sender<Carried, X>;
    static decltype(auto) out(T const& m) { return to_carried<T, Carried>(m); }
    template <class Send>
    static auto batch(std::span<T const> m, Send send)
    {
        if constexpr (std::is_same_v<T, Carried>) {
            return send(m);
        } else {
            std::vector<Carried> const all(m.begin(), m.end());
            return send(std::span<Carried const>(all));
        }
    }

public:
    explicit sender_of_transport(type end) : end_(std::move(end)) {}
    sender_of_transport(strait::endpoint const& where, strait::channel_options const* how)
        : end_(how ? type(where, options_from<X>(*how)) : type(where))
    {
    }

    std::unique_ptr<sender_model<T>> moved() override { return std::make_unique<sender_of_transport>(std::move(end_)); }
    void assign(sender_model<T>& other) override { end_ = std::move(dynamic_cast<sender_of_transport&>(other).end_); }
    void* end() override { return &end_; }
    void send(T const& m) override { end_.send(out(m)); }
    bool send(T const& m, std::stop_token const& stop) override { return end_.send(out(m), stop); }
    strait::result<void> try_send(T const& m) override { return end_.try_send(out(m)); }
    strait::result<void> send_for(T const& m, nanoseconds d) override { return end_.send_for(out(m), d); }
    strait::result<void> send_until(T const& m, steady_clock::time_point w) override { return end_.send_until(out(m), w); }
    strait::result<void> send_until(T const& m, system_clock::time_point w) override { return end_.send_until(out(m), w); }
    strait::result<void> send_until(T const& m, system_seconds w) override { return end_.send_until(out(m), w); }
    std::size_t send_batch(std::span<T const> m) override
    {
        return batch(m, [&](auto all) { return end_.send_batch(all); });
    }
    strait::result<std::size_t> try_send_batch(std::span<T const> m) override
    {
        return batch(m, [&](auto all) { return end_.try_send_batch(all); });
    }
    strait::result<std::size_t> send_batch_for(std::span<T const> m, nanoseconds d) override
    {
        return batch(m, [&](auto all) { return end_.send_batch_for(all, d); });
    }
    strait::result<std::size_t> send_batch_until(std::span<T const> m, steady_clock::time_point w) override
    {
        return batch(m, [&](auto all) { return end_.send_batch_until(all, w); });
    }
    strait::result<std::size_t> send_batch_until(std::span<T const> m, system_clock::time_point w) override
    {
        return batch(m, [&](auto all) { return end_.send_batch_until(all, w); });
    }
    any_claimed<T> claim() override
    {
        if constexpr (claims)
            return claimed(end_.claim());
        else
            std::abort();
    }
    strait::result<any_claimed<T>> try_claim() override
    {
        if constexpr (claims) {
            auto c = end_.try_claim();
            if (!c)
                return c.error();
            return claimed(std::move(*c));
        } else {
            std::abort();
        }
    }
    any_claimed_text claim(std::size_t n) override
    {
        if constexpr (std::is_same_v<Carried, std::string>)
            return claimed_text(end_.claim(n));
        else
            std::abort();
    }
    strait::result<any_claimed_text> try_claim(std::size_t n) override
    {
        if constexpr (std::is_same_v<Carried, std::string>) {
            auto c = end_.try_claim(n);
            if (!c)
                return c.error();
            return claimed_text(std::move(*c));
        } else {
            std::abort();
        }
    }
    void flush() override { end_.flush(); }
    strait::result<void> try_flush() override { return end_.try_flush(); }
    strait::result<void> flush_for(nanoseconds d) override { return end_.flush_for(d); }
    strait::result<void> close() override { return end_.close(); }
    strait::channel_stats stats() const override { return end_.stats(); }
    int native_handle() const override
    {
        if constexpr (requires { end_.native_handle(); })
            return end_.native_handle();
        else
            return -1;
    }

private:
    static constexpr bool claims = requires(type& s) { s.claim(); };  // a message of fixed size
    static any_claimed_text claimed_text(strait::claimed<std::string, X> c)
    {
        return any_claimed_text(std::make_unique<claimed_text_of<X>>(std::move(c)));
    }
    static any_claimed<T> claimed(strait::claimed<Carried, X> c)
    {
        return any_claimed<T>(std::make_unique<claimed_of<T, Carried, X>>(std::move(c)));
    }

    type end_;
};

template <class T, class Carried, class X>
class receiver_of_transport final : public receiver_model<T> {
    using type = strait::receiver<Carried, X>;
    template <class Message>
    static auto in(Message m)
    {
        return from_carried<T, Carried>(std::move(m));
    }
    template <class Receive>
    static auto batch(std::span<T> m, Receive receive)
    {
        if constexpr (std::is_same_v<T, Carried>) {
            return receive(m);
        } else {
            std::vector<Carried> all(m.size());
            auto const n = receive(std::span<Carried>(all));
            for (std::size_t i = 0; i != m.size(); ++i)
                m[i] = from_carried<T, Carried>(all[i]);
            return n;
        }
    }
    template <class... Stop>
    bool into(T& m, Stop const&... stop)
    {
        if constexpr (std::is_same_v<T, Carried>) {
            return end_.receive(m, stop...);
        } else {
            Carried c = m;
            bool const there = end_.receive(c, stop...);
            m = from_carried<T, Carried>(c);
            return there;
        }
    }

public:
    explicit receiver_of_transport(type end) : end_(std::move(end)) {}
    receiver_of_transport(strait::endpoint const& where, strait::channel_options const* how)
        : end_(how ? type(where, options_from<X>(*how)) : type(where))
    {
    }

    std::unique_ptr<receiver_model<T>> moved() override { return std::make_unique<receiver_of_transport>(std::move(end_)); }
    void assign(receiver_model<T>& other) override { end_ = std::move(dynamic_cast<receiver_of_transport&>(other).end_); }
    void* end() override { return &end_; }
    std::optional<T> receive() override { return in(end_.receive()); }
    bool receive(T& m) override { return into(m); }
    std::optional<T> receive(std::stop_token const& stop) override { return in(end_.receive(stop)); }
    bool receive(T& m, std::stop_token const& stop) override { return into(m, stop); }
    strait::result<T> try_receive() override { return in(end_.try_receive()); }
    strait::result<T> receive_for(nanoseconds d) override { return in(end_.receive_for(d)); }
    strait::result<T> receive_until(steady_clock::time_point w) override { return in(end_.receive_until(w)); }
    strait::result<T> receive_until(system_clock::time_point w) override { return in(end_.receive_until(w)); }
    std::size_t receive_batch(std::span<T> m) override
    {
        return batch(m, [&](auto all) { return end_.receive_batch(all); });
    }
    strait::result<std::size_t> try_receive_batch(std::span<T> m) override
    {
        return batch(m, [&](auto all) { return end_.try_receive_batch(all); });
    }
    strait::result<std::size_t> receive_batch_for(std::span<T> m, nanoseconds d) override
    {
        return batch(m, [&](auto all) { return end_.receive_batch_for(all, d); });
    }
    strait::result<std::size_t> receive_batch_until(std::span<T> m, steady_clock::time_point w) override
    {
        return batch(m, [&](auto all) { return end_.receive_batch_until(all, w); });
    }
    strait::result<std::size_t> receive_batch_until(std::span<T> m, system_clock::time_point w) override
    {
        return batch(m, [&](auto all) { return end_.receive_batch_until(all, w); });
    }
    any_borrowed<T> borrow() override { return borrowed(end_.borrow()); }
    strait::result<any_borrowed<T>> try_borrow() override { return borrowed(end_.try_borrow()); }
    strait::result<any_borrowed<T>> borrow_for(nanoseconds d) override { return borrowed(end_.borrow_for(d)); }
    strait::result<any_borrowed<T>> borrow_until(steady_clock::time_point w) override { return borrowed(end_.borrow_until(w)); }
    strait::result<any_borrowed<T>> borrow_until(system_clock::time_point w) override { return borrowed(end_.borrow_until(w)); }
    void for_each(std::function<void(T const&)> const& f) override
    {
        for (auto const& m : end_)
            f(from_carried<T, Carried>(m));
    }
    bool range_is_over() override { return end_.begin() == end_.end(); }
    strait::end_reason end_reason() const override { return end_.end_reason(); }
    strait::result<void> close() override { return end_.close(); }
    strait::channel_stats stats() const override { return end_.stats(); }
    int native_handle() const override
    {
        if constexpr (requires { end_.native_handle(); })
            return end_.native_handle();
        else
            return -1;
    }
    strait::result<strait::peer_identity> peer() const override
    {
        if constexpr (requires { end_.peer(); })
            return end_.peer();
        else
            return strait::error_code(boost::system::errc::not_supported, boost::system::generic_category());
    }

private:
    static any_borrowed<T> borrowed(strait::borrowed<Carried, X> b)
    {
        return any_borrowed<T>(std::make_unique<borrowed_of<T, Carried, X>>(std::move(b)));
    }
    static strait::result<any_borrowed<T>> borrowed(strait::result<strait::borrowed<Carried, X>> b)
    {
        if (!b)
            return b.error();
        return borrowed(std::move(*b));
    }

    type end_;
};

template <class T, class Carried, class X>
class pair_of_transport final : public pair_model<T> {
    using type = typename strait::channel<Carried, X>::pair;

public:
    explicit pair_of_transport(type pair) : pair_(std::move(pair)) {}
    any_sender<T> sender() override { return wrapped(std::move(pair_).sender()); }
    any_receiver<T> receiver() override { return wrapped(std::move(pair_).receiver()); }
    std::pair<any_sender<T>, any_receiver<T>> split() override
    {
        auto [out, in] = std::move(pair_).split();
        return {wrapped(std::move(out)), wrapped(std::move(in))};
    }
    std::unique_ptr<pair_model<T>> moved() override { return std::make_unique<pair_of_transport>(std::move(pair_)); }

private:
    static any_sender<T> wrapped(strait::sender<Carried, X> end)
    {
        return any_sender<T>(std::make_unique<sender_of_transport<T, Carried, X>>(std::move(end)));
    }
    static any_receiver<T> wrapped(strait::receiver<Carried, X> end)
    {
        return any_receiver<T>(std::make_unique<receiver_of_transport<T, Carried, X>>(std::move(end)));
    }

    type pair_;
};

/// Makes ends over X, by name if it has names, and pairs if it has them.
template <class T, class Carried, class X, bool Named>
constexpr end_makers<T> make_end_makers()
{
    using sender_type = sender_of_transport<T, Carried, X>;
    using receiver_type = receiver_of_transport<T, Carried, X>;
    end_makers<T> makers{};
    if constexpr (Named) {
        makers.sender = [](strait::endpoint const& where, strait::channel_options const* how) {
            return any_sender<T>(std::make_unique<sender_type>(where, how));
        };
        makers.receiver = [](strait::endpoint const& where, strait::channel_options const* how) {
            return any_receiver<T>(std::make_unique<receiver_type>(where, how));
        };
        makers.open_sender = [](strait::endpoint const& where,
                                strait::channel_options const* how) -> strait::result<any_sender<T>> {
            using type = strait::sender<Carried, X>;
            auto end = how ? type::open(where, options_from<X>(*how)) : type::open(where);
            if (!end)
                return end.error();
            return any_sender<T>(std::make_unique<sender_type>(std::move(*end)));
        };
        makers.open_receiver = [](strait::endpoint const& where,
                                  strait::channel_options const* how) -> strait::result<any_receiver<T>> {
            using type = strait::receiver<Carried, X>;
            auto end = how ? type::open(where, options_from<X>(*how)) : type::open(where);
            if (!end)
                return end.error();
            return any_receiver<T>(std::make_unique<receiver_type>(std::move(*end)));
        };
        makers.remove = [](strait::endpoint const& where) { return strait::channel<Carried, X>::remove(where); };
    }
    if constexpr (X::guarantees.nameless)
        makers.make_pair = [](strait::channel_options const* how) {
            using channel = strait::channel<Carried, X>;
            return any_pair<T>(std::make_unique<pair_of_transport<T, Carried, X>>(
                how ? channel::make_pair(options_from<X>(*how)) : channel::make_pair()));
        };
    return makers;
}

}  // namespace support

#endif
