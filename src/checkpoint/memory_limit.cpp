#include "lipcert/checkpoint/memory_limit.hpp"

#include "lipcert/error.hpp"

#include <atomic>
#include <limits>
#include <unistd.h>

#include <fmt/format.h>

namespace lipcert {

namespace {

std::uint64_t machine_memory() {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_bytes = ::sysconf(_SC_PAGE_SIZE);
    return pages > 0 && page_bytes > 0
               ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes)
               : std::numeric_limits<std::uint64_t>::max();
}

std::atomic<std::uint64_t>& limit() {
    static std::atomic<std::uint64_t> bytes{machine_memory()};
    return bytes;
}

}  // namespace

void set_memory_limit(std::optional<std::uint64_t> bytes) {
    limit() = bytes.value_or(machine_memory());
}

void require_memory(std::uint64_t bytes, const std::string& where) {
    const std::uint64_t most = limit();
    if (bytes > most) {
        throw Error(ErrorKind::input,
                    where,
                    fmt::format("needs {} bytes of memory to be read, and {} are allowed: use a "
                                "larger machine or --max-memory",
                                bytes,
                                most));
    }
}

}  // namespace lipcert
