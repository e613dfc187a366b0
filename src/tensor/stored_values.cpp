#include "lipcert/tensor/stored_values.hpp"

#include "lipcert/error.hpp"

#include <bit>

#include "tensor/element_bits.hpp"
#include <fmt/format.h>

namespace lipcert {

static_assert(std::endian::native == std::endian::little);

namespace {

std::span<const double> entries(const Matrix& matrix) {
    return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}

}  // namespace

StoredValues StoredValues::unwritten(DataType type, Eigen::Index rows, Eigen::Index cols) {
    if (element_size(type) == 0) {
        throw Error(ErrorKind::internal, "", "values cannot be stored in an unsupported type");
    }
    StoredValues stored;
    stored.type_ = type;
    stored.rows_ = rows;
    stored.cols_ = cols;
    stored.bytes_.resize(static_cast<std::size_t>(rows * cols) * element_size(type));
    return stored;
}

StoredValues StoredValues::rounded(DataType type, const Matrix& values) {
    StoredValues stored = unwritten(type, values.rows(), values.cols());
    stored.write(0, entries(values));
    return stored;
}

void StoredValues::write(Eigen::Index first, std::span<const double> values) {
    std::byte* const target = bytes_.data() + static_cast<std::size_t>(first) * element_size(type_);
    const std::size_t count = encode(type_, values, target);
    if (count < values.size()) {
        throw Error(ErrorKind::internal,
                    "",
                    fmt::format("{} is no finite number in {}", values[count], name_of(type_)));
    }
}

void StoredValues::read(Eigen::Index first, std::span<double> values) const {
    decode(type_,
           false,
           bytes_.data() + static_cast<std::size_t>(first) * element_size(type_),
           values);
}

Matrix StoredValues::values() const {
    Matrix result(rows_, cols_);
    read(0, std::span(result.data(), static_cast<std::size_t>(result.size())));
    return result;
}

}  // namespace lipcert
