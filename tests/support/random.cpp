#include "support/random.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace lipcert::test {

namespace {

std::uint64_t read_environment(const char* name, std::uint64_t fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace

std::uint64_t seed() {
    static const std::uint64_t value = [] {
        const std::uint64_t chosen = read_environment("LIPCERT_TEST_SEED", 20251122);
        std::fprintf(stderr, "LIPCERT_TEST_SEED=%llu\n", static_cast<unsigned long long>(chosen));
        return chosen;
    }();
    return value;
}

std::size_t repetitions(std::size_t count) {
    const std::uint64_t multiplied = count * read_environment("LIPCERT_TEST_MULTIPLIER", 1);
    const std::uint64_t divisor =
        std::max<std::uint64_t>(read_environment("LIPCERT_TEST_DIVISOR", 1), 1);
    return (multiplied + divisor - 1) / divisor;
}

Matrix Random::gaussian(Eigen::Index rows, Eigen::Index cols, double deviation) {
    Matrix result(rows, cols);
    for (double& entry : result.reshaped()) {
        entry = deviation * normal();
    }
    return result;
}

Vector Random::gaussian_vector(Eigen::Index size, double deviation) {
    Vector result(size);
    for (double& entry : result) {
        entry = deviation * normal();
    }
    return result;
}

}  // namespace lipcert::test
