#include "checkpoint/hdf5_handle.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <string_view>

#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

/// The stack lists the innermost failure first when it is walked upward: that one says why.
herr_t take_first(unsigned /*depth*/, const H5E_error2_t* entry, void* data) {
    auto& reason = *static_cast<std::string*>(data);
    if (reason.empty() && entry->desc != nullptr) {
        reason = entry->desc;
    }
    return 0;
}

std::string library_reason() {
    std::string reason;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &reason);
    H5Eclear2(H5E_DEFAULT);
    return printable_quote(reason);
}

struct Advice {
    std::string_view symptom;
    std::string_view sentence;
};

constexpr Advice kAdvice[] = {
    {"truncated file", "the file ends too early: copy or download it again"},
    {"already open for write",
     "another program is writing it, or one crashed while it did: wait, or run h5clear -s on it"},
    {"No locks available",
     "this disk has no file locks: set HDF5_USE_FILE_LOCKING=FALSE in the environment"},
    {"unable to lock file", "another program has it open for writing: wait until that is done"},
};

}  // namespace

void prepare_library() {
    // A file whose closing failed stays in the library's list, and its work at exit crashes on it.
    H5dont_atexit();
    // The library is initialised by the first call; a failure shows in the next one.
    H5PLset_loading_state(0);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

void fail(const std::string& where, const std::string& action) {
    const std::string reason = library_reason();
    std::string_view sentence =
        "the file is damaged or not what it claims to be: get a fresh copy, or rewrite it with "
        "h5repack";
    for (const Advice& advice : kAdvice) {
        if (reason.find(advice.symptom) != std::string::npos) {
            sentence = advice.sentence;
            break;
        }
    }
    throw Error(
        ErrorKind::input,
        where,
        fmt::format(
            "{}: {} (libhdf5: {})", action, sentence, reason.empty() ? "no reason given" : reason));
}

}  // namespace lipcert::hdf5
