#pragma once

namespace lipcert {

/// From now on the kernel ends this process (SIGSYS) at the first attempt to open or change a file
/// for writing, to reach the network, to start a process or to touch another one. Reading files and
/// writing to what is open stay. False where the system offers no such filter.
[[nodiscard]] bool forbid_effects();

}  // namespace lipcert
