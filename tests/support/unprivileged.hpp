#pragma once

#include <grp.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include "support/isolated.hpp"

namespace lipcert::test {

/// Runs `action` in a child process that permissions bind: the superuser becomes nobody first.
/// Returns "" where it came to its end without an exception.
template <typename Action>
[[nodiscard]] std::string unprivileged(const Action& action) {
    constexpr unsigned kSeconds = 60;
    constexpr uid_t kNobody = 65534;
    return isolated(kSeconds, [&action] {
        if (::geteuid() == 0 &&
            (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
             ::setresuid(kNobody, kNobody, kNobody) != 0)) {
            throw std::runtime_error("cannot become nobody");
        }
        action();
    });
}

/// For checks in a child process, where those of the test framework are lost.
inline void require(bool condition, const std::string& what) {
    if (!condition) {
        throw std::runtime_error(what);
    }
}

}  // namespace lipcert::test
