#include "checkpoint/hdf5_checkpoint.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "checkpoint/hdf5_attribute.hpp"
#include "checkpoint/hdf5_dataset.hpp"
#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_limits.hpp"
#include "checkpoint/hdf5_walk.hpp"
#include "checkpoint/quantised.hpp"
#include "files/descriptor.hpp"
#include "files/regular_file.hpp"

namespace lipcert {

using hdf5::Handle;
using hdf5::RawBytes;

namespace {

constexpr const char* kOwnConfiguration = "config";
constexpr const char* kKerasConfiguration = "model_config";  // Keras 1 and 2

Handle file_access(const std::string& path) {
    hdf5::prepare_library();
    Handle access = hdf5::owned(
        H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path, "libhdf5 cannot be set up to read it");
    // Closing the file closes whatever a failed call may have left open in it.
    hdf5::checked(H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG),
                  path,
                  "libhdf5 cannot be set up to read it");
    return access;
}

Handle open_file(const Handle& access, const std::string& path) {
    return hdf5::owned(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()),
                       H5Fclose,
                       path,
                       "cannot be opened as HDF5");
}

/// Whether libhdf5, which opens the file by its name a second time, has opened the same one: an
/// edit may have put another in its place in between.
bool is_same_file(const Handle& file, const Handle& access, const RegularFile& raw) {
    void* descriptor = nullptr;
    hdf5::checked(H5Fget_vfd_handle(file.get(), access.get(), &descriptor),
                  raw.path().string(),
                  "libhdf5 does not say which file it opened");
    return identity_of(status_of(*static_cast<const int*>(descriptor), raw.path())) ==
           raw.identity();
}

/// libhdf5 would copy an image twice. All that it "allocates" is the image itself.
H5FD_file_image_callbacks_t uncopied_image(void* image) {
    H5FD_file_image_callbacks_t callbacks{};
    callbacks.image_malloc = [](std::size_t /*size*/, H5FD_file_image_op_t /*op*/, void* data) {
        return data;
    };
    callbacks.image_memcpy = [](void* to,
                                const void* /*from*/,
                                std::size_t /*size*/,
                                H5FD_file_image_op_t /*op*/,
                                void* /*data*/) { return to; };
    callbacks.image_realloc =
        [](void* /*image*/, std::size_t /*size*/, H5FD_file_image_op_t /*op*/, void* /*data*/) {
            return static_cast<void*>(nullptr);
        };
    callbacks.image_free = [](void* /*image*/, H5FD_file_image_op_t /*op*/, void* /*data*/) {
        return herr_t{0};
    };
    callbacks.udata_copy = [](void* data) { return data; };
    callbacks.udata_free = [](void* /*data*/) { return herr_t{0}; };
    callbacks.udata = image;
    return callbacks;
}

}  // namespace

Hdf5Checkpoint::Hdf5Checkpoint(Handle file,
                               std::string path,
                               RawBytes raw,
                               std::optional<FileIdentity> identity)
    : file_(std::move(file)), path_(std::move(path)), raw_(std::move(raw)), identity_(identity) {
    locate_addresses();
    std::vector<hdf5::StoredTensor> stored = hdf5::list_tensors({file_.get(), path_, raw_});
    tensors_.reserve(stored.size());
    addresses_.reserve(stored.size());
    for (hdf5::StoredTensor& tensor : stored) {
        tensors_.push_back(std::move(tensor.info));
        addresses_.push_back(tensor.address);
    }
    quantised_ = sign_of_quantisation(tensors_);
}

std::optional<std::string> Hdf5Checkpoint::embedded_configuration() const {
    std::optional<std::string> own = text_attribute(kOwnConfiguration);
    return own ? own : text_attribute(kKerasConfiguration);
}

std::optional<std::string> Hdf5Checkpoint::text_attribute(const char* name) const {
    hdf5::prepare_library();
    const Handle root =
        hdf5::owned(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose, path_, "has no root group");
    return hdf5::read_text_attribute({root.get(), path_, raw_}, name, hdf5::kLargestConfiguration);
}

Matrix Hdf5Checkpoint::read(const TensorInfo& tensor) const {
    const std::string where = place_of(tensor);
    refuse_quantised(quantised_, where);
    const Handle dataset = open_dataset(tensor);
    return hdf5::read_dataset({dataset.get(), where, raw_}, *find(tensor.name));
}

