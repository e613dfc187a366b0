#pragma once

#include <string>
#include <utility>

#include <hdf5.h>

namespace lipcert::hdf5 {

/// Owns one identifier of libhdf5 and closes it with the function that belongs to its type.
class Handle {
public:
    using Close = herr_t (*)(hid_t);

    Handle() = default;

    Handle(hid_t id, Close close) : id_(id), close_(close) {}

    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    Handle(Handle&& other) noexcept
        : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}

    Handle& operator=(Handle&& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(close_, other.close_);
        return *this;
    }

    ~Handle() {
        if (id_ >= 0) {
            close_(id_);
        }
    }

    [[nodiscard]] hid_t get() const { return id_; }

    /// Gives the identifier away, to be closed where a failure can be told.
    [[nodiscard]] hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

private:
    hid_t id_ = H5I_INVALID_HID;
    Close close_ = nullptr;
};

/// No plugins from the environment, no error traces on stderr. Error settings of a thread-safe
/// libhdf5 belong to the thread, so every entry point calls this.
void prepare_library();

/// Throws Error{input}: `action` ("cannot be opened"), then what libhdf5 gives as its reason and,
/// for the reasons that users meet, what to do.
[[noreturn]] void fail(const std::string& where, const std::string& action);

/// `result` of a libhdf5 call, where negative means failure.
template <typename Result>
Result checked(Result result, const std::string& where, const char* action) {
    if (result < 0) {
        fail(where, action);
    }
    return result;
}

/// The owner of an identifier that a libhdf5 call has just returned.
[[nodiscard]] inline Handle owned(hid_t id,
                                  Handle::Close close,
                                  const std::string& where,
                                  const char* action) {
    return {checked(id, where, action), close};
}

}  // namespace lipcert::hdf5
