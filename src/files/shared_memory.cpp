#include "files/shared_memory.hpp"

#include "lipcert/error.hpp"

#include <sys/mman.h>

#include <fmt/format.h>

namespace lipcert {

SharedMemory::SharedMemory(std::uint64_t size, const std::string& where) {
    if (size == 0) {
        return;  // no mapping is empty
    }
    void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        throw Error(ErrorKind::input,
                    where,
                    fmt::format("needs {} bytes of memory once unpacked, which there are not: "
                                "unpack it on a disk",
                                size));
    }
    bytes_ = {static_cast<std::byte*>(mapped), size};
}

SharedMemory::~SharedMemory() {
    if (!bytes_.empty()) {
        ::munmap(bytes_.data(), bytes_.size());
    }
}

}  // namespace lipcert
