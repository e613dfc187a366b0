#include "checkpoint/safetensors_json.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace lipcert::safetensors {

namespace {

using nlohmann::json;

constexpr std::size_t kMostTensors = 1'000'000;
constexpr std::size_t kMostExtents = 8;
constexpr const char* kMetadata = "__metadata__";

/// The events of the parser. `place_` is where in the document the next value stands.
class Events {
public:
    explicit Events(const std::string& path) : path_(path) {}

    bool null() { refuse_value("null"); }

    bool boolean(bool /*value*/) { refuse_value("true or false"); }

    bool number_integer(json::number_integer_t /*value*/) { refuse_value("a negative number"); }

    bool number_float(json::number_float_t /*value*/, const std::string& text) {
        refuse_value(("the number " + printable_quote(text)).c_str());
    }

    bool number_unsigned(json::number_unsigned_t value) {
        if (place_ != Place::list) {
            refuse_value("a number");
        }
        std::vector<std::uint64_t>& list = *(field_ == "shape" ? tensor().shape : tensor().offsets);
        if (list.size() >= kMostExtents) {
            refuse(fmt::format("has more than {} numbers in its {}", kMostExtents, field_));
        }
        list.push_back(value);
        return true;
    }

    bool string(std::string& text) {
        if (place_ == Place::metadata) {
            result_.metadata[field_] = std::move(text);
        } else if (place_ == Place::tensor && field_ == "dtype") {
            tensor().type = std::move(text);
        } else {
            refuse_value("a text");
        }
        return true;
    }

    bool binary(json::binary_t& /*value*/) { refuse_value("binary data"); }

    bool start_object(std::size_t /*size*/) {
        if (place_ == Place::outside) {
            place_ = Place::header;
        } else if (place_ == Place::header) {
            place_ = name_ == kMetadata ? Place::metadata : Place::tensor;
            fields_.clear();
            if (place_ == Place::tensor) {
                add_tensor();
            }
        } else {
            refuse_value("an object");
        }
        return true;
    }

    bool key(std::string& text) {
        auto& seen = place_ == Place::header ? names_ : fields_;
        if (!seen.insert(text).second) {
            if (place_ == Place::header) {
                name_ = text;
                refuse("stands twice in the header: which is meant?");
            }
            refuse("has the key '" + printable_quote(text) + "' twice");
        }
        if (place_ == Place::header) {
            name_ = std::move(text);
            field_.clear();
            return true;
        }
        if (place_ == Place::tensor && text != "dtype" && text != "shape" &&
            text != "data_offsets") {
            refuse("has the key '" + printable_quote(text) +
                   "', which the format does not know: its values may not be what they seem");
        }
        field_ = std::move(text);
        return true;
    }

    bool end_object() {
        place_ = place_ == Place::header ? Place::outside : Place::header;
        return true;
    }

    bool start_array(std::size_t /*size*/) {
        if (place_ != Place::tensor || field_ == "dtype") {
            refuse_value("a list");
        }
        (field_ == "shape" ? tensor().shape : tensor().offsets).emplace();
        place_ = Place::list;
        return true;
    }

    bool end_array() {
        place_ = Place::tensor;
        return true;
    }

    bool parse_error(std::size_t /*position*/,
                     const std::string& /*token*/,
                     const json::exception& error) {
        throw Error(ErrorKind::input,
                    path_,
                    "its safetensors header is not JSON (" + printable_quote(error.what()) +
                        "): the file is damaged, copy or download it again");
    }

    StatedHeader take() { return std::move(result_); }

private:
    enum class Place { outside, header, metadata, tensor, list };

    StatedTensor& tensor() { return result_.tensors.back(); }

    void add_tensor() {
        if (result_.tensors.size() >= kMostTensors) {
            throw Error(
                ErrorKind::input,
                path_,
                fmt::format("its safetensors header names more than {} tensors", kMostTensors));
        }
        result_.tensors.emplace_back();
        tensor().name = name_;
    }

    [[noreturn]] void refuse(const std::string& message) const {
        throw Error(ErrorKind::input, path_ + ": " + printable_quote(name_), message);
    }

    [[noreturn]] void refuse_value(const char* found) const {
        if (place_ == Place::outside) {
            throw Error(ErrorKind::input,
                        path_,
                        fmt::format("its safetensors header is {}, not an object", found));
        }
        refuse(field_.empty()
                   ? fmt::format("is {} in the header; an object was expected", found)
                   : fmt::format("has {} under '{}' in the header, where the format has none",
                                 found,
                                 printable_quote(field_)));
    }

    const std::string& path_;
    Place place_ = Place::outside;
    std::string name_;   ///< the tensor, or __metadata__
    std::string field_;  ///< in it
    std::unordered_set<std::string> names_, fields_;
    StatedHeader result_;
};

}  // namespace

StatedHeader read_header_json(std::string_view text, const std::string& path) {
    // The parser would pass over a byte order mark, and take a zero byte for the end of the text,
    // which no other reader does.
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '{' ||
        text.find('\0') != std::string_view::npos) {
        throw Error(
            ErrorKind::input,
            path,
            "its safetensors header does not begin with '{', or holds a zero byte: the file "
            "is damaged, copy or download it again");
    }
    Events events(path);
    (void)json::sax_parse(text.begin(), text.end(), &events);
    return events.take();
}

}  // namespace lipcert::safetensors
