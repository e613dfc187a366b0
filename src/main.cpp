#include "lipcert/commands/program.hpp"

#include <string>
#include <vector>

int main(int argc, char** argv) {
    lipcert::Console console = lipcert::process_console();
    return static_cast<int>(
        lipcert::run_program(std::vector<std::string>(argv + 1, argv + argc), console));
}
