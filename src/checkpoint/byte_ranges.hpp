#pragma once

#include <cstdint>
#include <map>

namespace lipcert {

/// A set of byte positions in a file.
class ByteRanges {
public:
    void add(std::uint64_t begin, std::uint64_t size);

    /// The positions of the set, in pieces that do not touch: begin -> end.
    [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& pieces() const { return pieces_; }

private:
    std::map<std::uint64_t, std::uint64_t> pieces_;
};

}  // namespace lipcert
