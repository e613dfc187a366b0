#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace lipcert {

/// SHA-256 of bytes that come piece by piece.
class Sha256 {
public:
    Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    Sha256(Sha256&&) = delete;
    Sha256& operator=(Sha256&&) = delete;
    ~Sha256();

    void add(std::span<const std::byte> bytes);
    /// Lower-case hexadecimal; once, at the end.
    [[nodiscard]] std::string digest();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// SHA-256 of a file's bytes as lower-case hexadecimal. Throws Error{input} where it cannot be
/// read.
[[nodiscard]] std::string sha256_of_file(const std::filesystem::path& path);

/// The same of an open file, from its first byte on; `path` is for messages.
[[nodiscard]] std::string sha256_of(int descriptor, const std::filesystem::path& path);

}  // namespace lipcert
