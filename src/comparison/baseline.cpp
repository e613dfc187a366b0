#include "lipcert/comparison/baseline.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fnmatch.h>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace lipcert {

namespace {

using nlohmann::json;

constexpr const char* kSchema = "lipcert-baseline-1";

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::usage, where, message);
}

/// A text field of an entry; every key of the entry must be one of `known`.
std::string field(const json& entry,
                  const std::string& key,
                  const std::set<std::string>& known,
                  const std::string& where) {
    if (!entry.is_object()) {
        refuse(where, "has an entry that is no object: " + entry.dump());
    }
    for (const auto& item : entry.items()) {
        if (known.count(item.key()) == 0) {
            refuse(where, "has an unknown key '" + item.key() + "' in " + entry.dump());
        }
    }
    if (!entry.contains(key) || !entry.at(key).is_string() ||
        entry.at(key).get_ref<const std::string&>().empty()) {
        refuse(where, "lacks '" + key + "' in " + entry.dump());
    }
    return entry.at(key).get<std::string>();
}

/// The number that is `text` from end to end; -1 where it is none.
int number_in(std::string_view text) {
    int number = -1;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? number : -1;
}

/// A day of the calendar, written 2026-12-31.
bool is_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
        return false;
    }
    const int year = number_in(text.substr(0, 4));
    const int month = number_in(text.substr(5, 2));
    const int day = number_in(text.substr(8, 2));
    return year >= 0 && month >= 0 && day >= 0 &&
           (std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
            std::chrono::day(static_cast<unsigned>(day)))
               .ok();
}

Upper value_of(const BaselineEntry& entry) {
    return entry.upper == "inf" ? Upper::infinity() : Upper::parse(entry.upper);
}

const BaselineEntry* entry_for(const Baseline& baseline, const Measure& measure) {
    const auto found = std::find_if(
        baseline.entries.begin(), baseline.entries.end(), [&measure](const BaselineEntry& entry) {
            return entry.rule == measure.rule && entry.place == measure.place;
        });
    return found == baseline.entries.end() ? nullptr : &*found;
}

void hold_against(const BaselineEntry& entry,
                  const Measure& measure,
                  double tolerance,
                  std::vector<Check>& checks) {
    const auto check = std::find_if(checks.begin(), checks.end(), [&measure](const Check& other) {
        return other.rule == measure.rule && other.place == measure.place;
    });
    const bool worse = is_worse(measure.upper, value_of(entry), tolerance);
    if (check == checks.end()) {
        if (worse) {
            checks.push_back({measure.rule,
                              measure.place,
                              measure.layer,
                              entry.upper,
                              measure.upper,
                              CheckState::worse,
                              {}});
        }
        return;
    }
    if (worse) {
        check->state = CheckState::worse;
        check->limit = entry.upper;
    } else if (check->state == CheckState::exceeded) {
        check->state = CheckState::known;
    }
}

bool matches(const Waiver& waiver, const Check& check) {
    return (waiver.rule == "*" || waiver.rule == check.rule) &&
           fnmatch(waiver.place.c_str(), check.place.c_str(), 0) == 0;
}

/// A baseline does not say of which inputs its bounds are: of all.
void require_all_inputs(const Measures& measures) {
    if (!measures.restriction.empty()) {
        throw Error(
            ErrorKind::usage,
            measures.model,
            "its bounds are " + measures.restriction +
                ", a baseline's are on all inputs: leave --inputs and --longest-stream out");
    }
}

}  // namespace

