#pragma once

#include <functional>
#include <string>

namespace lipcert {

/// What became of an action in a process of its own.
struct ConfinedRun {
    bool came_to_end = false;
    std::string answer;  ///< what the action returned, at most 64 KiB of it
    std::string ending;  ///< else: "Segmentation fault", "more than 300 s of processor time", ...
};

/// Runs `action` in a child process and waits for it: a crash, a hang or an exhausted memory ends
/// the child alone. It has 300 s of processor time, 4 GiB of address space beyond what the parent
/// uses, no new privileges, and, where the system offers that, no system call that has an effect
/// outside (see `forbid_effects`). `action` must not throw. Throws Error{environment} where no
/// process can be started. Other threads of the program must not be inside a library that `action`
/// uses.
[[nodiscard]] ConfinedRun run_confined(const std::function<std::string()>& action);

}  // namespace lipcert
