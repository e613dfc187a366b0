#include "lipcert/commands/program.hpp"
#include "lipcert/norms/blas_kernels.hpp"

#include <malloc.h>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    lipcert::use_better_kernels(argv);
    // Matrices of a layer come and go: memory that went back to the system at once would be cleared
    // page by page for the next one.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    lipcert::Console console = lipcert::process_console();
    return static_cast<int>(
        lipcert::run_program(std::vector<std::string>(argv + 1, argv + argc), console));
}
