#include "lipcert/checkpoint/configuration.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <functional>
#include <set>
#include <vector>

#include "checkpoint/json_text.hpp"
#include "files/regular_file.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

using nlohmann::json;

constexpr int kDeepestNesting = 64;
constexpr std::size_t kLargestText = 16U << 20U;

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::input, where, message);
}

/// Watches the parser: nlohmann::json keeps the last of several equal keys and any depth.
class Guard {
public:
    explicit Guard(const std::string& where) : where_(where) {}

    bool operator()(int depth, json::parse_event_t event, const json& parsed) {
        switch (event) {
            case json::parse_event_t::object_start:
                check_depth(depth);
                keys_.emplace_back();
                break;
            case json::parse_event_t::array_start:
                check_depth(depth);
                break;
            case json::parse_event_t::object_end:
                keys_.pop_back();
                break;
            case json::parse_event_t::key:
                check_key(parsed.get_ref<const std::string&>());
                break;
            default:
                break;
        }
        return true;
    }

private:
    /// `depth` is 0 for the outermost value.
    void check_depth(int depth) const {
        if (depth >= kDeepestNesting) {
            refuse(where_,
                   fmt::format("is JSON nested deeper than {}: flatten it", kDeepestNesting));
        }
    }

    void check_key(const std::string& key) {
        if (!keys_.back().insert(key).second) {
            refuse(where_,
                   "has the key '" + printable_quote(key) +
                       "' twice in one object: keep one, it is not clear which is meant");
        }
    }

    const std::string& where_;
    std::vector<std::set<std::string>> keys_;
};

void check_size(std::uint64_t size, std::size_t largest, const std::string& where) {
    if (size > largest) {
        refuse(where,
               fmt::format("has {} bytes, more than the {} of the largest {}",
                           size,
                           largest,
                           largest == kLargestText ? "configuration" : "text of this kind"));
    }
}

Configuration read_configuration_file(const fs::path& path) {
    RegularFile file(path);
    check_size(file.size(), kLargestText, path.string());
    return {parse_json_object(file.read(0, file.size()), path.string()), path.string()};
}

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

/// A link that leads nowhere counts, and so does what cannot be looked at: reading it says why.
bool has_entry(const fs::path& path) {
    std::error_code ignored;
    return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

/// Where a file of this format carries its configuration.
std::string place_in(const std::string& format) {
    if (format == "keras archive") {
        return "config.json in the archive";
    }
    return format == "keras h5" ? "root attribute 'model_config'" : "root attribute 'config'";
}

}  // namespace

json parse_json_object(const std::string& text, const std::string& where) {
    return parse_json_object(text, where, kLargestText);
}

json parse_json_object(const std::string& text, const std::string& where, std::size_t largest) {
    check_size(text.size(), largest, where);
    if (text.find('\0') != std::string::npos) {
        refuse(where, "is not JSON: it holds a zero byte, behind which the parser would not look");
    }
    json values;
    try {
        // The parser takes the guard by value into a std::function.
        Guard guard(where);
        values = json::parse(text, std::ref(guard));
    } catch (const json::exception& error) {
        refuse(where,
               "is not JSON (" + printable_quote(error.what()) +
                   "); NaN, Infinity, comments and numbers beyond a double are not JSON");
    }
    if (!values.is_object()) {
        refuse(where,
               fmt::format("is a JSON {}, not an object: it must look like {{\"key\": value}}",
                           values.type_name()));
    }
    return values;
}

Configuration find_configuration(const Checkpoint& checkpoint,
                                 const std::optional<fs::path>& explicit_file) {
    if (explicit_file.has_value()) {
        return read_configuration_file(*explicit_file);
    }
    if (const std::optional<std::string> embedded = checkpoint.embedded_configuration()) {
        const std::string place = place_in(checkpoint.format());
        return {parse_json_object(*embedded, checkpoint.path() + ": " + place), place};
    }
    const fs::path path = checkpoint.path();
    if (is_there(path)) {  // a checkpoint in memory has no neighbours
        const fs::path own = path.parent_path() / (path.stem().string() + ".config.json");
        for (const fs::path& candidate : {own, path.parent_path() / "config.json"}) {
            if (has_entry(candidate)) {
                return read_configuration_file(candidate);
            }
        }
    }
    return {json::object(), "(none)"};
}

}  // namespace lipcert
