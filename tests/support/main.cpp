#include "lipcert/norms/blas_kernels.hpp"

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

int main(int count, char** arguments) {
    lipcert::use_better_kernels(arguments);  // as the program does
    return doctest::Context(count, arguments).run();
}
