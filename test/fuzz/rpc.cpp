// Distributed under the Boost Software License, Version 1.0.
// Frames of requests and replies: a server that a hostile client asks, and a client that a hostile server answers, of an
// interface whose frames are plain and of one whose frames are encoded.
#include "fuzz.hpp"

#include <strait/detail/rpc/outstanding_requests.hpp>
#include <strait/detail/rpc/request_handler.hpp>

#include <stdexcept>

using namespace fuzz;
using strait::result;
using strait::detail::answer_request;
using strait::detail::codec;
using strait::detail::failure_instead_of;
using strait::detail::frame_kind;
using strait::detail::is_request;
using strait::detail::longest_failure;
using strait::detail::number_mask;
using strait::detail::outstanding_requests;
using strait::detail::read_frame;
using strait::detail::reply_frame;
using strait::detail::request_frame;
using strait::detail::rpc_frame_parser;
using strait::detail::unencodable;

namespace {

struct query {
    std::uint64_t account;
};
struct balance {
    std::int64_t cents;
    bool sound;
};
struct transfer {
    std::uint64_t from, to;
    bool urgent;
};
struct closing {
    std::uint32_t why;
};
using plain = strait::rpc_interface<balance(query), bool(transfer), void(closing)>;

struct page_request {
    std::string path;
};
struct page {
    std::vector<std::string> lines;
};
struct search {
    std::map<std::string, bool> options;
};
using coded = strait::rpc_interface<page(page_request), std::vector<std::uint32_t>(search), void(closing)>;

// Whatever is asked, some of it throws.
struct handler {
    balance operator()(query const& q) const
    {
        if (q.account % 3 == 0)
            throw std::runtime_error(std::string(q.account % 2000, 'x'));
        return {static_cast<std::int64_t>(q.account), q.account % 2 == 0};
    }
    bool operator()(transfer const& t) const
    {
        if (t.from == t.to)
            throw 7;
        return t.urgent;
    }
    void operator()(closing const& c) const
    {
        if (c.why == 1)
            throw std::runtime_error("");
    }
    page operator()(page_request const& r) const
    {
        if (r.path.empty())
            throw std::runtime_error("no path");
        return {{r.path, "second"}};
    }
    std::vector<std::uint32_t> operator()(search const& s) const { return std::vector<std::uint32_t>(s.options.size()); }
};

template <class Frame>
bytes encoded(Frame const& f)
{
    std::size_t const size = codec<Frame>::size(f);
    require(size != unencodable, "a frame of ours can be sent");
    bytes out(size);
    codec<Frame>::encode(f, out);
    return out;
}

template <class Frame>
result<Frame> decoded(std::span<std::byte const> some)
{
    auto const memory = exactly(some);
    return codec<Frame>::decode({memory.get(), some.size()});
}

template <class Interface>
class both_sides {
    using reply_type = reply_frame<Interface>;
    using request_type = request_frame<Interface>;
    using table = outstanding_requests<reply_type, int>;
    using outcome = typename table::outcome;

    enum class state { asked, abandoned, answered };

public:
    // The client asks; some of what it asks reaches the server, which may answer at once, later, twice or never.
    void play(input& in)
    {
        while (!in.empty()) {
            unsigned const op = in.byte();
            switch (op % 8) {
            case 0: ask(op / 8); break;
            case 1:
                if (!requests_.empty())
                    serve(requests_[in.byte() % requests_.size()]);
                break;
            case 2:
                if (!replies_.empty())
                    hear(replies_[in.byte() % replies_.size()]);
                break;
            case 3: serve(in.take_bytes(op / 8 + in.byte())); break;
            case 4: hear(in.take_bytes(op / 8 + in.byte())); break;
            case 5:
            case 6: {  // one of ours with a byte changed
                auto const& all = op % 8 == 5 ? requests_ : replies_;
                if (all.empty())
                    break;
                bytes changed = all[op / 8 % all.size()];
                std::size_t const at = in.byte() % changed.size();
                changed[at] = in.take<std::byte>();
                op % 8 == 5 ? serve(changed) : hear(changed);
                break;
            }
            default: forget(op / 8);
            }
            require(client_.awaited() == count(state::asked) + count(state::answered), "what is awaited is counted");
        }
    }

private:
    void ask(unsigned what)
    {
        if (asked_.size() == 40)
            return;
        std::uint64_t const number = client_.draw();
        request_type f;
        std::size_t index = what % 3;
        if constexpr (std::is_same_v<Interface, plain>) {
            switch (index) {
            case 0: strait::detail::fill_frame<request_type, 0>(f, number, query{what * 7U}); break;
            case 1: strait::detail::fill_frame<request_type, 1>(f, number, transfer{1, what % 5U, false}); break;
            default: strait::detail::fill_frame<request_type, 2>(f, number, closing{what % 4U}); break;
            }
        } else {
            switch (index) {
            case 0: strait::detail::fill_frame<request_type, 0>(f, number, page_request{std::string(what, 'p')}); break;
            case 1: strait::detail::fill_frame<request_type, 1>(f, number, search{{{"a", true}}}); break;
            default: strait::detail::fill_frame<request_type, 2>(f, number, closing{what % 4U}); break;
            }
        }
        requests_.push_back(encoded(f));
        client_.add(number, index, 1);
        asked_.emplace(number, state::asked);
    }

