/* Preloaded into edit_driver: counts the calls that change what lies on the disk, and at call
 * number LIPCERT_FAULT_AT lets happen what LIPCERT_FAULT says:
 *   kill    SIGKILL before the call
 *   torn    half of a write, then SIGKILL
 *   short   half of a write, and the truth about it
 *   term    SIGTERM before the call
 *   enospc  the call fails: the disk is full          eio   the call fails: the disk is broken
 *   full    from this call on every write fails with ENOSPC, until the end
 *   little  the disk says that it has no space left
 *   aside   SIGTERM after the call, handled to its end by another thread before this one goes on
 *   eio-read, eio-close   counts the calls of this kind instead; EIO
 *   trace   every call is named
 * With LIPCERT_OLD_SYSTEM the disk knows neither locks nor shared content nor renames that do not
 * replace nor durable folders. The descriptor LIPCERT_FAULT_LOG receives the name of the call that
 * was hit, and at the end of the process the number of calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum action { PASS, FAIL, SHORT, TORN };

enum kind { CHANGE, WRITE, READ, CLOSE };

static long calls;
static long fault_at;
static int log_descriptor = -1;
static const char* fault = "";
static int is_old_system;
static int is_aside_due;

static void say(const char* text) {
    if (log_descriptor >= 0) {
        syscall(SYS_write, log_descriptor, text, strlen(text));
    }
}

static void* wait_for_signals(void* unused) {
    for (;;) {
        pause();
    }
    return unused;
}

/* The process gets the signal while this thread does not take it. */
static void signal_aside(void) {
    sigset_t set;
    sigset_t before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    kill(getpid(), SIGTERM);
    usleep(20000);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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
    if (strcmp(fault, "aside") == 0) {
        pthread_t other;
        pthread_create(&other, NULL, wait_for_signals, NULL);
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

static int is_counted(enum kind kind) {
    if (is_fault("eio-read") || is_fault("eio-close")) {
        return kind == (is_fault("eio-read") ? READ : CLOSE);
    }
    return kind == CHANGE || kind == WRITE;
}

/* What shall become of the call `name`; WRITE puts bytes into a file. */
static enum action next_call(const char* name, enum kind kind) {
    int writes = kind == WRITE;
    if (!is_counted(kind)) {
        return PASS;
    }
    ++calls;
    if (is_fault("trace")) {
        say("call ");
        say(name);
        say("\n");
    }
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
    is_aside_due = is_fault("aside");
    if (is_fault("enospc") || strncmp(fault, "eio", 3) == 0) {
        errno = is_fault("enospc") ? ENOSPC : EIO;
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
    if (is_aside_due) {
        int error_number = errno;
        is_aside_due = 0;
        signal_aside();
        errno = error_number;
    }
    return result;
}

ssize_t write(int file, const void* bytes, size_t count) {
    REAL(write)
    if (file <= 2) {
        return real(file, bytes, count);
    }
    enum action doing = next_call("write", WRITE);
    return doing == FAIL ? -1 : finished(real(file, bytes, PART(count, doing)), doing);
}

ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
    REAL(pwrite)
    enum action doing = next_call("pwrite", WRITE);
    return doing == FAIL ? -1 : finished(real(file, bytes, PART(count, doing), offset), doing);
}

ssize_t pwrite64(int file, const void* bytes, size_t count, off64_t offset) {
    REAL(pwrite64)
    enum action doing = next_call("pwrite", WRITE);
    return doing == FAIL ? -1 : finished(real(file, bytes, PART(count, doing), offset), doing);
}

ssize_t copy_file_range(
    int from, off64_t* at, int to, off64_t* where, size_t count, unsigned flags) {
    REAL(copy_file_range)
    if (is_unknown(ENOSYS)) {
        return -1;
    }
    enum action doing = next_call("copy_file_range", WRITE);
    return doing == FAIL ? -1
                         : finished(real(from, at, to, where, PART(count, doing), flags), doing);
}

static int is_regular(int file) {
    struct stat status;
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

ssize_t read(int file, void* bytes, size_t count) {
    REAL(read)
    return is_regular(file) && next_call("read", READ) == FAIL ? -1 : real(file, bytes, count);
}

ssize_t pread(int file, void* bytes, size_t count, off_t offset) {
    REAL(pread)
    return next_call("pread", READ) == FAIL ? -1 : real(file, bytes, count, offset);
}

ssize_t pread64(int file, void* bytes, size_t count, off64_t offset) {
    REAL(pread64)
    return next_call("pread", READ) == FAIL ? -1 : real(file, bytes, count, offset);
}

int close(int file) {
    REAL(close)
    int is_hit = is_regular(file) && next_call("close", CLOSE) == FAIL;
    int result = real(file); /* whatever it says, the descriptor is gone */
    if (is_hit) {
        errno = EIO;
    }
    return is_hit ? -1 : result;
}

int ftruncate(int file, off_t size) {
    REAL(ftruncate)
    return next_call("ftruncate", WRITE) == FAIL ? -1 : (int)finished(real(file, size), PASS);
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64)
    return next_call("ftruncate", WRITE) == FAIL ? -1 : (int)finished(real(file, size), PASS);
}

int fsync(int file) {
    REAL(fsync)
    struct stat status;
    int is_folder = fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
    if (is_folder && is_unknown(EINVAL)) {
        return -1;
    }
    return next_call(is_folder ? "fsync folder" : "fsync", CHANGE) == FAIL
               ? -1
               : (int)finished(real(file), PASS);
}

int fdatasync(int file) {
    REAL(fdatasync)
    return next_call("fdatasync", CHANGE) == FAIL ? -1 : (int)finished(real(file), PASS);
}

int rename(const char* from, const char* to) {
    REAL(rename)
    return next_call("rename", CHANGE) == FAIL ? -1 : (int)finished(real(from, to), PASS);
}

int renameat(int a, const char* from, int b, const char* to) {
    REAL(renameat)
    return next_call("rename", CHANGE) == FAIL ? -1 : (int)finished(real(a, from, b, to), PASS);
}

int renameat2(int a, const char* from, int b, const char* to, unsigned flags) {
    REAL(renameat2)
    if (is_unknown(EINVAL)) {
        return -1;
    }
    return next_call("rename", CHANGE) == FAIL ? -1
                                               : (int)finished(real(a, from, b, to, flags), PASS);
}

int link(const char* from, const char* to) {
    REAL(link)
    return next_call("link", CHANGE) == FAIL ? -1 : (int)finished(real(from, to), PASS);
}

int linkat(int a, const char* from, int b, const char* to, int flags) {
    REAL(linkat)
    return next_call("link", CHANGE) == FAIL ? -1
                                             : (int)finished(real(a, from, b, to, flags), PASS);
}

int unlink(const char* path) {
    REAL(unlink)
    return next_call("unlink", CHANGE) == FAIL ? -1 : (int)finished(real(path), PASS);
}

int unlinkat(int folder, const char* path, int flags) {
    REAL(unlinkat)
    return next_call("unlink", CHANGE) == FAIL ? -1
                                               : (int)finished(real(folder, path, flags), PASS);
}

int fchmod(int file, mode_t mode) {
    REAL(fchmod)
    return next_call("fchmod", CHANGE) == FAIL ? -1 : (int)finished(real(file, mode), PASS);
}

int fchown(int file, uid_t owner, gid_t group) {
    REAL(fchown)
    return next_call("fchown", CHANGE) == FAIL ? -1 : (int)finished(real(file, owner, group), PASS);
}

int fsetxattr(int file, const char* name, const void* value, size_t size, int flags) {
    int (*real)(int, const char*, const void*, size_t, int);
    *(void**)(&real) = dlsym(RTLD_NEXT, "fsetxattr");
    return next_call("fsetxattr", CHANGE) == FAIL
               ? -1
               : (int)finished(real(file, name, value, size, flags), PASS);
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
    if (request != FICLONE) {
        return real(file, request, argument);
    }
    if (is_unknown(EOPNOTSUPP) || next_call("ficlone", CHANGE) == FAIL) {
        return -1;
    }
    return (int)finished(real(file, request, argument), PASS);
}

#define OPEN_BODY(call)                            \
    mode_t mode = 0;                               \
    if ((flags & O_CREAT) != 0) {                  \
        va_list arguments;                         \
        va_start(arguments, flags);                \
        mode = (mode_t)va_arg(arguments, int);     \
        va_end(arguments);                         \
        if (next_call("create", CHANGE) == FAIL) { \
            return -1;                             \
        }                                          \
    }                                              \
    return (int)finished(call, PASS);

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
