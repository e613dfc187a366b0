// What stands between a wrong BLAS or a broken floating-point environment and a certificate: each
// test breaks one thing and expects a refusal.
#include "lipcert/error.hpp"
#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/wait.h>

#include "norms/blas.hpp"
#include "norms/blas_faults.hpp"
#include "norms/paths.hpp"
#include "norms/residual_norm.hpp"
#include "norms/scaling.hpp"
#include "norms/schur_complement.hpp"
#include "support/float_environment.hpp"
#include "support/program.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using lipcert::test::error_of;
using lipcert::test::Fault;
using lipcert::test::FaultyBlas;
using lipcert::test::is_refused_without_ieee;
using lipcert::test::Routine;
using lipcert::test::says;

namespace {

using Action = std::function<void()>;

constexpr Routine kRoutines[] = {Routine::dsyrk, Routine::dgemm, Routine::dpotrf, Routine::sgemm};

/// Refused because of the BLAS, and the message names the routine.
void check_blamed(const Action& action, Routine routine, Fault fault, const std::string& name) {
    CAPTURE(name);
    CHECK_NOTHROW(action());
    const FaultyBlas faulty(routine, fault);
    const Error error = error_of(action);
    CHECK(error.kind() == ErrorKind::environment);
    CHECK(says(error, name));
    CHECK(says(error, "wrong beyond rounding"));
}

}  // namespace

TEST_CASE("nothing is handed to the BLAS where arithmetic is not IEEE 754") {
    test::Random random(81);
    const Matrix matrix = random.gaussian(7, 5);
    const MatrixBall ball = MatrixBall::of(matrix);
    const MatrixBall turned = ball.transposed();
    const Action norm = [&] { static_cast<void>(spectral_norm(matrix)); };
    const Action multiply = [&] { static_cast<void>(product(ball, turned)); };
    const Action factor = [&] { static_cast<void>(gram_factor(ball)); };
    for (const Routine routine : kRoutines) {
        FaultyBlas counted(routine);
        CHECK(is_refused_without_ieee(norm));
        CHECK(is_refused_without_ieee(multiply));
        CHECK(is_refused_without_ieee(factor));
        CHECK(counted.calls() == 0);
    }
}

TEST_CASE("no ball is made where arithmetic is not IEEE 754") {
    const Matrix matrix = Matrix::Constant(2, 2, 0x1p-1060);
    const Vector vector = Vector::Ones(3);
    CHECK(is_refused_without_ieee([&] { static_cast<void>(MatrixBall::of(matrix)); }));
    CHECK(is_refused_without_ieee([&] { static_cast<void>(MatrixBall::of_vector(vector)); }));
    CHECK(is_refused_without_ieee(
        [&] { static_cast<void>(MatrixBall::around(matrix, 0, Upper())); }));
    CHECK(is_refused_without_ieee([] { static_cast<void>(spectral_norm(Matrix::Ones(1, 4))); }));
}

TEST_CASE("probes refuse kernels that are wrong in one entry") {
    CHECK_NOTHROW(blas::run_probes());
    for (const Routine routine : kRoutines) {
        for (const Fault fault : {Fault::changed, Fault::unwritten}) {
            const FaultyBlas faulty(routine, fault);
            const Error error = error_of([] { blas::run_probes(); });
            CHECK(error.kind() == ErrorKind::environment);
            CHECK(says(error, "does not reproduce"));
        }
    }
}

TEST_CASE("probes refuse a factorisation that divides by way of approximate reciprocals") {
    const FaultyBlas faulty(Routine::dpotrf, Fault::reciprocal);
    const Error error = error_of([] { blas::run_probes(); });
    CHECK(error.kind() == ErrorKind::environment);
    CHECK(says(error, "divides by its pivots"));
}

TEST_CASE("a BLAS that is not the one which calls itself OpenBLAS is refused, with exit code 2") {
    const test::TemporaryFolder folder;
    const std::filesystem::path out = folder / "out";
    const std::filesystem::path err = folder / "err";
    const auto run = [&](const std::string& environment) {
        const std::string command = environment + " '" LIPCERT_PROGRAM "' norms '" +
                                    test::sample_model("tiny_llama.h5").string() + "' > '" +
                                    out.string() + "' 2> '" + err.string() + "'";
        return std::system(command.c_str());
    };
    const std::string sanitizers = "ASAN_OPTIONS=verify_asan_link_order=0";
    CHECK(WEXITSTATUS(run(sanitizers)) == 0);
    CHECK(WEXITSTATUS(run(sanitizers + " LD_PRELOAD='" LIPCERT_FOREIGN_BLAS "'")) == 2);
    const std::string message = test::read_file(err);
    CHECK(message.find("cblas_dsyrk comes from") != std::string::npos);
    CHECK(message.find("LD_PRELOAD") != std::string::npos);
    CHECK(test::read_file(out).find("..") == std::string::npos);  // no enclosure
}

