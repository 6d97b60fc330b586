// Distributed under the Boost Software License, Version 1.0.
#include "serialization.hpp"

#include <google/protobuf/arena.h>

#include "order.pb.h"

namespace benchmark {
namespace {

enum class target { reused, fresh, in_arena };

// Its own class at both ends: nothing is copied from or to an order while it is measured.
template <target Target>
class protobuf_format {
public:
    explicit protobuf_format(std::vector<order> const& orders)
    {
        for (order const& o : orders)
            orders_.push_back(of(o));
    }

    std::size_t encode(std::size_t i)
    {
        std::size_t const size = orders_[i].ByteSizeLong();
        if (size > encoded_orders::room) [[unlikely]]
            throw broken_channel("an order is too large");
        orders_[i].SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(encoded_.place(i).data()));
        return encoded_.set_size(i, size);
    }

    template <class Use>
    void decode(std::size_t i, Use use)
    {
        if constexpr (Target == target::reused)
            decode_into(i, decoded_, use);
        else if constexpr (Target == target::in_arena) {
            decode_into(i, *google::protobuf::Arena::CreateMessage<by_protobuf::Order>(&arena_), use);
            arena_.Reset();
        } else {
            by_protobuf::Order fresh;
            decode_into(i, fresh, use);
        }
    }

    static order as_order(by_protobuf::Order const& m)
    {
        return {m.id(),      m.time(), m.price(), m.quantity(), m.flags(), m.symbol(),
                m.account(), m.note(), {m.tags().begin(), m.tags().end()},
                {m.fills().begin(), m.fills().end()}};
    }

private:
    static by_protobuf::Order of(order const& o)
    {
        by_protobuf::Order m;
        m.set_id(o.id);
        m.set_time(o.time);
        m.set_price(o.price);
        m.set_quantity(o.quantity);
        m.set_flags(o.flags);
        m.set_symbol(o.symbol);
        m.set_account(o.account);
        m.set_note(o.note);
        for (std::string const& tag : o.tags)
            m.add_tags(tag);
        m.mutable_fills()->Add(o.fills.begin(), o.fills.end());
        return m;
    }

    template <class Use>
    void decode_into(std::size_t i, by_protobuf::Order& m, Use use)
    {
        auto const bytes = encoded_.bytes(i);
        if (!m.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) [[unlikely]]
            cannot_decode(i);
        use(m);
    }

    std::vector<by_protobuf::Order> orders_;
    encoded_orders encoded_;
    by_protobuf::Order decoded_;
    std::vector<char> block_ = std::vector<char>(16'384);
    google::protobuf::Arena arena_{block_.data(), block_.size()};
};

std::vector<benchmark_case> cases()
{
    std::string const how = "proto3, optimize_for SPEED, fixed numbers, bytes instead of strings (no UTF-8 check); "
                            "ByteSizeLong(), SerializeWithCachedSizesToArray(), ParseFromArray() of its own class, "
                            "never copied to or from an order; ";
    return {serialization_case<protobuf_format<target::reused>>("rival/serialization/protobuf/reused", "rival",
                                                                "Protobuf, decoded into the same message",
                                                                how + "into one message"),
            serialization_case<protobuf_format<target::fresh>>("rival/serialization/protobuf/new", "rival",
                                                               "Protobuf, decoded into a new message",
                                                               how + "into a new message each time"),
            serialization_case<protobuf_format<target::in_arena>>(
                "rival/serialization/protobuf/arena/new", "rival", "Protobuf, decoded into a new message of an arena",
                how + "into a new message of an arena of 16 KiB, which is reset after each")};
}

}  // namespace
}  // namespace benchmark

int main(int argc, char** argv) { return benchmark::run_program(argc, argv, benchmark::cases()); }
