// Distributed under the Boost Software License, Version 1.0.
// Messages that cannot be decoded: each is reported once, and the next one follows.

#include <strait/channel.hpp>
#include <strait/transport/anonymous_pipe.hpp>
#include <strait/transport/posix_mqueue.hpp>
#include <strait/transport/shm_broadcast.hpp>
#include <strait/transport/shm_ring.hpp>
#include <strait/transport/unix_stream.hpp>

#include <array>
#include <cstring>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <support/code.hpp>
#include <support/names.hpp>
#include <support/typed_case.hpp>
#include <support/watchdog.hpp>

#include <boost/test/unit_test.hpp>

namespace channel_decoding {

namespace {

using strait::errc;
using support::code;

enum class deed : unsigned char { decode, want_memory, complain };

struct fragile {
    deed what = deed::decode;
};

struct shown : fragile {};

// Does what the message says.
inline void act(std::span<std::byte const> in)
{
    switch (static_cast<deed>(in[0])) {
    case deed::want_memory: throw std::bad_alloc();
    case deed::complain: throw std::domain_error("an invariant");
    default: break;
    }
}

template <class T>
struct fragile_serializer {
    static constexpr std::uint64_t fingerprint = 0x66726167;
    static std::size_t size(T const&) { return 1; }
    static void encode(T const& t, std::span<std::byte> out) { out[0] = static_cast<std::byte>(t.what); }
    static strait::result<T> decode(std::span<std::byte const> in)
    {
        act(in);
        T t;
        t.what = static_cast<deed>(in[0]);
        return t;
    }
};

using mechanisms = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpsc>, strait::shm_ring<strait::mpmc>,
                              strait::shm_ring<strait::broadcast<strait::lossless>>,
                              strait::shm_ring<strait::broadcast<strait::lossy>>, strait::posix_mqueue, strait::anonymous_pipe,
                              strait::unix_stream>;

template <class T, class X>
auto open_both()
{
    if constexpr (X::guarantees.nameless)
        return strait::channel<T, X>::make_pair().split();
    else {
        auto const where = support::unique_name();
        strait::receiver<T, X> in{where};
        strait::sender<T, X> out{where};
        return std::pair(std::move(out), std::move(in));
    }
}

// Receives in one form after the other a message that is not decoded for this reason, and then one that is.
template <class T, class X, class Receive>
void check_each_form(deed bad, Receive failed)
{
    auto ends = open_both<T, X>();
    auto& out = ends.first;
    auto& in = ends.second;
    T message;
    auto const send = [&](deed d) {
        T t;
        t.what = d;
        out.send(t);
    };
    auto const fails_once = [&](char const* form, auto receive) {
        BOOST_TEST_CONTEXT(form)
        {
            send(bad);
            send(deed::decode);
            failed(receive);
            auto const next = in.try_receive();
            BOOST_TEST(!code(next));
        }
    };
    fails_once("try_receive", [&] { return code(in.try_receive()); });
    fails_once("receive", [&] { (void)in.receive(); });
    fails_once("receive into", [&] { (void)in.receive(message); });
    fails_once("receive_batch", [&] {
        std::array<T, 1> batch;
        return code(in.try_receive_batch(batch));
    });
    fails_once("borrow", [&] { return code(in.try_borrow()); });
    BOOST_TEST(in.stats().dropped == 5U);
}

bool memory_is_scarce = false;

template <class T>
struct scarce {
    using value_type = T;
    scarce() = default;
    template <class U>
    scarce(scarce<U> const&)
    {
    }
    T* allocate(std::size_t n) { return memory_is_scarce ? throw std::bad_alloc() : std::allocator<T>().allocate(n); }
    void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
    bool operator==(scarce const&) const = default;
};

using scarce_numbers = std::vector<std::uint32_t, scarce<std::uint32_t>>;

struct scarce_parts {
    std::string name;
    scarce_numbers numbers;
};

// Receives in each form while there is no memory, and then while there is.
template <class T, class X>
void check_without_memory(T const& message)
{
    auto ends = open_both<T, X>();
    auto& out = ends.first;
    auto& in = ends.second;
    auto const fails_once = [&](char const* form, auto receive) {
        BOOST_TEST_CONTEXT(form)
        {
            out.send(message);
            out.send(message);
            memory_is_scarce = true;
            auto const first = receive();
            memory_is_scarce = false;
            BOOST_TEST((first == errc::out_of_memory));
            BOOST_TEST(!receive());
            BOOST_TEST((code(in.try_receive()) == errc::empty));
        }
    };
    fails_once("try_receive", [&] { return code(in.try_receive()); });
    fails_once("receive", [&] {
        try {
            return strait::error_code(in.receive() ? errc() : errc::closed);
        } catch (boost::system::system_error const& e) {
            return e.code();
        }
    });
    fails_once("receive into", [&] {
        T fresh;
        try {
            return strait::error_code(in.receive(fresh) ? errc() : errc::closed);
        } catch (boost::system::system_error const& e) {
            return e.code();
        }
    });
    fails_once("receive_batch", [&] {
        std::array<T, 1> batch;
        return code(in.try_receive_batch(batch));
    });
    BOOST_TEST(in.stats().dropped == 4U);
}

struct fixture {
    support::watchdog watch;
};

}  // namespace

}  // namespace channel_decoding