TEST_CASE("a norm is refused where the Gram matrix or its Cholesky factor is wrong") {
    test::Random random(82);
    const Matrix matrix = random.gaussian(150, 90);
    const Action norm = [&] { static_cast<void>(spectral_norm(matrix)); };
    for (const Fault fault : {Fault::changed, Fault::unwritten}) {
        check_blamed(norm, Routine::dsyrk, fault, "dsyrk");
        check_blamed(norm, Routine::dpotrf, fault, "dpotrf");
    }
}

TEST_CASE("a routine that writes above the diagonal is refused") {
    const Error found_by_probe = [] {
        const FaultyBlas faulty(Routine::dpotrf, Fault::above);
        return error_of([] { blas::run_probes(); });
    }();
    CHECK(found_by_probe.kind() == ErrorKind::environment);
    // Where more than one level is tried, a level above another matrix would prove nothing.
    test::Random random(86);
    const Matrix matrix = random.gaussian(60, 60).array() + 1.0;
    const Action norm = [&] {
        static_cast<void>(norm_by_factorisation(matrix, 3, Vector(Vector::Unit(60, 0))));
    };
    check_blamed(norm, Routine::dpotrf, Fault::above, "dpotrf");
}

TEST_CASE("a product is refused where the BLAS computed it wrong") {
    test::Random random(83);
    const MatrixBall a = MatrixBall::of(random.gaussian(40, 60));
    const MatrixBall b = MatrixBall::of(random.gaussian(60, 30));
    for (const Fault fault : {Fault::changed, Fault::unwritten}) {
        check_blamed([&] { static_cast<void>(product(a, b)); }, Routine::dgemm, fault, "dgemm");
    }
}

TEST_CASE("a Gram factor is refused where the BLAS computed it wrong") {
    test::Random random(84);
    const MatrixBall ball = MatrixBall::of(random.gaussian(40, 60));
    for (const Fault fault : {Fault::changed, Fault::unwritten}) {
        const Action factor = [&] { static_cast<void>(gram_factor(ball)); };
        check_blamed(factor, Routine::dsyrk, fault, "dsyrk");
        check_blamed(factor, Routine::dpotrf, fault, "dpotrf");
    }
}

TEST_CASE("a factor that is wrong costs the second proof width, never truth [S10]") {
    test::Random random(87);
    for (const Fault fault : {Fault::changed, Fault::unwritten, Fault::reciprocal}) {
        for (const Eigen::Index size : {9, 150}) {
            const Matrix matrix = random.gaussian(size + 5, size);
            const int exponent = *largest_exponent(matrix);
            const Enclosure honest = residual_norm(matrix, exponent).spectral;
            const FaultyBlas faulty(Routine::dpotrf, fault);
            const Enclosure norm = residual_norm(matrix, exponent).spectral;
            CAPTURE(size);
            CHECK(faulty.calls() > 0);
            CHECK(norm.upper().value().compare(honest.lower().value()) >= 0);
            CHECK(norm.lower() == honest.lower());
            if (fault == Fault::changed) {  // by 10^-6 in one entry
                CHECK(norm.upper() > honest.upper());
            }
        }
    }
}

TEST_CASE("a Schur term is refused where the BLAS computed it wrong") {
    test::Random random(88);
    const Matrix thin = random.gaussian(90, 40, 0.01);
    const MatrixBall x = MatrixBall::of(thin * thin.transpose());
    const MatrixBall c = MatrixBall::of(random.gaussian(90, 80));
    const Action term = [&] { static_cast<void>(schur_term(x, c)); };
    for (const Fault fault : {Fault::changed, Fault::unwritten}) {
        check_blamed(term, Routine::dpotrf, fault, "dpotrf");
        check_blamed(term, Routine::dgemm, fault, "dgemm");
        check_blamed(term, Routine::dsyrk, fault, "dsyrk");
    }
    for (const Routine routine : kRoutines) {
        FaultyBlas counted(routine);
        CHECK(is_refused_without_ieee(term));
        CHECK(counted.calls() == 0);
    }
}

TEST_CASE("an entry that the BLAS leaves unwritten is NaN in every panel, never an older result") {
    blas::require_trusted();  // the probes, so that only calls of the test are counted
    // Three equal panels: the entry of the panel before would be right.
    const Matrix half = Matrix::Constant(3 * blas::kGramLength, 4, 0.5);
    const MatrixBall ball = MatrixBall::of(Matrix(half.topRows(3 * blas::kPanelLength)));
    for (const int panel : {1, 2, 3}) {
        CAPTURE(panel);
        {
            const FaultyBlas faulty(Routine::dsyrk, Fault::unwritten, panel);
            CHECK_THROWS_AS(static_cast<void>(spectral_norm(half)), Error);
            CHECK(faulty.calls() == 3);
            CHECK(std::isnan(faulty.left_behind()));
        }
        const FaultyBlas faulty(Routine::dgemm, Fault::unwritten, panel);
        CHECK_THROWS_AS(static_cast<void>(product(ball.transposed(), ball)), Error);
        CHECK(faulty.calls() == 3);
        CHECK(std::isnan(faulty.left_behind()));
    }
}
