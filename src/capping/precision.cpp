#include "capping/precision.hpp"

#include "lipcert/error.hpp"

#include <limits>

namespace lipcert::capping {

StoredPrecision precision_of(DataType type) {
    switch (type) {
        case DataType::float16:
            return {0x1p-11, 0x1p-25, 65504.0};
        case DataType::bfloat16:
            return {0x1p-8, 0x1p-134, 0x1.fep127};
        case DataType::float32:
            return {0x1p-24, 0x1p-150, 0x1.fffffep127};
        case DataType::float64:
            return {0x1p-53, 0x1p-1074, std::numeric_limits<double>::max()};
        case DataType::unsupported:
            break;
    }
    throw Error(ErrorKind::internal, "", "a matrix was to be capped in an unsupported type");
}

}  // namespace lipcert::capping
