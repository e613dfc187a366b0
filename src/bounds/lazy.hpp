#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace lipcert {

/// A value that is computed when it is first looked at. It must not depend on a search: who looks
/// first would be taken for whom it was made. Several threads may look.
template <class Value>
class Lazy {
public:
    explicit Lazy(std::function<Value()> make) : make_(std::move(make)) {}

    /// Before anybody looks.
    Lazy& operator=(std::function<Value()> make) {
        make_ = std::move(make);
        return *this;
    }

    [[nodiscard]] const Value& operator*() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!value_) {
            value_ = make_();
        }
        return *value_;
    }

    [[nodiscard]] const Value* operator->() const { return &**this; }

private:
    std::function<Value()> make_;
    mutable std::mutex mutex_;
    mutable std::optional<Value> value_;
};

}  // namespace lipcert
