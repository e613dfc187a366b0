// Edits a checkpoint as the command does, in a process that a test may kill.
// Usage: edit_driver SOURCE OUTPUT|in-place [force] [backup]
#include "lipcert/error.hpp"

#include <cstdio>
#include <string>

#include "support/new_values.hpp"

int main(int argc, char** argv) {
    if (argc < 3) {
        return 4;
    }
    lipcert::EditTarget target;
    if (std::string(argv[2]) != "in-place") {
        target.output = argv[2];
    }
    for (int i = 3; i < argc; ++i) {
        target.force = target.force || std::string(argv[i]) == "force";
        if (std::string(argv[i]) == "backup") {
            target.backup_suffix = ".bak";
        }
    }
    try {
        (void)lipcert::test::edit_with_new_values(argv[1], target);
        return 0;
    } catch (const lipcert::Error& error) {
        std::fprintf(stderr, "%s: %s\n", error.where().c_str(), error.what());
        return 2;
    }
}
