#pragma once

#include "lipcert/rounding/bound.hpp"

#include <string>
#include <string_view>

namespace lipcert {

/// Columns that a printable UTF-8 text takes (one per code point).
[[nodiscard]] std::size_t width_of(std::string_view text);
/// Text cut to `width` with "..." in the middle, so that both ends of a tensor's name stay.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width);
[[nodiscard]] std::string left(std::string_view text, std::size_t width);
[[nodiscard]] std::string right(std::string_view text, std::size_t width);
/// Lines of more than `width` columns broken at spaces, what follows four columns further in than
/// the line began. A word stays whole whatever its length; colour codes take no column.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width);

/// "1.62e+10", "77.2", "0.0451": rounded up, `digits` significant digits; plain where it is short.
[[nodiscard]] std::string readable(const Upper& bound, int digits);
/// The same, rounded down.
[[nodiscard]] std::string readable(const Lower& bound, int digits);
/// A scientific decimal ("1.25e+01") in plain digits where that is not longer; the same number.
[[nodiscard]] std::string readable_decimal(const std::string& scientific);
/// "1 layer", "3 layers".
[[nodiscard]] std::string counted(std::size_t count, const std::string& noun);
/// "2.39 M", "124 M", "260,032": a count for people.
[[nodiscard]] std::string readable_count(std::uint64_t count);

}  // namespace lipcert
