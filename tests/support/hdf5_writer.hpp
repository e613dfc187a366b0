#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <hdf5.h>

namespace lipcert::test {

/// An identifier of libhdf5 that closes itself.
class Hdf5Id {
public:
    explicit Hdf5Id(hid_t id);
    Hdf5Id(const Hdf5Id&) = delete;
    Hdf5Id& operator=(const Hdf5Id&) = delete;
    Hdf5Id(Hdf5Id&& other) noexcept;
    Hdf5Id& operator=(Hdf5Id&&) = delete;
    ~Hdf5Id();

    operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)

private:
    hid_t id_;
};

/// A floating-point type by its bits: H5T_FLOAT of `exponent` and `mantissa` bits below the sign.
[[nodiscard]] Hdf5Id custom_float(std::size_t bytes,
                                  std::size_t exponent,
                                  std::size_t mantissa,
                                  std::size_t bias);
[[nodiscard]] Hdf5Id half_type();      ///< binary16, little-endian
[[nodiscard]] Hdf5Id bfloat16_type();  ///< as HDF5 2.0 predefines it
[[nodiscard]] Hdf5Id opaque_type(std::size_t bytes, const std::string& tag = "");
[[nodiscard]] Hdf5Id big_endian(const Hdf5Id& type);

/// How a dataset is stored; chunks empty: contiguous.
struct Storage {
    std::vector<hsize_t> chunks;
    bool compact = false;
    bool shuffle = false;
    bool gzip = false;
    bool fletcher32 = false;
    bool plain_edges = false;  ///< chunks that reach beyond the shape are not filtered
    std::vector<H5Z_filter_t> optional_filters;  ///< set, and skipped on writing if unknown
    std::string external_file;                   ///< raw data there

    static Storage chunked(std::vector<hsize_t> extents) {
        return {.chunks = std::move(extents), .optional_filters = {}, .external_file = {}};
    }
};

enum class TextForm { variable, fixed, fixed_space_padded, one_element };

/// Writes HDF5 files of every kind that a test needs, the hostile ones included. A '/' in a name
/// makes groups.
class Hdf5Writer {
public:
    explicit Hdf5Writer(const std::filesystem::path& path, bool new_style_groups = false);

    /// `values` are numbers that libhdf5 converts to `type`.
    Hdf5Writer& add(const std::string& name,
                    const std::vector<hsize_t>& shape,
                    const std::vector<double>& values,
                    hid_t type = H5T_IEEE_F32LE,
                    const Storage& storage = {});
    /// `bytes` as they shall lie in the file; nullptr declares and writes nothing.
    Hdf5Writer& add_raw(const std::string& name,
                        const std::vector<hsize_t>& shape,
                        const void* bytes,
                        hid_t type,
                        const Storage& storage = {});
    /// The first `count` rows of a dataset that is there.
    Hdf5Writer& write_rows(const std::string& name,
                           hsize_t count,
                           const std::vector<double>& values);
    /// The same as `add` with a shape that may grow.
    Hdf5Writer& add_extensible(const std::string& name,
                               const std::vector<hsize_t>& shape,
                               const std::vector<double>& values,
                               hid_t type,
                               const Storage& storage);
    /// One chunk of float32 with these filters, in this order.
    Hdf5Writer& add_filtered(const std::string& name,
                             const std::vector<double>& values,
                             const std::vector<H5Z_filter_t>& filters);
    /// The stored bytes of the first chunk; bit i of `left_out`: filter i was not used.
    Hdf5Writer& overwrite_chunk(const std::string& name,
                                std::uint32_t left_out,
                                const void* bytes,
                                std::size_t count);
    /// An empty dataspace (h5py.Empty).
    Hdf5Writer& add_null(const std::string& name);
    Hdf5Writer& add_virtual(const std::string& name, const std::string& other_file);
    Hdf5Writer& group(const std::string& name);
    Hdf5Writer& text_attribute(const std::string& object,
                               const std::string& name,
                               const std::string& text,
                               TextForm form = TextForm::variable);
    Hdf5Writer& integer_attribute(const std::string& object, const std::string& name);
    Hdf5Writer& hard_link(const std::string& existing, const std::string& name);
    Hdf5Writer& soft_link(const std::string& target, const std::string& name);
    Hdf5Writer& external_link(const std::string& file, const std::string& name);
    Hdf5Writer& named_type(const std::string& name);

    /// Where the raw data of a contiguous dataset begins in the file.
    [[nodiscard]] haddr_t offset(const std::string& name);

private:
    Hdf5Id file_;
};

/// A new file with one dataset of int64.
void write_integers(const std::filesystem::path& path,
                    const std::string& name,
                    const std::vector<std::size_t>& values);

}  // namespace lipcert::test
