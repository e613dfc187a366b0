/* Preloaded into edit_driver: counts the calls that change what lies on the disk, and at call
 * number LIPCERT_FAULT_AT lets happen what LIPCERT_FAULT says:
 *   kill    SIGKILL before the call
 *   torn    half of a write, then SIGKILL
 *   short   half of a write, and the truth about it
 *   term    SIGTERM before the call
 *   enospc  the call fails: the disk is full          eio   the call fails: the disk is broken
 *   full    from this call on every write fails with ENOSPC, until the end
 *   little  the disk says that it has no space left
 * With LIPCERT_OLD_SYSTEM the disk knows neither locks nor shared content nor renames that do not
 * replace. The descriptor LIPCERT_FAULT_LOG receives the name of the call that was hit, and at the
 * end of the process the number of calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum action { PASS, FAIL, SHORT, TORN };

static long calls;
static long fault_at;
static int log_descriptor = -1;
static const char* fault = "";
static int is_old_system;

static void say(const char* text) {
    if (log_descriptor >= 0) {
        syscall(SYS_write, log_descriptor, text, strlen(text));
    }
}

__attribute__((constructor)) static void begin(void) {
    const char* at = getenv("LIPCERT_FAULT_AT");
    const char* log = getenv("LIPCERT_FAULT_LOG");
    fault_at = at == NULL ? 0 : atol(at);
    log_descriptor = log == NULL ? -1 : atoi(log);
    is_old_system = getenv("LIPCERT_OLD_SYSTEM") != NULL;
    if (getenv("LIPCERT_FAULT") != NULL) {
        fault = getenv("LIPCERT_FAULT");
    }
}

__attribute__((destructor)) static void end(void) {
    char text[32];
    snprintf(text, sizeof text, "calls %ld\n", calls);
    say(text);
}

static int is_fault(const char* name) {
    return strcmp(fault, name) == 0;
}

/* What shall become of the call `name`; `writes` where it puts bytes into a file. */
static enum action next_call(const char* name, int writes) {
    ++calls;
    if (is_fault("full") && fault_at > 0 && calls >= fault_at && writes) {
        errno = ENOSPC;
        return FAIL;
    }
    if (calls != fault_at) {
        return PASS;
    }
    say(name);
    say("\n");
    if (is_fault("kill") || (is_fault("torn") && !writes)) {
        raise(SIGKILL);
    }
    if (is_fault("term")) {
        raise(SIGTERM);
    }
    if (is_fault("enospc") || is_fault("eio")) {
        errno = is_fault("eio") ? EIO : ENOSPC;
        return FAIL;
    }
    if (writes && is_fault("short")) {
        return SHORT;
    }
    return writes && is_fault("torn") ? TORN : PASS;
}

static int is_unknown(int error_number) {
    errno = error_number;
    return is_old_system;
}

/* The definition behind this one. */
#define REAL(name)                                  \
    static __typeof__(&name) real;                  \
    if (real == NULL) {                             \
        *(void**)(&real) = dlsym(RTLD_NEXT, #name); \
    }

#define PART(count, doing) (((doing) == SHORT || (doing) == TORN) ? ((count) + 1) / 2 : (count))

static ssize_t finished(ssize_t result, enum action doing) {
    if (doing == TORN) {
        raise(SIGKILL);
    }
    return result;
}

ssize_t write(int file, const void* bytes, size_t count) {
    REAL(write)
    if (file <= 2) {
        return real(file, bytes, count);
    }
    enum action doing = next_call("write", 1);
    return doing == FAIL ? -1 : finished(real(file, bytes, PART(count, doing)), doing);
}

ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
    REAL(pwrite)
    enum action doing = next_call("pwrite", 1);
    return doing == FAIL ? -1 : finished(real(file, bytes, PART(count, doing), offset), doing);
}

ssize_t pwrite64(int file, const void* bytes, size_t count, off64_t offset) {
    REAL(pwrite64)
    enum action doing = next_call("pwrite", 1);
    return doing == FAIL ? -1 : finished(real(file, bytes, PART(count, doing), offset), doing);
}

