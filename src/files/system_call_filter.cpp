#include "files/system_call_filter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <vector>

namespace lipcert {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kMachine = 0;  // no filter
#endif

/// Calls that no reader of files makes. What a machine lacks (aarch64 has neither open nor fork) is
/// left out.
constexpr std::uint32_t kForbidden[] = {
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_sendto,
    SYS_sendmsg,
    SYS_sendmmsg,
    SYS_execve,
    SYS_execveat,
    SYS_clone,
    SYS_clone3,
    SYS_ptrace,
    SYS_kill,
    SYS_tkill,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_io_uring_setup,
    SYS_openat2,
    SYS_open_by_handle_at,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_mkdirat,
    SYS_mknodat,
    SYS_linkat,
    SYS_symlinkat,
    SYS_fchmodat,
    SYS_fchmod,
    SYS_fchownat,
    SYS_fchown,
    SYS_truncate,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_utimensat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    SYS_mount,
    SYS_umount2,
    SYS_bpf,
    SYS_userfaultfd,
    SYS_memfd_create,
    SYS_keyctl,
    SYS_perf_event_open,
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
    SYS_creat,
    SYS_unlink,
    SYS_rename,
    SYS_renameat,
    SYS_mkdir,
    SYS_rmdir,
    SYS_mknod,
    SYS_link,
    SYS_symlink,
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
#endif
};

sock_filter statement(std::uint16_t code, std::uint32_t value) {
    return {code, 0, 0, value};
}

/// Skips `if_true` or `if_false` of the next instructions.
sock_filter jump(std::uint16_t code,
                 std::uint32_t value,
                 std::uint8_t if_true,
                 std::uint8_t if_false) {
    return {code, if_true, if_false, value};
}

/// The filter is a program for the kernel: it loads parts of `seccomp_data` and jumps forward.
class Program {
public:
    std::vector<sock_filter> build() {
        load(offsetof(seccomp_data, arch));
        kill_unless(BPF_JEQ, kMachine);
        load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
        constexpr std::uint32_t kOtherInterface = 0x40000000;  // x32: other numbers, same calls
        kill_if(BPF_JGE, kOtherInterface);
        kill_if_writing(SYS_open, 1);
#endif
        kill_if_writing(SYS_openat, 2);
        for (const std::uint32_t call : kForbidden) {
            kill_if(BPF_JEQ, call);
        }
        code_.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
        return code_;
    }

private:
    void load(std::size_t offset) {
        code_.push_back(statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
    }

    void kill() {
        code_.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    }

    void kill_if(std::uint16_t test, std::uint32_t value) {
        code_.push_back(jump(static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), value, 0, 1));
        kill();
    }

    void kill_unless(std::uint16_t test, std::uint32_t value) {
        code_.push_back(jump(static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), value, 1, 0));
        kill();
    }

    /// `argument` of the call holds the flags; both machines are little-endian, and the flags lie
    /// in the low half.
    void kill_if_writing(std::uint32_t call, std::size_t argument) {
        constexpr std::uint32_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
        constexpr std::uint8_t kBlock = 4;
        code_.push_back(jump(BPF_JMP | BPF_K | BPF_JEQ, call, 0, kBlock));
        load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
        code_.push_back(jump(BPF_JMP | BPF_K | BPF_JSET, kWriting, 0, 1));
        kill();
        code_.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }

    std::vector<sock_filter> code_;
};

}  // namespace

bool forbid_effects() {
    if (kMachine == 0) {
        return false;
    }
    std::vector<sock_filter> code = Program().build();
    sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace lipcert
