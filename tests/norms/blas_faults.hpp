#pragma once

#include <limits>

namespace lipcert::test {

/// The routines that bounds rest on. norms_tests is linked so that the library's calls of
/// them pass through blas_faults.cpp (ld --wrap), which hands them to OpenBLAS: neither the dynamic
/// linker nor the probes see a difference.
enum class Routine { dsyrk, dgemm, dpotrf, sgemm };

enum class Fault {
    none,       ///< calls are only counted
    changed,    ///< one entry of the last row grows by 10^-6 of itself, a thousandfold in float32
    unwritten,  ///< that entry keeps the value that it had before the call
    above,      ///< dpotrf zeroes the triangle that is not its own
    reciprocal  ///< dpotrf divides by way of reciprocals of 48 bits, of powers of two exactly
};

/// While it lives, the routine's call number `at_call` goes wrong (0: every call). One at a time.
class FaultyBlas {
public:
    explicit FaultyBlas(Routine routine, Fault fault = Fault::none, int at_call = 0);
    ~FaultyBlas();
    FaultyBlas(const FaultyBlas&) = delete;
    FaultyBlas& operator=(const FaultyBlas&) = delete;
    FaultyBlas(FaultyBlas&&) = delete;
    FaultyBlas& operator=(FaultyBlas&&) = delete;

    [[nodiscard]] int calls() const { return calls_; }

    /// What stood before the call in the entry that was left unwritten; infinite: none was.
    [[nodiscard]] double left_behind() const { return left_behind_; }

    /// The fault of the call that is being made.
    [[nodiscard]] static Fault next(Routine routine);
    static void leave_behind(double value);

private:
    Routine routine_;
    Fault fault_;
    int at_call_;
    int calls_ = 0;
    double left_behind_ = std::numeric_limits<double>::infinity();
};

}  // namespace lipcert::test
