#pragma once

/// Refuses to compile where the compiler may use identities of the reals (-ffast-math and its
/// parts). Every unit that handles bounds or matrices includes this, those of other programs too:
/// of an inline function that both compile, the linker keeps either copy for both.
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ + 0 != 0) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "lipcert's error bounds do not hold under -ffast-math or a part of it"
#endif
