#include "lipcert/checkpoint/matrix_file.hpp"
#include "lipcert/error.hpp"

#include <system_error>
#include <unistd.h>

#include "checkpoint/hdf5_handle.hpp"
#include "files/whole_file.hpp"

namespace lipcert {

namespace {

using hdf5::checked;
using hdf5::Handle;
using hdf5::owned;

constexpr const char* kCannotBeWritten = "cannot be written";

void write_matrix(hid_t file,
                  const std::string& name,
                  const Matrix& matrix,
                  const std::string& where) {
    const hsize_t shape[2] = {static_cast<hsize_t>(matrix.rows()),
                              static_cast<hsize_t>(matrix.cols())};
    const Handle space =
        owned(H5Screate_simple(2, shape, nullptr), H5Sclose, where, kCannotBeWritten);
    const Handle dataset = owned(
        H5Dcreate2(
            file, name.c_str(), H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose,
        where,
        kCannotBeWritten);
    checked(
        H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, matrix.data()),
        where,
        kCannotBeWritten);
}

void write_text(hid_t file,
                const std::string& name,
                const std::string& text,
                const std::string& where) {
    const Handle type = owned(H5Tcopy(H5T_C_S1), H5Tclose, where, kCannotBeWritten);
    checked(H5Tset_size(type.get(), text.size() + 1), where, kCannotBeWritten);
    checked(H5Tset_cset(type.get(), H5T_CSET_UTF8), where, kCannotBeWritten);
    const Handle space = owned(H5Screate(H5S_SCALAR), H5Sclose, where, kCannotBeWritten);
    const Handle attribute =
        owned(H5Acreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
              H5Aclose,
              where,
              kCannotBeWritten);
    checked(H5Awrite(attribute.get(), type.get(), text.c_str()), where, kCannotBeWritten);
}

}  // namespace

void write_matrix_file(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, Matrix>>& matrices,
                       const std::vector<std::pair<std::string, std::string>>& attributes) {
    hdf5::prepare_library();
    const std::string where = path.string();
    // A link stays, what it leads to is replaced; a device or a pipe cannot hold HDF5.
    const std::filesystem::path target = behind_links(path);
    const std::filesystem::file_status status = std::filesystem::status(target);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        throw Error(ErrorKind::input, where, "is no regular file: name one to write HDF5 to");
    }
    const std::filesystem::path part = target.string() + "." + std::to_string(getpid()) + ".part";
    try {
        Handle file = owned(H5Fcreate(part.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT),
                            H5Fclose,
                            where,
                            kCannotBeWritten);
        for (const auto& [name, matrix] : matrices) {
            write_matrix(file.get(), name, matrix, where);
        }
        for (const auto& [name, text] : attributes) {
            write_text(file.get(), name, text, where);
        }
        // Closing writes what libhdf5 still holds.
        checked(H5Fclose(file.release()), where, kCannotBeWritten);
        std::filesystem::rename(part, target);
    } catch (const std::filesystem::filesystem_error& error) {
        std::error_code ignored;
        std::filesystem::remove(part, ignored);
        throw Error(ErrorKind::input, where, "cannot be written: " + error.code().message());
    } catch (...) {
        std::error_code ignored;
        std::filesystem::remove(part, ignored);
        throw;
    }
}

}  // namespace lipcert
