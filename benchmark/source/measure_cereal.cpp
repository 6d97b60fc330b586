// Distributed under the Boost Software License, Version 1.0.
#include "archive_format.hpp"

#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

namespace benchmark {

template <class Archive>
void serialize(Archive& archive, order& o)
{
    archive(o.id, o.time, o.price, o.quantity, o.flags, o.symbol, o.account, o.note, o.tags, o.fills);
}

namespace {

struct cereal_archives {
    class writer {
    public:
        explicit writer(std::streambuf& to) : stream_(&to), archive_(stream_) {}
        void write(order const& o) { archive_(o); }

    private:
        std::ostream stream_;
        cereal::BinaryOutputArchive archive_;
    };

    class reader {
    public:
        explicit reader(std::streambuf& from) : stream_(&from), archive_(stream_) {}
        void read(order& o) { archive_(o); }

    private:
        std::istream stream_;
        cereal::BinaryInputArchive archive_;
    };
};

std::vector<benchmark_case> cases()
{
    std::string const how = "BinaryOutputArchive and BinaryInputArchive, kept, over a std::streambuf of the caller's "
                            "memory (it has no other interface); ";
    return {serialization_case<archive_format<cereal_archives, true>>(
                "rival/serialization/cereal/reused", "rival", "cereal, decoded into the same order",
                how + "into one order"),
            serialization_case<archive_format<cereal_archives, false>>(
                "rival/serialization/cereal/new", "rival", "cereal, decoded into a new order",
                how + "into a new order each time")};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
