#include "norms/single_precision.hpp"

#include "lipcert/error.hpp"

#include <cblas.h>
#include <limits>

#include "norms/thread_limit.hpp"

namespace lipcert::blas {

namespace {

int checked(Eigen::Index dimension) {
    if (dimension > std::numeric_limits<int>::max()) {
        throw Error(ErrorKind::internal, "", "a matrix dimension exceeds what the BLAS can count");
    }
    return static_cast<int>(dimension);
}

}  // namespace

FloatMatrix multiply_single(const FloatMatrix& a, const FloatMatrix& b) {
    FloatMatrix result(a.rows(), b.cols());
    if (a.cols() == 0 || result.size() == 0) {
        result.setZero();
        return result;
    }
    const ThreadLimit limit(static_cast<double>(a.rows()) * static_cast<double>(a.cols()) *
                            static_cast<double>(b.cols()));
    cblas_sgemm(CblasRowMajor,
                CblasNoTrans,
                CblasNoTrans,
                checked(a.rows()),
                checked(b.cols()),
                checked(a.cols()),
                1.0F,
                a.data(),
                checked(a.cols()),
                b.data(),
                checked(b.cols()),
                0.0F,
                result.data(),
                checked(b.cols()));
    return result;
}

}  // namespace lipcert::blas