void Hdf5Checkpoint::look_up(const TensorInfo& tensor) const {
    const std::string where = place_of(tensor);
    const Handle dataset = open_dataset(tensor);
    hdf5::look_up_dataset({dataset.get(), where, raw_}, *find(tensor.name));
}

Handle Hdf5Checkpoint::open_dataset(const TensorInfo& tensor) const {
    hdf5::prepare_library();
    return hdf5::owned(H5Oopen_by_addr(file_.get(), address_of(tensor)),
                       H5Oclose,
                       place_of(tensor),
                       "a dataset cannot be opened");
}

haddr_t Hdf5Checkpoint::address_of(const TensorInfo& tensor) const {
    const TensorInfo* known = find(tensor.name);
    if (known == nullptr) {
        throw Error(ErrorKind::input, place_of(tensor), "there is no such tensor");
    }
    return addresses_[static_cast<std::size_t>(known - tensors_.data())];
}

std::string Hdf5Checkpoint::place_of(const TensorInfo& tensor) const {
    return path_ + ": " + printable_quote(tensor.name);
}

void Hdf5Checkpoint::locate_addresses() {
    constexpr std::size_t kWide = 8;
    const Handle creation = hdf5::owned(
        H5Fget_create_plist(file_.get()), H5Pclose, path_, "its superblock cannot be read");
    hsize_t base = 0;
    std::size_t address_bytes = 0;
    std::size_t length_bytes = 0;
    hdf5::checked(H5Pget_userblock(creation.get(), &base), path_, "its superblock cannot be read");
    hdf5::checked(H5Pget_sizes(creation.get(), &address_bytes, &length_bytes),
                  path_,
                  "its superblock cannot be read");
    raw_.base = base;
    if (address_bytes != kWide || length_bytes != kWide) {
        throw Error(ErrorKind::input,
                    path_,
                    "has addresses of other than 8 bytes, which no writer of checkpoints uses: "
                    "rewrite it with h5repack");
    }
}

std::unique_ptr<Hdf5Checkpoint> open_hdf5_file(const std::filesystem::path& path) {
    const std::string name = path.string();
    const Handle access = file_access(name);
    // The plain file driver: others reach the network, or files beside this one.
    hdf5::checked(H5Pset_fapl_sec2(access.get()), name, "libhdf5 cannot be set up to read it");
    constexpr int kMostAttempts = 3;
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
        const auto raw_file = std::make_shared<RegularFile>(path);
        Handle file = open_file(access, name);
        if (is_same_file(file, access, *raw_file)) {
            RawBytes raw;
            raw.read = [raw_file](std::uint64_t offset, std::size_t count) {
                return raw_file->read(offset, count);
            };
            return std::make_unique<Hdf5Checkpoint>(
                std::move(file), name, std::move(raw), raw_file->identity());
        }
    }
    throw Error(ErrorKind::input, name, "changes while it is opened: keep it still");
}

std::unique_ptr<Hdf5Checkpoint> open_hdf5_image(std::span<const std::byte> bytes,
                                                const std::string& name) {
    if (bytes.empty()) {
        // libhdf5 would take an empty image for none, and `name` for a file to open.
        throw Error(ErrorKind::input, name, "is empty: write or copy the file anew");
    }
    constexpr std::size_t kGrowth = 65536;
    const Handle access = file_access(name);
    hdf5::checked(
        H5Pset_fapl_core(access.get(), kGrowth, 0), name, "libhdf5 cannot be set up to read it");
    // libhdf5's interface merely lacks the const.
    auto* image = const_cast<std::byte*>(bytes.data());
    H5FD_file_image_callbacks_t callbacks = uncopied_image(image);
    hdf5::checked(H5Pset_file_image_callbacks(access.get(), &callbacks),
                  name,
                  "libhdf5 cannot be set up to read it");
    hdf5::checked(H5Pset_file_image(access.get(), image, bytes.size()),
                  name,
                  "libhdf5 cannot be set up to read it");
    RawBytes raw;
    raw.read = [bytes](std::uint64_t offset, std::size_t count) {
        const std::span<const std::byte> part =
            bytes.subspan(std::min<std::uint64_t>(offset, bytes.size()));
        return std::string(reinterpret_cast<const char*>(part.data()),
                           std::min(count, part.size()));
    };
    return std::make_unique<Hdf5Checkpoint>(
        open_file(access, name), name, std::move(raw), std::nullopt);
}

}  // namespace lipcert
