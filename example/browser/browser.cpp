// Distributed under the Boost Software License, Version 1.0.
// A parent and a renderer process for each tab. A page that crashes its renderer harms no other tab.
#include "../support/over.hpp"
#include "../support/process.hpp"

#include <strait.hpp>

#include <cstdlib>
#include <optional>

struct page {
    std::string address;
};

struct picture {
    std::string title;
    std::uint32_t width;
    std::uint32_t height;
};

template <strait::transport X>
typename X::options const small{.max_message_size = 512};

// The renderer trusts no page, and no other process trusts the renderer: it has its own process and two channels.
template <strait::transport X>
void render(std::string const& tab)
{
    strait::receiver<page, X> pages{tab + ".pages", small<X>};
    strait::sender<picture, X> pictures{tab + ".pictures", small<X>};
    for (page const& p : pages) {
        if (p.address.find("evil") != p.address.npos)
            std::abort();
        pictures.send({"Welcome to " + p.address, 800, static_cast<std::uint32_t>(100 * p.address.size())});
    }
}

template <strait::transport X>
class tab {
public:
    tab(support::command const& command, std::string const& name)
        : renderer_(command, {"render", name}), pages_(name + ".pages", small<X>), pictures_(name + ".pictures", small<X>)
    {
    }

    // Nothing when the renderer has died over it.
    std::optional<picture> show(std::string const& address)
    {
        pages_.send({address});
        return pictures_.receive();
    }

private:
    support::process renderer_;  // destroyed last: it ends when there are no more pages
    strait::sender<page, X> pages_;
    strait::receiver<picture, X> pictures_;
};

template <strait::transport X>
void browse(support::command const& command)
{
    std::string const name = support::unique_name("browser") + ".";
    int renderers = 0;
    auto const start = [&] { return tab<X>(command, name + std::to_string(++renderers)); };
    std::vector<tab<X>> tabs;
    for (int i = 0; i < 3; ++i)
        tabs.push_back(start());

    for (std::string const site : {"news.example", "evil.example", "mail.example"})
        for (std::size_t i = 0; i < tabs.size(); ++i) {
            std::string const address = std::to_string(i + 1) + "." + site;
            if (site == "evil.example" && i != 1)
                continue;  // only the second one goes there
            if (auto const shown = tabs[i].show(address)) {
                std::cout << "tab " << i + 1 << ": \"" << shown->title << "\", " << shown->width << 'x' << shown->height << '\n';
            } else {
                std::cout << "tab " << i + 1 << ": " << address << " crashed it; here is a new one\n";
                tabs[i] = start();
            }
        }
    std::cout << tabs.size() << " tabs, " << renderers << " renderers started\n";
}

int main(int argc, char** argv)
{
    using namespace strait;
    return support::over<shm_ring<>, unix_seqpacket, named_pipe, posix_mqueue, tcp>(
        argc, argv, []<transport X>(support::command const& c) {
            if (c.word(0) == "render")
                render<X>(c.word(1));
            else
                browse<X>(c);
            return 0;
        });
}
