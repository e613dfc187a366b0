#include "checkpoint/byte_ranges.hpp"

#include <algorithm>
#include <iterator>

namespace lipcert {

void ByteRanges::add(std::uint64_t begin, std::uint64_t size) {
    std::uint64_t end = begin + size;
    auto piece = pieces_.upper_bound(begin);
    if (piece != pieces_.begin() && std::prev(piece)->second >= begin) {
        --piece;
        begin = piece->first;
    }
    while (piece != pieces_.end() && piece->first <= end) {
        end = std::max(end, piece->second);
        piece = pieces_.erase(piece);
    }
    pieces_.emplace(begin, end);
}

}  // namespace lipcert
