#include "support/decompositions.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>

namespace lipcert::test {

SingularValues singular_values(const Matrix& matrix) {
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(matrix, Eigen::ComputeThinU | Eigen::ComputeThinV);
    return {svd.matrixU(), svd.singularValues(), svd.matrixV()};
}

double largest_singular_value(const Matrix& matrix) {
    return Eigen::JacobiSVD<Eigen::MatrixXd>(matrix).singularValues()(0);
}

Vector eigenvalues(const Matrix& symmetric) {
    return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(symmetric, Eigen::EigenvaluesOnly)
        .eigenvalues();
}

Matrix orthonormal_basis(const Matrix& matrix) {
    return Eigen::HouseholderQR<Eigen::MatrixXd>(matrix).householderQ() *
           Eigen::MatrixXd::Identity(matrix.rows(), matrix.cols());
}

}  // namespace lipcert::test
