#include "checkpoint/hdf5_writable.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "checkpoint/hdf5_handle.hpp"
#include "files/descriptor.hpp"

namespace lipcert::hdf5 {

namespace {

/// What a driver of libhdf5 works on; several open files of the library may share it.
struct Medium {
    int descriptor = -1;
    int error_number = 0;  ///< of the first write that failed
    ByteRanges written;

    /// Descriptions that could not be written, the latest last.
    struct Kept {
        haddr_t address = 0;
        std::string bytes;
    };

    std::vector<Kept> kept;

    void write(H5FD_mem_t type, haddr_t address, const void* bytes, std::size_t size) {
        const std::span<const std::byte> span(static_cast<const std::byte*>(bytes), size);
        written.add(address, size);
        if (error_number == 0) {
            error_number = write_at(descriptor, address, span);
        }
        if (error_number != 0 && type != H5FD_MEM_DRAW) {
            kept.push_back({address, std::string(static_cast<const char*>(bytes), size)});
        }
    }

    /// What lies behind the end of the file reads as zero.
    void read(haddr_t address, void* bytes, std::size_t size) const {
        const std::span<std::byte> span(static_cast<std::byte*>(bytes), size);
        const std::size_t found = read_at(descriptor, address, span, "");
        std::fill(span.begin() + static_cast<std::ptrdiff_t>(found), span.end(), std::byte{0});
        for (const Kept& part : kept) {
            const haddr_t begin = std::max(address, part.address);
            const haddr_t end = std::min(address + size, part.address + part.bytes.size());
            if (begin < end) {
                std::memcpy(span.data() + (begin - address),
                            part.bytes.data() + (begin - part.address),
                            end - begin);
            }
        }
    }

