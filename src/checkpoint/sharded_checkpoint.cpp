#include "checkpoint/sharded_checkpoint.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <utility>

#include "checkpoint/quantised.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// The name under which HDF5 lists what an index may call by its path.
std::string canonical(std::string name) {
    name.erase(0, name.starts_with('/') ? 1 : 0);
    std::replace(name.begin(), name.end(), '/', '.');
    return name;
}

bool is_variables(const std::string& name) {
    return name == "vars" || name.ends_with(".vars");
}

}  // namespace

ShardedCheckpoint::ShardedCheckpoint(const ShardIndex& index, const Open& open)
    : path_(index.path.string()) {
    std::vector<FileIdentity> identities = {index.identity};
    for (const std::string& name : index.files()) {
        shard_names_.push_back(name);
        shards_.push_back(open(index.path.parent_path() / name));
        take_configuration(*shards_.back());
        identities.push_back(shards_.back()->identity().value_or(FileIdentity{}));
        const std::string format = shards_.back()->format() + " shards";
        format_ = format_.empty() || format_ == format ? format : "mixed shards";
    }
    identity_ = joined_identity(identities);
    take_tensors();
    require_as_indexed(index);
    quantised_ = sign_of_quantisation(tensors_);
}

FileIdentity joined_identity(const std::vector<FileIdentity>& files) {
    FileIdentity joined;
    // Positions count: multiplication by an odd number loses nothing.
    constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15ULL;
    for (const FileIdentity& file : files) {
        joined.device = joined.device * kFactor + file.device;
        joined.inode = joined.inode * kFactor + file.inode;
        joined.size = joined.size * kFactor + file.size;
        joined.modified =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(joined.modified) * kFactor +
                                      static_cast<std::uint64_t>(file.modified));
    }
    return joined;
}

void ShardedCheckpoint::take_tensors() {
    std::vector<std::pair<TensorInfo, std::size_t>> all;
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
        for (const TensorInfo& tensor : shards_[shard]->tensors()) {
            all.emplace_back(tensor, shard);
        }
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return a.first.name < b.first.name;
    });
    const auto twin = std::adjacent_find(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return a.first.name == b.first.name;
    });
    if (twin != all.end()) {
        throw Error(ErrorKind::input,
                    path_ + ": " + printable_quote(twin->first.name),
                    fmt::format("lies in two shards, {} and {}: which is meant?",
                                shard_names_[twin->second],
                                shard_names_[std::next(twin)->second]));
    }
    tensors_.reserve(all.size());
    shard_of_.reserve(all.size());
    for (auto& [tensor, shard] : all) {
        tensors_.push_back(std::move(tensor));
        shard_of_.push_back(shard);
    }
}

std::vector<std::size_t> ShardedCheckpoint::named(const std::string& name) const {
    const auto place_of = [this](const std::string& exact) {
        const TensorInfo* found = find(exact);
        return found == nullptr
                   ? std::vector<std::size_t>{}
                   : std::vector<std::size_t>{static_cast<std::size_t>(found - tensors_.data())};
    };
    std::vector<std::size_t> places = place_of(name);
    if (!places.empty() || format_ == "safetensors shards") {
        return places;
    }
    const std::string path = canonical(name);
    if (is_variables(path)) {  // the group of a layer's variables in Keras
        const std::string front = path + ".";
        const auto first = std::lower_bound(
            tensors_.begin(), tensors_.end(), front, [](const TensorInfo& a, const auto& b) {
                return a.name < b;
            });
        for (auto at = first; at != tensors_.end() && at->name.starts_with(front); ++at) {
            places.push_back(static_cast<std::size_t>(at - tensors_.begin()));
        }
        return places;
    }
    places = place_of(path);
    // TensorFlow leaves the first part of a variable's name out of the shard.
    return places.empty() ? place_of(path.substr(path.find('.') + 1)) : places;
}

void ShardedCheckpoint::require_as_indexed(const ShardIndex& index) const {
    std::vector<bool> is_indexed(tensors_.size(), false);
    for (const auto& [name, files] : index.files_of) {
        const std::string where = path_ + ": " + printable_quote(name);
        std::set<std::string> unused = files;
        for (const std::size_t place : named(name)) {
            const std::string& shard = shard_names_[shard_of_[place]];
            if (!files.contains(shard) || is_indexed[place]) {
                throw Error(ErrorKind::input,
                            where,
                            fmt::format("lies in {}, not in {} as the index says, or stands in the "
                                        "index twice",
                                        shard,
                                        fmt::join(files, ", ")));
            }
            is_indexed[place] = true;
            unused.erase(shard);
        }
        if (!unused.empty()) {
            throw Error(ErrorKind::input,
                        where,
                        fmt::format("is not in {}, where the index sees it: the shards are not "
                                    "those of this index, or a download did not finish",
                                    fmt::join(unused, ", ")));
        }
    }
    const auto extra = std::find(is_indexed.begin(), is_indexed.end(), false);
    if (extra != is_indexed.end()) {
        const auto place = static_cast<std::size_t>(extra - is_indexed.begin());
        throw Error(ErrorKind::input,
                    path_ + ": " + printable_quote(tensors_[place].name),
                    fmt::format("lies in {} and not in the index: programs that follow the index "
                                "would leave it out",
                                shard_names_[shard_of_[place]]));
    }
}

void ShardedCheckpoint::take_configuration(const Checkpoint& shard) {
    const std::optional<std::string> found = shard.embedded_configuration();
    if (found && configuration_ && *found != *configuration_) {
        throw Error(ErrorKind::input,
                    shard.path(),
                    "carries another configuration than the shards before it: which is meant?");
    }
    if (found) {
        configuration_ = found;
    }
}

Matrix ShardedCheckpoint::read(const TensorInfo& tensor) const {
    const TensorInfo* known = find(tensor.name);
    if (known == nullptr) {
        throw Error(ErrorKind::input,
                    path_ + ": " + printable_quote(tensor.name),
                    "there is no such tensor");
    }
    refuse_quantised(quantised_, path_ + ": " + printable_quote(tensor.name));
    return shards_[shard_of_[static_cast<std::size_t>(known - tensors_.data())]]->read(*known);
}

std::vector<std::string> ShardedCheckpoint::files() const {
    std::vector<std::string> files = {path_};
    for (const auto& shard : shards_) {
        files.push_back(shard->path());
    }
    return files;
}

std::optional<std::string> ShardedCheckpoint::foreign_convention() const {
    for (const auto& shard : shards_) {
        if (auto stated = shard->foreign_convention()) {
            return shard->path() + ": " + *stated;
        }
    }
    return std::nullopt;
}

}  // namespace lipcert
