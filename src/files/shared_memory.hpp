#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lipcert {

/// Memory that this process shares with the children it starts from now on: what they write, it
/// reads.
class SharedMemory {
public:
    /// `size` zeros; `where` goes into messages. Throws Error{input} where there is no memory.
    SharedMemory(std::uint64_t size, const std::string& where);
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    SharedMemory(SharedMemory&&) = delete;
    SharedMemory& operator=(SharedMemory&&) = delete;
    ~SharedMemory();

    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

private:
    std::span<std::byte> bytes_;
};

}  // namespace lipcert