    void set_size(haddr_t size) {
        if (error_number == 0 && ::ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
            error_number = errno;
        }
    }
};

/// One opening of the medium, as libhdf5 wants it: its own part comes first.
struct Opened {
    H5FD_t library_part;
    Medium* medium;
    haddr_t end_of_allocation;
};

Opened& opened(H5FD_t* file) {
    return *reinterpret_cast<Opened*>(file);
}

const Opened& opened(const H5FD_t* file) {
    return *reinterpret_cast<const Opened*>(file);
}

/// Runs `action` for libhdf5, which no exception may cross.
template <typename Action>
herr_t guarded(const Action& action) noexcept {
    try {
        action();
        return 0;
    } catch (const std::exception&) {
        return -1;
    }
}

constexpr haddr_t kLargestAddress = std::numeric_limits<off_t>::max();

H5FD_t* driver_open(const char* /*name*/, unsigned /*flags*/, hid_t access, haddr_t /*largest*/) {
    const auto* medium = static_cast<Medium* const*>(H5Pget_driver_info(access));
    auto* file = medium == nullptr ? nullptr : new (std::nothrow) Opened{};
    if (file == nullptr) {
        return nullptr;
    }
    file->medium = *medium;
    return &file->library_part;
}

herr_t driver_close(H5FD_t* file) {
    delete &opened(file);
    return 0;
}

/// Without H5FD_FEAT_ACCUMULATE_METADATA each description is written by itself, with its type.
herr_t driver_query(const H5FD_t* /*file*/, unsigned long* features) {
    if (features != nullptr) {
        *features =
            H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DATA_SIEVE;
    }
    return 0;
}

haddr_t driver_get_eoa(const H5FD_t* file, H5FD_mem_t /*type*/) {
    return opened(file).end_of_allocation;
}

herr_t driver_set_eoa(H5FD_t* file, H5FD_mem_t /*type*/, haddr_t address) {
    opened(file).end_of_allocation = address;
    return 0;
}

haddr_t driver_get_eof(const H5FD_t* file, H5FD_mem_t /*type*/) {
    struct stat status {};

    return ::fstat(opened(file).medium->descriptor, &status) == 0
               ? static_cast<haddr_t>(status.st_size)
               : HADDR_UNDEF;
}

// libhdf5 fixes the parameters of these two.
// NOLINTNEXTLINE(readability-function-size)
herr_t driver_read(H5FD_t* file,
                   H5FD_mem_t /*type*/,
                   hid_t /*transfer*/,
                   haddr_t address,
                   std::size_t size,
                   void* bytes) {
    return guarded([&] { opened(file).medium->read(address, bytes, size); });
}

// NOLINTNEXTLINE(readability-function-size)
herr_t driver_write(H5FD_t* file,
                    H5FD_mem_t type,
                    hid_t /*transfer*/,
                    haddr_t address,
                    std::size_t size,
                    const void* bytes) {
    return guarded([&] { opened(file).medium->write(type, address, bytes, size); });
}

/// The file ends where libhdf5 has allocated its last byte.
herr_t driver_truncate(H5FD_t* file, hid_t /*transfer*/, hbool_t /*closing*/) {
    if (driver_get_eof(file, H5FD_MEM_DEFAULT) != opened(file).end_of_allocation) {
        opened(file).medium->set_size(opened(file).end_of_allocation);
    }
    return 0;
}

H5FD_class_t driver_class() {
    H5FD_class_t driver{};
    driver.name = "lipcert";
    driver.maxaddr = kLargestAddress;
    driver.fc_degree = H5F_CLOSE_STRONG;
    driver.fapl_size = sizeof(Medium*);  // NOLINT(bugprone-sizeof-expression): a pointer is passed
    driver.open = driver_open;
    driver.close = driver_close;
    driver.query = driver_query;
    driver.get_eoa = driver_get_eoa;
    driver.set_eoa = driver_set_eoa;
    driver.get_eof = driver_get_eof;
    driver.read = driver_read;
    driver.write = driver_write;
    driver.truncate = driver_truncate;
    constexpr H5FD_mem_t kByType[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(kByType), std::end(kByType), std::begin(driver.fl_map));
    return driver;
}

}  // namespace

class WritableFile::Device {
public:
    Device(int descriptor, const std::filesystem::path& path)
        : path_(path), driver_class_(driver_class()) {
        constexpr const char* kCannotBeSetUp = "libhdf5 cannot be set up to write it";
        prepare_library();
        medium_.descriptor = descriptor;
        driver_ = owned(H5FDregister(&driver_class_), H5FDunregister, path_, kCannotBeSetUp);
        const Handle access = owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path_, kCannotBeSetUp);
        Medium* medium = &medium_;
        checked(H5Pset_driver(access.get(), driver_.get(), &medium), path_, kCannotBeSetUp);
        checked(H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG), path_, kCannotBeSetUp);
        file_ = owned(H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()),
                      H5Fclose,
                      path_,
                      "cannot be opened to be written");
    }

    [[nodiscard]] hid_t file() const { return file_.get(); }

    void require_written() const {
        if (medium_.error_number != 0) {
            fail_system(path_, "its new content cannot be written", medium_.error_number);
        }
    }

    ByteRanges close() {
        const herr_t flushed = H5Fflush(file_.get(), H5F_SCOPE_LOCAL);
        const herr_t closed = H5Fclose(file_.release());
        require_written();
        checked(std::min(flushed, closed), path_, "cannot be completed");
        return medium_.written;
    }

private:
    std::string path_;
    H5FD_class_t driver_class_;
    Medium medium_;
    Handle driver_;
    Handle file_;
};

WritableFile::WritableFile(int descriptor, const std::filesystem::path& path)
    : device_(std::make_unique<Device>(descriptor, path)) {}

WritableFile::~WritableFile() = default;

hid_t WritableFile::id() const {
    return device_->file();
}

void WritableFile::require_written() const {
    device_->require_written();
}

ByteRanges WritableFile::close() {
    return device_->close();
}

}  // namespace lipcert::hdf5
