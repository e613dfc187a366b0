#include "lipcert/comparison/difference.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <utility>

namespace lipcert {

namespace {

Change change_of(const Measure& now, const Measure* before, double tolerance) {
    Change change{now.rule, now.place, std::nullopt, now.upper, ChangeState::added, 0.0};
    if (before == nullptr) {
        return change;
    }
    change.before = before->upper;
    change.state = is_worse(now.upper, before->upper, tolerance)   ? ChangeState::worse
                   : is_worse(before->upper, now.upper, tolerance) ? ChangeState::better
                                                                   : ChangeState::same;
    const bool comparable = now.upper.is_finite() && before->upper.is_finite() &&
                            !now.upper.is_zero() && !before->upper.is_zero();
    change.log10_ratio = comparable ? now.upper.log10() - before->upper.log10() : 0.0;
    return change;
}

}  // namespace

std::string name_of(ChangeState state) {
    switch (state) {
        case ChangeState::same:
            return "same";
        case ChangeState::better:
            return "better";
        case ChangeState::worse:
            return "worse";
        case ChangeState::added:
            return "added";
        case ChangeState::removed:
            break;
    }
    return "removed";
}

bool Change::is_regression() const {
    return state == ChangeState::worse && rule != "block";
}

bool Difference::has_regression() const {
    return !broken.empty() || std::any_of(changes.begin(), changes.end(), [](const Change& change) {
        return change.is_regression();
    });
}

Difference compare(Measures now, Measures before, double tolerance) {
    if (now.restriction != before.restriction) {
        const auto named = [](const Measures& measures) {
            return measures.restriction.empty() ? std::string("on all inputs")
                                                : measures.restriction;
        };
        throw Error(ErrorKind::input,
                    now.model,
                    "its bounds are " + named(now) + ", those it is compared with " +
                        named(before) + ": these are other quantities, not better or worse ones");
    }
    Difference difference;
    for (const Measure& measure : now.values) {
        difference.changes.push_back(
            change_of(measure, before.find(measure.rule, measure.place), tolerance));
    }
    for (const Measure& measure : before.values) {
        if (now.find(measure.rule, measure.place) == nullptr) {
            difference.changes.push_back({measure.rule,
                                          measure.place,
                                          measure.upper,
                                          std::nullopt,
                                          ChangeState::removed,
                                          0.0});
        }
    }
    // The tensor that decides can change; the limit is the same if its kind and number are.
    for (const StoredLimit& limit : now.limits) {
        const bool held = std::any_of(
            before.limits.begin(), before.limits.end(), [&limit](const StoredLimit& other) {
                return other.kind == limit.kind && other.text == limit.text && other.holds;
            });
        if (!limit.holds && held) {
            difference.broken.push_back({limit.kind, limit.quantity, limit.text});
        }
    }
    difference.now = std::move(now);
    difference.before = std::move(before);
    return difference;
}

}  // namespace lipcert
