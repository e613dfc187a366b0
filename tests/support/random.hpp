#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>
#include <cstdint>
#include <random>

namespace lipcert::test {

/// The seed of this run: LIPCERT_TEST_SEED, else a fixed number. Printed once to stderr.
[[nodiscard]] std::uint64_t seed();

/// `count` * LIPCERT_TEST_MULTIPLIER / LIPCERT_TEST_DIVISOR (1 each; nightly 100, 1), rounded up.
[[nodiscard]] std::size_t repetitions(std::size_t count);

/// The source of randomness of a test; `stream` separates tests from each other.
class Random {
public:
    explicit Random(std::uint64_t stream) : engine_(seed() * 0x9e3779b97f4a7c15ULL + stream) {}

    [[nodiscard]] double normal() { return normal_(engine_); }

    [[nodiscard]] double uniform(double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(engine_);
    }

    /// In [low, high], both ends included.
    [[nodiscard]] std::size_t integer(std::size_t low, std::size_t high) {
        return std::uniform_int_distribution<std::size_t>(low, high)(engine_);
    }

    [[nodiscard]] Matrix gaussian(Eigen::Index rows, Eigen::Index cols, double deviation = 1.0);
    [[nodiscard]] Vector gaussian_vector(Eigen::Index size, double deviation = 1.0);

    [[nodiscard]] std::mt19937_64& engine() { return engine_; }

private:
    std::mt19937_64 engine_;
    std::normal_distribution<double> normal_;
};

}  // namespace lipcert::test