template <>
struct strait::serializer<channel_decoding::fragile> : channel_decoding::fragile_serializer<channel_decoding::fragile> {};

template <>
struct strait::serializer<channel_decoding::shown> : channel_decoding::fragile_serializer<channel_decoding::shown> {
    using view_type = channel_decoding::deed;
    static strait::error_code validate(std::span<std::byte const> in)
    {
        channel_decoding::act(in);
        return {};
    }
    static view_type view(std::span<std::byte const> in) { return static_cast<channel_decoding::deed>(in[0]); }
};

namespace channel_decoding {

BOOST_FIXTURE_TEST_SUITE(decoding, fixture)

TYPED_CASE(a_message_that_there_is_no_memory_for_is_reported_and_consumed, X, mechanisms)
{
    auto const is_reported = [](auto receive) {
        if constexpr (std::is_void_v<decltype(receive())>)
            BOOST_CHECK_EXCEPTION(receive(), boost::system::system_error,
                                  [](auto const& e) { return e.code() == errc::out_of_memory; });
        else
            BOOST_TEST((receive() == errc::out_of_memory));
    };
    check_each_form<fragile, X>(deed::want_memory, is_reported);
    check_each_form<shown, X>(deed::want_memory, is_reported);
}

TYPED_CASE(containers_that_get_no_memory_are_reported, X, mechanisms)
{
    scarce_numbers const numbers(20, 7);
    check_without_memory<scarce_numbers, X>(numbers);
    check_without_memory<scarce_parts, X>({"parts", numbers});
}

TYPED_CASE(a_message_whose_serializer_throws_is_consumed, X, mechanisms)
{
    auto const is_thrown = [](auto receive) { BOOST_CHECK_THROW(receive(), std::domain_error); };
    check_each_form<fragile, X>(deed::complain, is_thrown);
    check_each_form<shown, X>(deed::complain, is_thrown);
}

using named = std::tuple<strait::shm_ring<>, strait::shm_ring<strait::mpmc>, strait::shm_ring<strait::broadcast<strait::lossless>>,
                         strait::posix_mqueue, strait::unix_stream>;

TYPED_CASE(a_message_that_is_malformed_where_it_lies_is_consumed, X, named)
{
    using numbers = std::vector<std::uint64_t>;
    std::string const name = support::unique_name();
    strait::receiver<numbers, X> in{name};
    auto out = X::template sender_end<strait::detail::codec<numbers>::layout>::open(name, {}, "numbers").value();
    for (std::size_t const bytes : {12U, 16U}) {  // one and a half, and two
        std::memset(out.reserve(bytes, strait::deadline::never()).value().data(), 0, bytes);
        out.commit(bytes);
        BOOST_TEST_REQUIRE(out.flush(strait::deadline::never()).has_value());
    }
    strait::error_code first = errc::empty;
    while (first == errc::empty)  // its sender is being accepted
        first = code(in.try_borrow());
    BOOST_TEST((first == errc::malformed_message));
    auto const second = in.borrow();
    BOOST_TEST_REQUIRE(static_cast<bool>(second));
    BOOST_TEST((*second).size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace channel_decoding
