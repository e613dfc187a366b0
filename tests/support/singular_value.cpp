#include "support/singular_value.hpp"

#include <Eigen/SVD>

namespace lipcert::test {

double largest_singular_value(const Matrix& matrix) {
    return Eigen::JacobiSVD<Eigen::MatrixXd>(matrix).singularValues()(0);
}

}  // namespace lipcert::test
