#include "checkpoint/quantised.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lipcert {

namespace {

/// What follows the last dots of a name in the exports of the programs above.
constexpr std::array<std::string_view, 12> kSigns = {".qweight",
                                                     ".scales",
                                                     ".qzeros",
                                                     ".weight_packed",
                                                     ".weight_scale",
                                                     ".weight_scale_inv",
                                                     ".weight_zero_point",
                                                     ".weight.absmax",
                                                     ".weight.quant_map",
                                                     ".weight_format",
                                                     ".SCB",
                                                     ".kernel_scale"};

}  // namespace

std::string sign_of_quantisation(const std::vector<TensorInfo>& tensors) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [](const TensorInfo& tensor) {
        return std::any_of(kSigns.begin(), kSigns.end(), [&tensor](std::string_view sign) {
            return tensor.name.ends_with(sign);
        });
    });
    return found == tensors.end() ? "" : found->name;
}

void refuse_quantised(const std::string& sign, const std::string& where) {
    if (!sign.empty()) {
        throw Error(ErrorKind::input,
                    where,
                    "belongs to a quantised export (there is " + printable_quote(sign) +
                        "): its matrices are codes and scales, not weights; store the "
                        "dequantised weights");
    }
}

}  // namespace lipcert
