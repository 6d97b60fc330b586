// Distributed under the Boost Software License, Version 1.0.
#include "serialization.hpp"

#include <array>
#include <string_view>

#include "order_generated.h"

namespace benchmark {
namespace {

std::string_view text(flatbuffers::String const* s) { return {s->c_str(), s->size()}; }

// An Order in its buffer, looked at as the user of a view would: every number, every element, the place, length and
// first byte of every string. Absent members, which the verifier lets pass, are refused.
bool read_all(by_flatbuffers::Order const& view, std::uint64_t& sum, double& total)
{
    if (!view.symbol() || !view.account() || !view.note() || !view.tags() || !view.fills()) [[unlikely]]
        return false;
    sum += view.id() + static_cast<std::uint64_t>(view.time()) + static_cast<std::uint32_t>(view.quantity()) +
           view.flags();
    total += view.price();
    auto const look = [&sum](std::string_view s) { sum += s.size() + static_cast<unsigned char>(*s.data()); };
    look(text(view.symbol()));
    look(text(view.account()));
    look(text(view.note()));
    for (auto const* tag : *view.tags())
        look(text(tag));
    for (double const fill : *view.fills())
        total += fill;
    return true;
}

bool unpack(by_flatbuffers::Order const& view, order& o)
{
    if (!view.symbol() || !view.account() || !view.note() || !view.tags() || !view.fills()) [[unlikely]]
        return false;
    o.id = view.id();
    o.time = view.time();
    o.price = view.price();
    o.quantity = view.quantity();
    o.flags = view.flags();
    o.symbol = text(view.symbol());
    o.account = text(view.account());
    o.note = text(view.note());
    o.tags.resize(view.tags()->size());
    for (flatbuffers::uoffset_t i = 0; i != view.tags()->size(); ++i)
        o.tags[i] = text(view.tags()->Get(i));
    o.fills.assign(view.fills()->data(), view.fills()->data() + view.fills()->size());
    return true;
}

enum class target { in_place, reused, fresh };

template <target Target>
class flatbuffers_format {
public:
    explicit flatbuffers_format(std::vector<order> const& orders) : orders_(orders) {}

    std::size_t encode(std::size_t i)
    {
        order const& o = orders_[i];
        flatbuffers::FlatBufferBuilder& to = builders_[i];
        to.Clear();
        auto const symbol = to.CreateString(o.symbol);
        auto const account = to.CreateString(o.account);
        auto const note = to.CreateString(o.note);
        auto const tags = to.CreateVectorOfStrings(o.tags);
        auto const fills = to.CreateVector(o.fills);
        to.Finish(by_flatbuffers::CreateOrder(to, o.id, o.time, o.price, o.quantity, o.flags, symbol, account, note,
                                              tags, fills));
        return to.GetSize();
    }

    template <class Use>
    void decode(std::size_t i, Use use)
    {
        flatbuffers::FlatBufferBuilder const& from = builders_[i];
        flatbuffers::Verifier verifier(from.GetBufferPointer(), from.GetSize());
        if (!by_flatbuffers::VerifyOrderBuffer(verifier)) [[unlikely]]
            cannot_decode(i);
        auto const& view = *by_flatbuffers::GetOrder(from.GetBufferPointer());
        if constexpr (Target == target::in_place) {
            if (!read_all(view, sum_, total_)) [[unlikely]]
                cannot_decode(i);
            use(view);
        } else if constexpr (Target == target::reused) {
            if (!unpack(view, decoded_)) [[unlikely]]
                cannot_decode(i);
            use(decoded_);
        } else {
            order fresh;
            if (!unpack(view, fresh)) [[unlikely]]
                cannot_decode(i);
            use(fresh);
        }
    }

    static order const& as_order(order const& o) { return o; }
    static order as_order(by_flatbuffers::Order const& view)
    {
        order o;
        unpack(view, o);
        return o;
    }

private:
    std::vector<order> const& orders_;
    std::array<flatbuffers::FlatBufferBuilder, orders_in_a_row> builders_;
    order decoded_{};
    std::uint64_t sum_ = 0;
    double total_ = 0;
};

std::vector<benchmark_case> cases()
{
    std::string const how = "a FlatBufferBuilder from the members of an order, cleared for each; verified, then ";
    return {serialization_case<flatbuffers_format<target::in_place>>(
                "rival/serialization/flatbuffers/in_place", "rival", "FlatBuffers, read in place",
                how + "all numbers, and the place, length and first byte of all strings, read where they lie"),
            serialization_case<flatbuffers_format<target::reused>>("rival/serialization/flatbuffers/reused", "rival",
                                                                   "FlatBuffers, unpacked into the same order",
                                                                   how + "unpacked by hand into one order"),
            serialization_case<flatbuffers_format<target::fresh>>(
                "rival/serialization/flatbuffers/new", "rival", "FlatBuffers, unpacked into a new order",
                how + "unpacked by hand into a new order each time")};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
