#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
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

/// SHA-256 of an open file from its first byte on, as lower-case hexadecimal; of some of it only,
/// once a stop has been requested. `path` is for messages. Throws Error{input} where it cannot be
/// read.
[[nodiscard]] std::string sha256_of(int descriptor,
                                    const std::filesystem::path& path,
                                    const std::stop_token& stop = {});

}  // namespace lipcert
