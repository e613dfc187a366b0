#include "norms/parallel.hpp"

#include "lipcert/error.hpp"

#include <atomic>
#include <cblas.h>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "norms/blocked_cholesky.hpp"
#include "norms/blocked_gram.hpp"
#include "support/random.hpp"
#include "support/thread_count.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

constexpr double kMuchWork = 1e12;

}  // namespace

TEST_CASE("every piece is worked on once, on two threads too, each call of the BLAS on one") {
    const test::ThreadCount two(2);
    std::vector<std::atomic<int>> visits(1000);
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::atomic<int> waiting = 0;
    for_each_piece(1000, kMuchWork, [&](Eigen::Index i) {
        ++visits[static_cast<std::size_t>(i)];
        CHECK(openblas_get_num_threads() == 1);
        if (i < 2) {  // the first two pieces meet, so that neither thread takes both
            ++waiting;
            while (waiting < 2) {
                std::this_thread::yield();
            }
        }
        const std::lock_guard<std::mutex> lock(mutex);
        threads.insert(std::this_thread::get_id());
    });
    for (const std::atomic<int>& count : visits) {
        CHECK(count == 1);
    }
    CHECK(threads.size() == 2);
    CHECK(openblas_get_num_threads() == 2);
}

TEST_CASE("little work stays on the calling thread, and ranges cover all rows") {
    const test::ThreadCount two(2);
    const std::thread::id here = std::this_thread::get_id();
    Eigen::Index next = 0;
    for_each_row_range(100, 1000, [&](Eigen::Index begin, Eigen::Index end) {
        CHECK(std::this_thread::get_id() == here);
        CHECK(begin == next);
        CHECK(end > begin);
        next = end;
    });
    CHECK(next == 100);
    for_each_row_range(0, 5, [](Eigen::Index, Eigen::Index) { CHECK(false); });
}

TEST_CASE("an exception of a piece reaches the caller, from whichever thread") {
    const test::ThreadCount two(2);
    for (const Eigen::Index bad : {0, 1, 57, 99}) {
        const Error error = test::error_of([&] {
            for_each_piece(100, kMuchWork, [&](Eigen::Index i) {
                if (i == bad) {
                    throw Error(ErrorKind::environment, "", "piece");
                }
            });
        });
        CHECK(error.kind() == ErrorKind::environment);
        CHECK(openblas_get_num_threads() == 2);
    }
}

TEST_CASE("a Gram matrix is the same by blocks and as a whole, of rows and of columns") {
    test::Random random(91);
    for (const Eigen::Index size : {1, 63, 64, 65, 200, 1025, 1100}) {
        CAPTURE(size);
        const Matrix panel = random.gaussian(9, size);
        const Matrix turned = panel.transpose();
        const Matrix expected = panel.transpose().lazyProduct(panel);
        Matrix lower(size, size);
        blas::gram_of_panel(panel, false, blas::Into::overwrite, lower);
        CHECK(lower.array().isNaN().count() == size * (size - 1) / 2);
        blas::gram_of_panel(turned, true, blas::Into::add, lower);
        const Matrix once = 2.0 * expected.triangularView<Eigen::Lower>().toDenseMatrix();
        const Matrix computed = lower.triangularView<Eigen::Lower>();
        CHECK((computed - once).norm() <= 1e-13 * once.norm());
    }
}

TEST_CASE("a factor is the same in blocks of any size, and breaks off at the same pivot") {
    test::Random random(92);
    for (const Eigen::Index size : {1, 5, 64, 130}) {
        const Matrix root = random.gaussian(size, size + 3);
        const Matrix a = root * root.transpose();
        Matrix whole = a;
        REQUIRE(blas::cholesky(whole) == 0);
        const Matrix expected = whole.triangularView<Eigen::Lower>();
        for (const Eigen::Index block : {1, 2, 7, 64}) {
            CAPTURE(size);
            CAPTURE(block);
            Matrix lower = a;
            REQUIRE(blas::cholesky(lower, block) == 0);
            const Matrix factor = lower.triangularView<Eigen::Lower>();
            CHECK((factor - expected).norm() <= 1e-9 * expected.norm());
            CHECK((factor * factor.transpose() - a).norm() <= 1e-13 * a.norm());
            Matrix broken = a;
            const Eigen::Index bad = size / 2;
            broken(bad, bad) = -1.0;
            CHECK(blas::cholesky(broken, block) == bad + 1);
            CHECK(broken.row(bad).head(bad).isApprox(expected.row(bad).head(bad), 1e-9));
        }
    }
}
