#include "norms/measured_product.hpp"

#include "norms/blas_routines.hpp"
#include "norms/parallel.hpp"

namespace lipcert::blas {

namespace {

/// result = factor A op(B) + kept result.
template <class Number>
// As gemm has them.
// NOLINTNEXTLINE(readability-function-size)
void call(Number factor,
          const Part<Number>& a,
          bool transposed,
          const Part<Number>& b,
          Number kept,
          WritablePart<Number> result) {
    if (result.size() == 0) {
        return;
    }
    if (a.cols() == 0) {
        result *= kept;
        return;
    }
    Routines<Number>::kGemm(CblasRowMajor,
                            CblasNoTrans,
                            transposed ? CblasTrans : CblasNoTrans,
                            checked(result.rows()),
                            checked(result.cols()),
                            checked(a.cols()),
                            factor,
                            a.data(),
                            checked(a.outerStride()),
                            b.data(),
                            checked(b.outerStride()),
                            kept,
                            result.data(),
                            checked(result.outerStride()));
}

}  // namespace

template <class Number>
Rows<Number> multiply_and_add(const Rows<Number>& a,
                              const Rows<Number>& b,
                              const Rows<Number>& row) {
    Rows<Number> result(a.rows(), b.cols());
    const double multiply_adds = static_cast<double>(a.rows()) * static_cast<double>(b.size());
    for_each_share(a.rows(), multiply_adds, [&](Eigen::Index begin, Eigen::Index end) {
        WritablePart<Number> part = result.middleRows(begin, end - begin);
        if (row.size() == 0) {
            part.setZero();
        } else {
            part.rowwise() = row.row(0);
        }
        call<Number>(
            Number(1), a.middleRows(begin, end - begin), false, b, row.size() == 0 ? 0 : 1, part);
    });
    return result;
}

template <class Number>
void multiply_into(Number factor,
                   const Part<Number>& a,
                   bool transposed,
                   const Part<Number>& b,
                   WritablePart<Number> result) {
    call<Number>(factor, a, transposed, b, Number(0), result);
}

template Rows<float> multiply_and_add(const Rows<float>&, const Rows<float>&, const Rows<float>&);
template Rows<double> multiply_and_add(const Rows<double>&,
                                       const Rows<double>&,
                                       const Rows<double>&);
template void multiply_into(
    float, const Part<float>&, bool, const Part<float>&, WritablePart<float>);
template void multiply_into(
    double, const Part<double>&, bool, const Part<double>&, WritablePart<double>);

}  // namespace lipcert::blas
