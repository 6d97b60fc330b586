// Distributed under the Boost Software License, Version 1.0.
#include <strait/error.hpp>

#include <boost/test/unit_test.hpp>

#include <any>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace unit_result {

BOOST_AUTO_TEST_SUITE(result)

namespace {

using strait::errc;

static_assert(std::is_trivially_copyable_v<strait::result<int>>);
static_assert(std::is_trivially_copyable_v<strait::result<void>>);
static_assert(!std::is_copy_constructible_v<strait::result<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<strait::result<std::unique_ptr<int>>>);
static_assert(!std::is_default_constructible_v<strait::result<std::reference_wrapper<int>>>);
static_assert(!std::is_convertible_v<strait::result<int>, bool>);
static_assert(!std::is_convertible_v<std::string, strait::result<int>>);
static_assert(*strait::result<int>(7) == 7);
static_assert(strait::result<void>());

/// Counts those that live; the move of one that says so throws.
struct counted {
    counted() { ++living; }
    counted(counted const& other) : throws(other.throws) { ++living; }
    counted(counted&& other) : throws(other.throws)
    {
        if (throws)
            throw std::runtime_error("moved");
        ++living;
    }
    counted& operator=(counted const&) = delete;
    ~counted() { --living; }

    bool throws = false;
    static inline int living = 0;
};

}  // namespace

BOOST_AUTO_TEST_CASE(holds_a_value_or_an_error)
{
    strait::result<std::string> r = "text";
    BOOST_TEST(r.has_value());
    BOOST_TEST(!r.has_error());
    BOOST_TEST(*r == "text");
    BOOST_TEST(r->size() == 4U);
    BOOST_TEST((r.error() == strait::error_code()));
    BOOST_TEST(std::move(r).value() == "text");
    r = errc::empty;
    BOOST_TEST(!r);
    BOOST_TEST((r.error() == errc::empty));
    BOOST_CHECK_EXCEPTION((void)r.value(), boost::system::system_error, [](auto const& e) { return e.code() == errc::empty; });
    r = std::string(100, 'x');
    BOOST_TEST(r->size() == 100U);
    BOOST_TEST(strait::result<std::string>().value().empty());
}

BOOST_AUTO_TEST_CASE(a_success_without_a_value)
{
    strait::result<void> r;
    BOOST_TEST(r.has_value());
    r.value();
    r = errc::full;
    BOOST_TEST(r.has_error());
    BOOST_TEST((r.error() == errc::full));
    BOOST_CHECK_THROW(r.value(), boost::system::system_error);
    // A code of 0 is an error, too, when it is given as one.
    BOOST_TEST(!strait::result<void>(strait::error_code()).has_value());
    BOOST_TEST((strait::result<void>() == strait::result<void>(std::in_place)));
    BOOST_TEST(!(r == strait::result<void>()));
}

BOOST_AUTO_TEST_CASE(tags_say_which_where_types_do_not)
{
    strait::error_code const code = errc::busy;
    strait::result<strait::error_code> const value(std::in_place, code);
    strait::result<strait::error_code> const error(strait::unexpect, code);
    BOOST_TEST((value.has_value() && *value == errc::busy));
    BOOST_TEST((error.has_error() && error.error() == errc::busy));
    strait::result<std::any> const any(strait::unexpect, code);
    BOOST_TEST(any.has_error());
    BOOST_TEST((strait::result<std::vector<int>>(std::in_place, 3U, 1)->size() == 3U));
}

BOOST_AUTO_TEST_CASE(equal_when_both_are_the_value_or_the_error)
{
    using r = strait::result<int>;
    BOOST_TEST((r(1) == r(1)));
    BOOST_TEST(!(r(1) == r(2)));
    BOOST_TEST(!(r(0) == r(errc::full)));
    BOOST_TEST((r(errc::full) == r(errc::full)));
    BOOST_TEST(!(r(errc::full) == r(errc::empty)));
}

BOOST_AUTO_TEST_CASE(values_that_move_only_are_moved)
{
    strait::result<std::unique_ptr<int>> r = std::make_unique<int>(5);
    auto moved = std::move(r);
    BOOST_TEST(**moved == 5);
    BOOST_TEST(*r == nullptr);
    std::unique_ptr<int> const p = *std::move(moved);
    BOOST_TEST(*p == 5);
}

BOOST_AUTO_TEST_CASE(each_value_is_destroyed_once)
{
    {
        strait::result<counted> a;
        strait::result<counted> b = a;
        strait::result<counted> c = std::move(a);
        BOOST_TEST(counted::living == 3);
        c = errc::empty;
        BOOST_TEST(counted::living == 2);
        c = b;
        BOOST_TEST(counted::living == 3);
        auto const& same = c;
        c = same;
        BOOST_TEST(counted::living == 3);
        b = c;
        BOOST_TEST(counted::living == 3);
        strait::result<counted> e = errc::full;
        b = e;
        BOOST_TEST((b.error() == errc::full));
        BOOST_TEST(counted::living == 2);
    }
    BOOST_TEST(counted::living == 0);
}

BOOST_AUTO_TEST_CASE(an_assignment_that_throws_leaves_no_value)
{
    {
        strait::result<counted> to;
        strait::result<counted> from;
        from->throws = true;
        BOOST_CHECK_THROW(to = std::move(from), std::runtime_error);
        BOOST_TEST(!to);
        BOOST_TEST((to.error() == strait::error_code()));
        BOOST_TEST(counted::living == 1);
    }
    BOOST_TEST(counted::living == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace unit_result