ssize_t copy_file_range(
    int from, off64_t* at, int to, off64_t* where, size_t count, unsigned flags) {
    REAL(copy_file_range)
    if (is_unknown(ENOSYS)) {
        return -1;
    }
    enum action doing = next_call("copy_file_range", 1);
    return doing == FAIL ? -1
                         : finished(real(from, at, to, where, PART(count, doing), flags), doing);
}

int ftruncate(int file, off_t size) {
    REAL(ftruncate)
    return next_call("ftruncate", 1) == FAIL ? -1 : real(file, size);
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64)
    return next_call("ftruncate", 1) == FAIL ? -1 : real(file, size);
}

int fsync(int file) {
    REAL(fsync)
    return next_call("fsync", 0) == FAIL ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(fdatasync)
    return next_call("fdatasync", 0) == FAIL ? -1 : real(file);
}

int rename(const char* from, const char* to) {
    REAL(rename)
    return next_call("rename", 0) == FAIL ? -1 : real(from, to);
}

int renameat(int a, const char* from, int b, const char* to) {
    REAL(renameat)
    return next_call("rename", 0) == FAIL ? -1 : real(a, from, b, to);
}

int renameat2(int a, const char* from, int b, const char* to, unsigned flags) {
    REAL(renameat2)
    if (is_unknown(EINVAL)) {
        return -1;
    }
    return next_call("rename", 0) == FAIL ? -1 : real(a, from, b, to, flags);
}

int link(const char* from, const char* to) {
    REAL(link)
    return next_call("link", 0) == FAIL ? -1 : real(from, to);
}

int linkat(int a, const char* from, int b, const char* to, int flags) {
    REAL(linkat)
    return next_call("link", 0) == FAIL ? -1 : real(a, from, b, to, flags);
}

int unlink(const char* path) {
    REAL(unlink)
    return next_call("unlink", 0) == FAIL ? -1 : real(path);
}

int unlinkat(int folder, const char* path, int flags) {
    REAL(unlinkat)
    return next_call("unlink", 0) == FAIL ? -1 : real(folder, path, flags);
}

int fchmod(int file, mode_t mode) {
    REAL(fchmod)
    return next_call("fchmod", 0) == FAIL ? -1 : real(file, mode);
}

int fchown(int file, uid_t owner, gid_t group) {
    REAL(fchown)
    return next_call("fchown", 0) == FAIL ? -1 : real(file, owner, group);
}

int fsetxattr(int file, const char* name, const void* value, size_t size, int flags) {
    int (*real)(int, const char*, const void*, size_t, int);
    *(void**)(&real) = dlsym(RTLD_NEXT, "fsetxattr");
    return next_call("fsetxattr", 0) == FAIL ? -1 : real(file, name, value, size, flags);
}

int flock(int file, int operation) {
    REAL(flock)
    return is_unknown(ENOLCK) ? -1 : real(file, operation);
}

int fstatvfs(int file, struct statvfs* space) {
    REAL(fstatvfs)
    int result = real(file, space);
    if (is_fault("little")) {
        space->f_bavail = 1;
    }
    return result;
}

int ioctl(int file, unsigned long request, ...) {
    REAL(ioctl)
    va_list arguments;
    va_start(arguments, request);
    void* argument = va_arg(arguments, void*);
    va_end(arguments);
    if (request == FICLONE && (is_unknown(EOPNOTSUPP) || next_call("ficlone", 0) == FAIL)) {
        return -1;
    }
    return real(file, request, argument);
}

#define OPEN_BODY(call)                        \
    mode_t mode = 0;                           \
    if ((flags & O_CREAT) != 0) {              \
        va_list arguments;                     \
        va_start(arguments, flags);            \
        mode = (mode_t)va_arg(arguments, int); \
        va_end(arguments);                     \
        if (next_call("create", 0) == FAIL) {  \
            return -1;                         \
        }                                      \
    }                                          \
    return call;

int open(const char* path, int flags, ...) {
    REAL(open)
    OPEN_BODY(real(path, flags, mode))
}

int open64(const char* path, int flags, ...) {
    REAL(open64)
    OPEN_BODY(real(path, flags, mode))
}

int openat(int folder, const char* path, int flags, ...) {
    REAL(openat)
    OPEN_BODY(real(folder, path, flags, mode))
}

int openat64(int folder, const char* path, int flags, ...) {
    REAL(openat64)
    OPEN_BODY(real(folder, path, flags, mode))
}
