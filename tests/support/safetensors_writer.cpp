#include "support/safetensors_writer.hpp"

#include "lipcert/tensor/stored_values.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace lipcert::test {

namespace {

std::string name_in_header(DataType type) {
    switch (type) {
        case DataType::float16:
            return "F16";
        case DataType::bfloat16:
            return "BF16";
        case DataType::float32:
            return "F32";
        case DataType::float64:
            return "F64";
        default:
            throw std::logic_error("no such type in safetensors");
    }
}

}  // namespace

std::string safetensors_with_header(std::string_view header, std::string_view data) {
    std::string bytes;
    for (std::uint64_t rest = header.size(), i = 0; i < 8; ++i, rest >>= 8U) {
        bytes += static_cast<char>(rest & 0xFFU);
    }
    return bytes.append(header).append(data);
}

std::string safetensors_bytes(const std::vector<RawTensor>& tensors,
                              const std::map<std::string, std::string>& metadata) {
    nlohmann::json header = nlohmann::json::object();
    std::string data;
    for (const RawTensor& tensor : tensors) {
        header[tensor.name] = {{"dtype", tensor.type},
                               {"shape", tensor.shape},
                               {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
        data += tensor.bytes;
    }
    if (!metadata.empty()) {
        header["__metadata__"] = metadata;
    }
    return safetensors_with_header(header.dump(), data);
}

std::vector<RawTensor> tensors_of(const Checkpoint& source,
                                  std::optional<DataType> type,
                                  const std::function<bool(const TensorInfo&)>& wanted) {
    std::vector<RawTensor> tensors;
    for (const TensorInfo& tensor : source.tensors()) {
        if (!wanted(tensor)) {
            continue;
        }
        const StoredValues values =
            StoredValues::rounded(type.value_or(tensor.type), source.read(tensor));
        const auto bytes = values.bytes();
        tensors.push_back({tensor.name,
                           name_in_header(values.type()),
                           tensor.shape,
                           {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
    }
    return tensors;
}

}  // namespace lipcert::test
