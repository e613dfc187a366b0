/* Preloaded into the program: a library that answers for dsyrk, as another BLAS in LD_PRELOAD or
 * LD_LIBRARY_PATH would. It hands the call on to the one behind it, so that every result is right
 * and only its origin tells. */
#define _GNU_SOURCE
#include <dlfcn.h>

typedef void dsyrk(int, int, int, int, int, double, const double*, int, double, double*, int);

void cblas_dsyrk(int order,
                 int uplo,
                 int transpose,
                 int n,
                 int k,
                 double alpha,
                 const double* a,
                 int lda,
                 double beta,
                 double* c,
                 int ldc) {
    dsyrk* real;
    *(void**)(&real) = dlsym(RTLD_NEXT, "cblas_dsyrk");
    real(order, uplo, transpose, n, k, alpha, a, lda, beta, c, ldc);
}
