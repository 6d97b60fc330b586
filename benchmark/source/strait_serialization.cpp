// Distributed under the Boost Software License, Version 1.0.
#include "serialization.hpp"
#include "strait_cases.hpp"
#include <strait/serialization.hpp>

#include <span>

namespace benchmark {
namespace {

// What a sender and a receiver of a channel<order, X> do with a message, without the channel.
template <bool Reused>
class strait_format {
public:
    explicit strait_format(std::vector<order> const& orders) : orders_(orders) {}

    std::size_t encode(std::size_t i)
    {
        std::size_t const size = codec::size(orders_[i]);
        if (size > encoded_orders::room) [[unlikely]]  // as a transport looks at it
            throw broken_channel("an order is too large");
        codec::encode(orders_[i], encoded_.place(i).first(size));
        return encoded_.set_size(i, size);
    }

    template <class Use>
    void decode(std::size_t i, Use use)
    {
        if constexpr (Reused) {
            if (codec::decode(encoded_.bytes(i), decoded_)) [[unlikely]]
                cannot_decode(i);
            use(decoded_);
        } else {
            auto const fresh = codec::decode(encoded_.bytes(i));
            if (!fresh) [[unlikely]]
                cannot_decode(i);
            use(*fresh);
        }
    }

    static order const& as_order(order const& o) { return o; }

private:
    using codec = strait::detail::codec<order>;

    std::vector<order> const& orders_;
    encoded_orders encoded_;
    order decoded_{};
};

}  // namespace

std::vector<benchmark_case> serialization_cases()
{
    std::string const how = "the portable encoding, by the functions that the ends of a channel call; ";
    return {serialization_case<strait_format<true>>("strait/serialization/reused", "strait",
                                                    "strait, decoded into the same order",
                                                    how + "as receive(message) does it: into one order"),
            serialization_case<strait_format<false>>("strait/serialization/new", "strait",
                                                     "strait, decoded into a new order",
                                                     how + "as receive() does it: into a new order each time")};
}

}  // namespace benchmark
