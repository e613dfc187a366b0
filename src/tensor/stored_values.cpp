#include "lipcert/tensor/stored_values.hpp"

#include "lipcert/error.hpp"

#include <bit>
#include <cstring>
#include <optional>

#include "tensor/element_bits.hpp"
#include <fmt/format.h>

namespace lipcert {

static_assert(std::endian::native == std::endian::little);

StoredValues StoredValues::rounded(DataType type, const Matrix& values) {
    const std::size_t size = element_size(type);
    if (size == 0) {
        throw Error(ErrorKind::internal, "", "values cannot be stored in an unsupported type");
    }
    StoredValues stored;
    stored.type_ = type;
    stored.rows_ = values.rows();
    stored.cols_ = values.cols();
    stored.bytes_.resize(static_cast<std::size_t>(values.size()) * size);
    std::byte* target = stored.bytes_.data();
    for (const double value : std::span(values.data(), static_cast<std::size_t>(values.size()))) {
        const std::optional<std::uint64_t> pattern = encode(type, value);
        if (!pattern) {
            throw Error(ErrorKind::internal,
                        "",
                        fmt::format("{} is no finite number in {}", value, name_of(type)));
        }
        std::memcpy(target, &*pattern, size);  // the low bytes come first
        target += size;
    }
    return stored;
}

Matrix StoredValues::values() const {
    Matrix result(rows_, cols_);
    decode(type_,
           false,
           bytes_.data(),
           std::span(result.data(), static_cast<std::size_t>(result.size())));
    return result;
}

}  // namespace lipcert