Baseline read_baseline(const json& stored, const std::string& where) {
    if (stored.value("schema", json()) != kSchema) {
        refuse(where, std::string("is no baseline: its schema is not \"") + kSchema + "\"");
    }
    for (const auto& item : stored.items()) {
        if (item.key() != "schema" && item.key() != "entries" && item.key() != "waivers") {
            refuse(where, "has an unknown key '" + item.key() + "'");
        }
    }
    Baseline baseline;
    for (const json& entry : stored.value("entries", json::array())) {
        const auto text = [&](const char* key) {
            return field(entry, key, {"rule", "place", "upper"}, where);
        };
        baseline.entries.push_back({text("rule"), text("place"), text("upper")});
        try {
            (void)value_of(baseline.entries.back());
        } catch (const Error& error) {
            refuse(where, std::string(error.what()) + " in " + entry.dump());
        }
    }
    for (const json& entry : stored.value("waivers", json::array())) {
        const auto text = [&](const char* key) {
            return field(entry, key, {"rule", "place", "reason", "expires"}, where);
        };
        baseline.waivers.push_back({text("rule"), text("place"), text("reason"), text("expires")});
        if (!is_date(baseline.waivers.back().expires)) {
            refuse(where, "has a waiver whose expiry is no date like 2026-12-31: " + entry.dump());
        }
    }
    return baseline;
}

nlohmann::ordered_json baseline_json(const Baseline& baseline) {
    nlohmann::ordered_json stored;
    stored["schema"] = kSchema;
    stored["entries"] = nlohmann::ordered_json::array();
    for (const BaselineEntry& entry : baseline.entries) {
        stored["entries"].push_back(
            {{"rule", entry.rule}, {"place", entry.place}, {"upper", entry.upper}});
    }
    stored["waivers"] = nlohmann::ordered_json::array();
    for (const Waiver& waiver : baseline.waivers) {
        stored["waivers"].push_back({{"rule", waiver.rule},
                                     {"place", waiver.place},
                                     {"reason", waiver.reason},
                                     {"expires", waiver.expires}});
    }
    return stored;
}

Baseline new_baseline(const Measures& measures) {
    require_all_inputs(measures);
    Baseline baseline;
    for (const Measure& measure : measures.values) {
        if (measure.rule != "block") {
            baseline.entries.push_back({measure.rule, measure.place, measure.upper.to_decimal(6)});
        }
    }
    return baseline;
}

BaselineUpdate shrink(const Baseline& baseline, const Measures& measures, double tolerance) {
    require_all_inputs(measures);
    BaselineUpdate update;
    update.baseline.waivers = baseline.waivers;
    for (const BaselineEntry& entry : baseline.entries) {
        const Measure* measure = measures.find(entry.rule, entry.place);
        if (measure == nullptr) {
            ++update.dropped;
            continue;
        }
        const std::string now = measure->upper.to_decimal(6);
        const BaselineEntry smaller{entry.rule, entry.place, now};
        const bool lowered = value_of(smaller) < value_of(entry);
        update.lowered += lowered ? 1U : 0U;
        update.exceeded += is_worse(measure->upper, value_of(entry), tolerance) ? 1U : 0U;
        update.baseline.entries.push_back(lowered ? smaller : entry);
    }
    return update;
}

BaselineVerdict apply_baseline(std::vector<Check> checks,
                               const Measures& measures,
                               const Baseline& baseline,
                               double tolerance,
                               const std::string& today) {
    require_all_inputs(measures);
    for (const Measure& measure : measures.values) {
        if (const BaselineEntry* entry = entry_for(baseline, measure); entry != nullptr) {
            hold_against(*entry, measure, tolerance, checks);
        }
    }
    BaselineVerdict verdict;
    for (const Waiver& waiver : baseline.waivers) {
        const std::string name = waiver.rule + " " + waiver.place + " (" + waiver.reason + ")";
        if (waiver.expires < today) {
            verdict.notices.push_back("waiver expired on " + waiver.expires + ": " + name);
            continue;
        }
        bool used = false;
        for (Check& check : checks) {
            const bool open = check.is_finding() || check.state == CheckState::waived;
            if (open && matches(waiver, check)) {
                check.state = CheckState::waived;
                check.reason = waiver.reason;
                used = true;
            }
        }
        if (!used) {
            verdict.notices.push_back("waiver not used, remove it: " + name);
        }
    }
    verdict.checks = std::move(checks);
    return verdict;
}

}  // namespace lipcert
