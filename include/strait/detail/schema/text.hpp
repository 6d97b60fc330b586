// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_TEXT_HPP
#define STRAIT_DETAIL_SCHEMA_TEXT_HPP

#include <strait/detail/schema/words.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace strait::detail {

// A schema as text in the manner of C++, for people: the structures that a message is made of, each once and those that it is made
// of before it, then a line for the message. It has at most some hundred bytes for each byte of the schema.
class schema_text {
public:
    explicit schema_text(parsed_schema const& s) : schema_(s), seen_(s.types()) {}

    std::string write()
    {
        if (schema_.is_too_large())
            return "// the structure is too large for a schema\n";
        visit(0);
        text_ += "// message: ";
        add(0);
        (text_ += ", ") += message_in_words(schema_.message());
        if (schema_.fixed_size() != 0)
            text_ += ", " + std::to_string(schema_.fixed_size()) + " bytes";
        text_ += '\n';
        return text_;
    }

private:
    void add(std::size_t type)
    {
        char memory[512];
        bounded_text words(memory, sizeof memory);
        words << type_in_words(schema_, type);
        text_ += words.view();
    }

    void visit(std::size_t i)
    {
        parsed_schema::type const& t = schema_.at(i);
        if (seen_[i])
            return;
        seen_[i] = true;
        for (std::size_t p = 0; p != t.parts; ++p)
            visit(schema_.part_of(t, p).type);
        bool const aggregate = (t.what == kind::product && !t.is_tuple) || t.what == kind::object || t.what == kind::extensible;
        if ((aggregate && !t.name.empty()) || t.what == kind::custom)
            add_structure(i, t);
    }

    void add_structure(std::size_t i, parsed_schema::type const& t)
    {
        text_ += "struct ";
        add(i);
        text_ += " {";
        if (t.what == kind::object)
            text_ += "  // " + std::to_string(t.size) + " bytes, aligned to " + std::to_string(t.alignment);
        if (t.what == kind::extensible)
            text_ += "  // extensible: " + std::to_string(t.size) + " members in the first version";
        if (t.what == kind::custom)
            text_ += "  // encoded by " + (t.encoding.empty() ? std::string("a serializer of its own") : std::string(t.encoding));
        if (t.what == kind::custom && t.alignment > 1)
            text_ += ", extensible: " + std::to_string(t.alignment - 1) + " members in the first version";
        text_ += '\n';
        for (std::size_t p = 0; p != t.parts; ++p) {
            auto const& member = schema_.part_of(t, p);
            text_ += "    ";
            add(member.type);
            if (member.name_size != 0)
                (text_ += ' ') += schema_.name_of(member);
            text_ += ';';
            if (t.what == kind::object)
                text_ += "  // at byte " + std::to_string(member.offset);
            text_ += '\n';
        }
        text_ += "};\n";
    }

    parsed_schema const& schema_;
    std::vector<bool> seen_;
    std::string text_;
};

}  // namespace strait::detail

#endif
