#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_object.hpp"

namespace lipcert {

/// An open HDF5 file in which everything is as docs/checkpoints.md demands. The object belongs to
/// one thread.
class Hdf5Checkpoint : public Checkpoint {
public:
    /// Throws Error{input} for whatever is refused.
    Hdf5Checkpoint(hdf5::Handle file,
                   std::string path,
                   hdf5::RawBytes raw,
                   std::optional<FileIdentity> identity);

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return "hdf5"; }

    [[nodiscard]] std::string path() const override { return path_; }

    [[nodiscard]] std::optional<FileIdentity> identity() const override { return identity_; }

    /// Read when it is asked for: norms need none, whatever it looks like. Throws Error{input}.
    [[nodiscard]] std::optional<std::string> embedded_configuration() const override;

    /// Asks libhdf5 for everything that `read` does, but the values. Throws Error{input}.
    void look_up(const TensorInfo& tensor) const;

    [[nodiscard]] hid_t file() const { return file_.get(); }

    [[nodiscard]] const hdf5::RawBytes& raw() const { return raw_; }

    /// Where the header of a dataset lies; two names of one dataset share it. Throws Error{input}
    /// where there is no such tensor.
    [[nodiscard]] haddr_t address_of(const TensorInfo& tensor) const;

    /// "path: tensor", for messages.
    [[nodiscard]] std::string place_of(const TensorInfo& tensor) const;

private:
    [[nodiscard]] std::optional<std::string> text_attribute(const char* name) const;
    void locate_addresses();
    [[nodiscard]] hdf5::Handle open_dataset(const TensorInfo& tensor) const;

    hdf5::Handle file_;
    std::string path_;
    hdf5::RawBytes raw_;
    std::optional<FileIdentity> identity_;
    std::vector<TensorInfo> tensors_;
    std::vector<haddr_t> addresses_;  ///< in the order of tensors_
    std::string quantised_;           ///< the tensor that shows it; empty: none does
};

/// A regular file that begins as HDF5. Throws Error{input} for whatever docs/checkpoints.md says is
/// refused.
[[nodiscard]] std::unique_ptr<Hdf5Checkpoint> open_hdf5_file(const std::filesystem::path& path);

/// The same for the bytes of a file in memory, which outlive the checkpoint and do not change;
/// `name` stands for its path.
[[nodiscard]] std::unique_ptr<Hdf5Checkpoint> open_hdf5_image(std::span<const std::byte> bytes,
                                                              const std::string& name = "(image)");

}  // namespace lipcert