    void serve(std::span<std::byte const> some)
    {
        auto f = decoded<request_type>(some);
        if (!f)
            return;
        std::uint64_t const number = rpc_frame_parser<request_type>(*f).number();
        bool const is_one = is_request<Interface>(*f);
        handler h;
        std::size_t parts = 0;
        std::size_t replies = 0;
        bool const answered = answer_request<Interface>(*f, h, [&](reply_type const& r) {
            rpc_frame_parser<reply_type> const p(r);
            require(p.number() == number, "a reply has the number of its request");
            require(p.kind() != frame_kind::malformed && replies == 0, "a reply is sound, and the last of its frames");
            (p.kind() == frame_kind::part_of_failure ? parts : replies) += 1;
            if (replies_.size() < 100)
                replies_.push_back(encoded(r));
            for (reply_type const& other : failure_instead_of(r, "too large"))
                require(rpc_frame_parser<reply_type>(other).number() == number, "so has what is sent instead");
        });
        require(answered == is_one, "what is a request is answered");
        require(replies == (answered ? 1U : 0U) && parts <= longest_failure, "it is answered once");
    }

    void hear(std::span<std::byte const> some)
    {
        auto f = decoded<reply_type>(some);
        if (!f)
            return client_.count_malformed();
        std::uint64_t const number = rpc_frame_parser<reply_type>(*f).number();
        typename table::request* whose = nullptr;
        outcome const said = client_.receive(*f, whose);
        auto const at = asked_.find(number);
        switch (said) {
        case outcome::malformed: return;
        case outcome::incomplete: require(at != asked_.end() && at->second != state::answered, "only what is outstanding fails"); return;
        case outcome::late:
            require(at != asked_.end() && at->second == state::abandoned, "only what was abandoned is late");
            asked_.erase(at);
            return;
        case outcome::reply:
        case outcome::failure:
            require(at != asked_.end() && at->second == state::asked, "a request is answered once");
            require(whose && whose->number == number && whose->failure.size() <= longest_failure, "an answer is of its request");
            at->second = state::answered;
            if (said == outcome::reply)
                read(*f, whose->index);
        }
    }

    template <std::size_t I = 0>
    void read(reply_type& f, std::size_t index)
    {
        if constexpr (I < std::tuple_size_v<typename Interface::replies>) {
            if (index != I)
                return read<I + 1>(f, index);
            auto const message = read_frame<I, std::tuple_element_t<I, typename Interface::replies>>(f);
            if (!message)
                client_.count_malformed();
        } else
            fail("a reply has the index of a request");
    }

    void forget(unsigned which)
    {
        if (asked_.empty())
            return;
        auto const at = std::next(asked_.begin(), static_cast<std::ptrdiff_t>(which % asked_.size()));
        if (at->second == state::answered) {
            client_.remove(at->first);
            asked_.erase(at);
        } else {
            client_.abandon(at->first);
            at->second = state::abandoned;
        }
    }

    std::size_t count(state wanted) const
    {
        return static_cast<std::size_t>(std::count_if(asked_.begin(), asked_.end(), [&](auto const& a) { return a.second == wanted; }));
    }

    table client_;
    std::map<std::uint64_t, state> asked_;
    std::vector<bytes> requests_;
    std::vector<bytes> replies_;
};

}  // namespace

void fuzz::harness::run(std::span<std::byte const> all)
{
    input in(all);
    if (in.byte() % 2 == 0)
        both_sides<plain>().play(in);
    else
        both_sides<coded>().play(in);
}

std::vector<bytes> fuzz::harness::seeds()
{
    std::vector<bytes> all;
    for (unsigned kind = 0; kind != 2; ++kind) {
        all.push_back(output().byte(kind).byte(0).byte(8).byte(16).byte(1).byte(0).byte(1).byte(1).byte(1).byte(2).byte(2).byte(0).byte(2).byte(1).byte(7).byte(2).byte(2));
        all.push_back(output().byte(kind).byte(8 * 9).byte(1).byte(0).byte(7).byte(2).byte(0).byte(2).byte(0));
    }
    all.push_back(output().byte(1).byte(0).byte(4).byte(40).add(std::uint64_t{0}).byte(1).add(std::uint32_t{1}).add(std::uint32_t{3}).byte('a').byte('b').byte('c'));
    return all;
}
