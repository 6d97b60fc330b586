// Distributed under the Boost Software License, Version 1.0.
#include "archive_format.hpp"

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/level.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/tracking.hpp>
#include <boost/serialization/vector.hpp>

BOOST_CLASS_IMPLEMENTATION(benchmark::order, boost::serialization::object_serializable)
BOOST_CLASS_TRACKING(benchmark::order, boost::serialization::track_never)
BOOST_CLASS_IMPLEMENTATION(std::vector<std::string>, boost::serialization::object_serializable)
BOOST_CLASS_TRACKING(std::vector<std::string>, boost::serialization::track_never)
BOOST_CLASS_IMPLEMENTATION(std::vector<double>, boost::serialization::object_serializable)
BOOST_CLASS_TRACKING(std::vector<double>, boost::serialization::track_never)

namespace benchmark {

template <class Archive>
void serialize(Archive& archive, order& o, unsigned)
{
    archive & o.id & o.time & o.price & o.quantity & o.flags & o.symbol & o.account & o.note & o.tags & o.fills;
}

namespace {

constexpr unsigned plain = boost::archive::no_header | boost::archive::no_codecvt;

struct boost_archives {
    class writer {
    public:
        explicit writer(std::streambuf& to) : archive_(to, plain) {}
        void write(order const& o) { archive_ << o; }

    private:
        boost::archive::binary_oarchive archive_;
    };

    class reader {
    public:
        explicit reader(std::streambuf& from) : archive_(from, plain) {}
        void read(order& o) { archive_ >> o; }

    private:
        boost::archive::binary_iarchive archive_;
    };
};

std::vector<benchmark_case> cases()
{
    std::string const how = "binary archives, kept, over a std::streambuf of the caller's memory; no header, no "
                            "codecvt, object_serializable and track_never for the order and its vectors; ";
    return {serialization_case<archive_format<boost_archives, true>>(
                "rival/serialization/boost/reused", "rival", "Boost.Serialization, decoded into the same order",
                how + "into one order"),
            serialization_case<archive_format<boost_archives, false>>(
                "rival/serialization/boost/new", "rival", "Boost.Serialization, decoded into a new order",
                how + "into a new order each time")};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
