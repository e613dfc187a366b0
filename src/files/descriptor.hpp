#pragma once

#include "lipcert/files/file_identity.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <sys/stat.h>
#include <utility>

namespace lipcert {

/// Owns an open file of the system.
class Descriptor {
public:
    Descriptor() = default;

    explicit Descriptor(int number) : number_(number) {}

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    ~Descriptor();

    [[nodiscard]] int get() const { return number_; }

    [[nodiscard]] bool is_open() const { return number_ >= 0; }

private:
    int number_ = -1;
};

/// Throws Error{input}: `action` ("cannot be written"), then what the system gives as its reason
/// (`error_number`) and what to do.
[[noreturn]] void fail_system(const std::filesystem::path& path,
                              const std::string& action,
                              int error_number);

/// Throws Error{input} where the system says nothing about an open file.
[[nodiscard]] struct stat status_of(int descriptor, const std::filesystem::path& path);
[[nodiscard]] FileIdentity identity_of(const struct stat& status);

/// Up to buffer.size() bytes from `offset`, fewer only where the file ends. Throws Error{input}.
[[nodiscard]] std::size_t read_at(int descriptor,
                                  std::uint64_t offset,
                                  std::span<std::byte> buffer,
                                  const std::filesystem::path& path);

/// All of `bytes`; 0, or the errno of the system where not all of them could be written.
[[nodiscard]] int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes);

}  // namespace lipcert
