#include "checkpoint/safetensors_header.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "checkpoint/safetensors_json.hpp"
#include <fmt/format.h>

namespace lipcert::safetensors {

namespace {

constexpr std::size_t kLongestName = 1024;

struct ElementType {
    std::string_view stated;
    std::uint64_t bits;
    DataType type;
    std::string_view name;
};

/// Every type of the format.
constexpr std::array<ElementType, 22> kTypes{{
    {"F16", 16, DataType::float16, "float16"},
    {"BF16", 16, DataType::bfloat16, "bfloat16"},
    {"F32", 32, DataType::float32, "float32"},
    {"F64", 64, DataType::float64, "float64"},
    {"BOOL", 8, DataType::unsupported, "bool"},
    {"U8", 8, DataType::unsupported, "uint8"},
    {"I8", 8, DataType::unsupported, "int8"},
    {"U16", 16, DataType::unsupported, "uint16"},
    {"I16", 16, DataType::unsupported, "int16"},
    {"U32", 32, DataType::unsupported, "uint32"},
    {"I32", 32, DataType::unsupported, "int32"},
    {"U64", 64, DataType::unsupported, "uint64"},
    {"I64", 64, DataType::unsupported, "int64"},
    {"C64", 64, DataType::unsupported, "complex64"},
    {"F4", 4, DataType::unsupported, "float4"},
    {"F6_E2M3", 6, DataType::unsupported, "float6 E2M3"},
    {"F6_E3M2", 6, DataType::unsupported, "float6 E3M2"},
    {"F8_E5M2", 8, DataType::unsupported, "float8 E5M2"},
    {"F8_E4M3", 8, DataType::unsupported, "float8 E4M3"},
    {"F8_E8M0", 8, DataType::unsupported, "float8 E8M0"},
    {"F8_E4M3FNUZ", 8, DataType::unsupported, "float8 E4M3FNUZ"},
    {"F8_E5M2FNUZ", 8, DataType::unsupported, "float8 E5M2FNUZ"},
}};

/// Turns what the header states about one tensor into an entry.
class EntryReader {
public:
    EntryReader(const StatedTensor& stated, const std::string& path)
        : stated_(stated), where_(path + ": " + printable_quote(stated.name)) {}

    [[nodiscard]] Entry read() const {
        require_name();
        if (!stated_.type || !stated_.shape || !stated_.offsets || stated_.offsets->size() != 2) {
            refuse("needs dtype, shape and the two data_offsets in the header");
        }
        const ElementType& element = element_type();
        const std::uint64_t begin = stated_.offsets->at(0);
        const std::uint64_t end = stated_.offsets->at(1);
        if (end < begin) {
            refuse(fmt::format("ends at byte {} before it begins at {}", end, begin));
        }
        Entry entry;
        entry.begin = begin;
        entry.info.name = stated_.name;
        entry.info.shape.assign(stated_.shape->begin(), stated_.shape->end());
        entry.info.type = element.type;
        entry.info.stored_type = element.name;
        entry.info.stored_bytes = end - begin;
        const std::uint64_t needed = bytes_of_shape(element.bits);
        if (needed != end - begin) {
            refuse(fmt::format("has {} bytes where its shape {} of {} needs {}",
                               end - begin,
                               shape_text(entry.info),
                               element.name,
                               needed));
        }
        return entry;
    }

private:
    [[noreturn]] void refuse(const std::string& message) const {
        throw Error(ErrorKind::input, where_, message + ": the file is damaged");
    }

    void require_name() const {
        if (stated_.name.empty() || stated_.name.size() > kLongestName ||
            !is_printable(stated_.name)) {
            throw Error(ErrorKind::input,
                        where_,
                        fmt::format("its name is empty, longer than {} bytes, or has a control or "
                                    "invisible character: rename it",
                                    kLongestName));
        }
    }

    [[nodiscard]] const ElementType& element_type() const {
        const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [this](const auto& known) {
            return known.stated == *stated_.type;
        });
        if (found == kTypes.end()) {
            throw Error(ErrorKind::input,
                        where_,
                        "is of type '" + printable_quote(*stated_.type) +
                            "', which the format does not know");
        }
        return *found;
    }

    /// Zero extents count as one on the way, so that no product of some extents overflows either.
    [[nodiscard]] std::uint64_t bytes_of_shape(std::uint64_t bits) const {
        constexpr std::uint64_t kLargest =
            static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(double);
        for (const std::uint64_t extent : *stated_.shape) {
            if (extent != 0 && bits > kLargest / extent) {
                refuse("declares more elements than any memory holds");
            }
            bits *= std::max<std::uint64_t>(extent, 1);
        }
        const bool is_empty =
            std::find(stated_.shape->begin(), stated_.shape->end(), 0U) != stated_.shape->end();
        if (bits % 8 != 0 && !is_empty) {
            refuse("has elements that do not fill whole bytes");
        }
        return is_empty ? 0 : bits / 8;
    }

    const StatedTensor& stated_;
    std::string where_;
};

/// No byte of the data without a tensor, none with two.
void require_cover(std::vector<Entry>& entries, std::uint64_t data_bytes, const std::string& path) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.begin, a.info.stored_bytes) < std::pair(b.begin, b.info.stored_bytes);
    });
    std::uint64_t covered = 0;
    for (const Entry& entry : entries) {
        if (entry.begin != covered) {
            throw Error(ErrorKind::input,
                        path + ": " + printable_quote(entry.info.name),
                        fmt::format("begins at byte {} of the data, where the tensor before it "
                                    "ends at {}: a hole or an overlap, which the format forbids",
                                    entry.begin,
                                    covered));
        }
        covered += entry.info.stored_bytes;
        if (covered > data_bytes) {
            break;
        }
    }
    if (covered != data_bytes) {
        throw Error(ErrorKind::input,
                    path,
                    fmt::format("holds {} bytes of data, of which its header describes {}{}: a "
                                "copy or download did not finish, or something was appended",
                                data_bytes,
                                covered > data_bytes ? "at least " : "",
                                covered));
    }
}

}  // namespace

Header parse_header(std::string_view text, std::uint64_t data_bytes, const std::string& path) {
    StatedHeader stated = read_header_json(text, path);
    Header header;
    header.metadata = std::move(stated.metadata);
    header.entries.reserve(stated.tensors.size());
    for (const StatedTensor& tensor : stated.tensors) {
        header.entries.push_back(EntryReader(tensor, path).read());
    }
    require_cover(header.entries, data_bytes, path);
    std::sort(header.entries.begin(), header.entries.end(), [](const Entry& a, const Entry& b) {
        return a.info.name < b.info.name;
    });
    return header;
}

}  // namespace lipcert::safetensors
