#include "lipcert/certificate/evidence.hpp"

#include "lipcert/certificate/hashing_checkpoint.hpp"

#include <bit>
#include <span>

#include "files/sha256.hpp"

namespace lipcert {

static_assert(std::endian::native == std::endian::little,
              "digests are of little-endian doubles; swap the bytes here on other machines");

std::string configuration_digest(const Configuration& configuration) {
    const std::string text =
        configuration.values.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    Sha256 hash;
    hash.add(std::as_bytes(std::span<const char>(text)));
    return hash.digest();
}

Matrix HashingCheckpoint::read(const TensorInfo& tensor) const {
    Matrix values = below().read(tensor);
    if (!digests_.contains(tensor.name)) {
        Sha256 hash;
        hash.add(std::as_bytes(
            std::span<const double>(values.data(), static_cast<std::size_t>(values.size()))));
        digests_[tensor.name] = {
            tensor.name, tensor.shape, std::string(name_of(tensor.type)), hash.digest()};
    }
    return values;
}

std::vector<TensorDigest> HashingCheckpoint::digests() const {
    std::vector<TensorDigest> result;
    for (const auto& [name, digest] : digests_) {
        result.push_back(digest);
    }
    return result;
}

}  // namespace lipcert
