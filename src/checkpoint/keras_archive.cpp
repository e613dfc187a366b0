#include "checkpoint/keras_archive.hpp"

#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/checkpoint/memory_limit.hpp"
#include "lipcert/error.hpp"

#include <map>
#include <utility>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "checkpoint/hdf5_trial.hpp"
#include "checkpoint/zip_archive.hpp"
#include "checkpoint/zip_layout.hpp"
#include "files/shared_memory.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr const char* kWeights = "model.weights.h5";
constexpr const char* kShards = "model.weights.json";
constexpr const char* kNumpyWeights = "model.weights.npz";
constexpr const char* kConfiguration = "config.json";
constexpr std::uint64_t kLargestConfiguration = 16U << 20U;

/// A checkpoint that was unpacked from a file: what is said of it, and hashed, is that file.
class ArchivedCheckpoint : public Checkpoint {
public:
    ArchivedCheckpoint(std::unique_ptr<SharedMemory> unpacked,
                       std::unique_ptr<Checkpoint> weights,
                       const RegularFile& archive,
                       std::optional<std::string> configuration)
        : unpacked_(std::move(unpacked)),
          weights_(std::move(weights)),
          path_(archive.path().string()),
          identity_(archive.identity()),
          configuration_(std::move(configuration)) {}

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override {
        return weights_->tensors();
    }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override {
        return weights_->read(tensor);
    }

    [[nodiscard]] std::string format() const override { return "keras archive"; }

    [[nodiscard]] std::string path() const override { return path_; }

    [[nodiscard]] std::optional<FileIdentity> identity() const override { return identity_; }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return configuration_;
    }

private:
    std::unique_ptr<SharedMemory> unpacked_;  // outlives weights_, which reads from it
    std::unique_ptr<Checkpoint> weights_;
    std::string path_;
    FileIdentity identity_;
    std::optional<std::string> configuration_;
};

[[noreturn]] void refuse_without_weights(const std::string& where,
                                         const std::map<std::string, ZipMember>& members) {
    if (members.contains(kShards)) {
        throw Error(ErrorKind::input,
                    where,
                    fmt::format("is a Keras archive of shards: unzip it and name its {}", kShards));
    }
    if (members.contains(kNumpyWeights)) {
        throw Error(ErrorKind::input,
                    where,
                    fmt::format("is a Keras archive with weights in {}, whose arrays are pickles, "
                                "which can run code when they are loaded: save the model with "
                                "weights_format=\"h5\"",
                                kNumpyWeights));
    }
    throw Error(ErrorKind::input,
                where,
                fmt::format("is a zip archive without a {}: name the checkpoint itself", kWeights));
}

std::string read_text(const RegularFile& file, const ZipMember& member) {
    const std::string where = file.path().string() + ": " + kConfiguration;
    if (member.size > kLargestConfiguration) {
        throw Error(ErrorKind::input,
                    where,
                    fmt::format("has {} bytes, more than the {} of the largest configuration",
                                member.size,
                                kLargestConfiguration));
    }
    const SharedMemory memory(member.size, where);
    unpack_from_zip(file.path(), kConfiguration, memory.bytes());
    return {reinterpret_cast<const char*>(memory.bytes().data()), memory.bytes().size()};
}

/// What the text says of the model that the weights are of. A task of KerasHub, such as a
/// LlamaCausalLM, keeps the settings of the backbone that it is built around one level deeper.
std::string settings_in(const std::string& text) {
    try {
        const nlohmann::json whole = parse_json_object(text, "");
        const nlohmann::json& backbone = whole.at("config").at("backbone");
        if (backbone.at("class_name").is_string()) {
            return backbone.dump();
        }
    } catch (const Error&) {
        return text;  // find_configuration says what is wrong with it
    } catch (const nlohmann::json::exception&) {
        return text;  // no task
    }
    return text;
}

}  // namespace

bool lists_keras_model(std::string_view listing) {
    return listing.find("model.weights.") != std::string_view::npos;
}

std::unique_ptr<Checkpoint> open_keras_archive(const RegularFile& file) {
    const std::string name = file.path().string();
    if (const auto flaw = zip_flaw(file)) {
        throw Error(ErrorKind::input,
                    name,
                    fmt::format("is no sound zip archive (it {}): programs could read different "
                                "members; write the archive anew",
                                *flaw));
    }
    const std::map<std::string, ZipMember> members =
        find_in_zip(file.path(), {kWeights, kShards, kNumpyWeights, kConfiguration});
    const auto weights = members.find(kWeights);
    if (weights == members.end()) {
        refuse_without_weights(name, members);
    }
    std::optional<std::string> configuration;
    if (const auto found = members.find(kConfiguration); found != members.end()) {
        configuration = settings_in(read_text(file, found->second));
    }
    const std::string shown = name + ": " + kWeights;
    require_memory(weights->second.size, shown);
    auto unpacked = std::make_unique<SharedMemory>(weights->second.size, shown);
    unpack_from_zip(file.path(), kWeights, unpacked->bytes());
    if (RegularFile(file.path()).identity() != file.identity()) {
        throw Error(ErrorKind::input, name, "changes while it is opened: keep it still");
    }
    try_hdf5_image(unpacked->bytes(), shown);
    std::unique_ptr<Checkpoint> opened = open_hdf5_image(unpacked->bytes(), shown);
    return std::make_unique<ArchivedCheckpoint>(
        std::move(unpacked), std::move(opened), file, std::move(configuration));
}

}  // namespace lipcert
