// Distributed under the Boost Software License, Version 1.0.
#ifndef SUPPORT_TYPED_CASE_HPP
#define SUPPORT_TYPED_CASE_HPP

#include <boost/core/demangle.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <tuple>
#include <typeinfo>
#include <utility>
#include <vector>

namespace support {

/// A test case for each of a list of types.
class typed_cases : public boost::unit_test::test_unit_generator {
public:
    using each = std::pair<std::type_info const*, void (*)()>;

    typed_cases(char const* name, char const* file, std::size_t line, std::vector<each> cases)
        : name_(name), file_(file), line_(line), cases_(std::move(cases))
    {
    }

    boost::unit_test::test_unit* next() const override
    {
        if (at_ == cases_.size())
            return nullptr;
        auto const& [type, run] = cases_[at_++];
        std::string of;
        for (char const c : boost::core::demangle(type->name()))
            of += c == ' ' ? '_' : c == ':' ? '.' : c;  // which the option --run_test can name
        return boost::unit_test::make_test_case(run, name_ + std::string("<") + of + ">", file_, line_);
    }

private:
    char const* name_;
    char const* file_;
    std::size_t line_;
    std::vector<each> cases_;
    mutable std::size_t at_ = 0;
};

template <template <class> class Test, class... S>
std::vector<typed_cases::each> cases_of(std::tuple<S...> const*)
{
    return {{&typeid(S), [] { Test<S>()(); }}...};
}

}  // namespace support

/// A test for each type `S` of the std::tuple `list`; `host` is its fixture. BOOST_FIXTURE_TEST_CASE_TEMPLATE, but that each
/// type costs the compiler one function instead of six.
#define TYPED_CASE_ON(host, name, S, list)                                                                                   \
    template <class S>                                                                                                       \
    struct name : host {                                                                                                     \
        void operator()();                                                                                                   \
    };                                                                                                                       \
    BOOST_AUTO_TU_REGISTRAR(name)                                                                                            \
    (support::typed_cases(#name, __FILE__, __LINE__, support::cases_of<name>(static_cast<list const*>(nullptr))),            \
     boost::unit_test::decorator::collector_t::instance());                                                                  \
    template <class S>                                                                                                       \
    void name<S>::operator()()

/// A test for each type `S` of the std::tuple `list`, with the fixture of its suite.
#define TYPED_CASE(name, S, list) TYPED_CASE_ON(BOOST_AUTO_TEST_CASE_FIXTURE, name, S, list)

#endif
