// Distributed under the Boost Software License, Version 1.0.
#ifndef STRAIT_DETAIL_SCHEMA_MISMATCH_HPP
#define STRAIT_DETAIL_SCHEMA_MISMATCH_HPP

#include <strait/detail/schema/difference.hpp>
#include <strait/detail/schema/verification.hpp>
#include <strait/error.hpp>
#include <strait/serialization/layout.hpp>

#include <memory>
#include <new>
#include <string_view>

// What is said of a peer that carries another type: the note of type_mismatch.
namespace strait::detail {

// Forgets what was noted at an earlier failure of this thread.
inline void forget_failure() noexcept { failure_note.text[0] = '\0'; }

// Begins the note of this error, which error_note() and the exception that reports it show.
inline bounded_text note_of(error_code const& e) noexcept
{
    failure_note.error = e;
    return {failure_note.text, sizeof failure_note.text};
}

// A schema of another process, read as far as there is memory for it.
class foreign_schema {
public:
    explicit foreign_schema(std::string_view bytes) noexcept : parsed_(bytes.empty() ? nullptr : new (std::nothrow) parsed_schema)
    {
        if (!parsed_)
            return;
        std::unique_ptr<schema_verification> const verification(new (std::nothrow) schema_verification(*parsed_));
        is_right_ = verification && !parsed_->parse(bytes) && verification->is_right();
    }

    bool is_there() const noexcept { return static_cast<bool>(parsed_); }
    bool is_right() const noexcept { return is_right_; }  // it does not contradict itself
    bool has_types() const noexcept { return is_right_ && parsed_->types() != 0; }
    parsed_schema const& get() const noexcept { return *parsed_; }

private:
    std::unique_ptr<parsed_schema> parsed_;
    bool is_right_ = false;
};

// Compares two schemas of one fingerprint, which different versions of an extensible type have. type_mismatch: they differ in more
// than in what one has and the other has not. `newer`: ours has more, or the other one is none that can be believed. out_of_memory.
inline error_code schema_versions(std::string_view bytes, message_description const* here, bool& newer) noexcept
{
    schema_bytes own;
    schema_writer::write(here, own);
    newer = false;
    if (bytes == own.view())
        return {};
    if (bytes.empty()) {
        newer = true;
        return {};
    }
    foreign_schema const there(bytes);
    foreign_schema const ours(own.view());
    char line[1];
    bounded_text nothing(line, sizeof line);
    if (!there.is_there() || !ours.is_there())
        return errc::out_of_memory;
    newer = !there.is_right() || there.get().fingerprint() != here->fingerprint;
    if (newer || !there.has_types() || !ours.has_types())
        return {};
    std::unique_ptr<schema_difference> const difference(new (std::nothrow) schema_difference(there.get(), ours.get(), nothing));
    if (!difference)
        return errc::out_of_memory;
    if (difference->find())
        return errc::type_mismatch;
    newer = difference->has_more_here() && !difference->has_more_there();
    return {};
}

// Says where two schemas differ, as far as there is memory for that.
inline void explain_difference(foreign_schema const& there, message_type const& here, bounded_text& to) noexcept
{
    if (!there.is_there() || !here.description())
        return;
    if (!there.is_right()) {
        to << " (what is said there of the type contradicts itself)";
        return;
    }
    schema_bytes own;
    schema_writer::write(here.description(), own);
    foreign_schema const ours(own.view());
    if (!there.has_types() || !ours.has_types()) {
        to << " (the type is too large to say where they differ)";
        return;
    }
    char line[768];
    bounded_text text(line, sizeof line);
    std::unique_ptr<schema_difference> const difference(new (std::nothrow) schema_difference(there.get(), ours.get(), text));
    if (difference && difference->find())
        to << ": " << text.view();
}

// Notes what a channel carries, what this program has asked for, and where they differ; returns type_mismatch. The schema may be
// anything: bytes of another process, or none. Without a name it is asked for that, too.
[[gnu::noinline, gnu::cold]] inline error_code noted_type_mismatch(std::string_view name_there, std::string_view schema_there,
                                                                   message_type const* here) noexcept
{
    bounded_text to = note_of(errc::type_mismatch);
    foreign_schema const there(schema_there);
    to << "it carries ";
    if (!name_there.empty())
        to << name_there;
    else if (there.has_types())
        to << type_in_words(there.get(), 0);
    else
        to << "another type";
    if (here)
        to << ", and this program asked for " << here->name();
    if (here)
        explain_difference(there, *here, to);
    return errc::type_mismatch;
}

}  // namespace strait::detail

#endif
