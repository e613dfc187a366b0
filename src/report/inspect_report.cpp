#include "lipcert/report/inspect_report.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <utility>

#include "architecture/nearest_pattern.hpp"
#include "report/column_table.hpp"
#include "report/json_parts.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

using Place = InspectedTensor::Place;

constexpr std::size_t kShownGroups = 20;

const char* name_of(Place place) {
    switch (place) {
        case Place::placed:
            return "placed";
        case Place::ignored:
            return "ignored";
        case Place::unplaced:
            break;
    }
    return "unplaced";
}

std::string role_text(const InspectedTensor& tensor) {
    if (tensor.place == Place::placed && !tensor.role.empty()) {
        return tensor.role;
    }
    return name_of(tensor.place);
}

/// Tensors that differ in the numbers of their names only.
struct Group {
    const InspectedTensor* first = nullptr;
    std::size_t count = 0;
};

std::vector<Group> grouped(const std::vector<InspectedTensor>& tensors, bool one_by_one) {
    std::vector<Group> groups;
    std::map<std::string, std::size_t> known;
    for (const InspectedTensor& tensor : tensors) {
        const std::string key = one_by_one
                                    ? tensor.info.name
                                    : without_numbers(tensor.info.name) + "\n" +
                                          shape_text(tensor.info) + "\n" + tensor.info.stored_type +
                                          "\n" + tensor.info.packing + "\n" + role_text(tensor);
        const auto [entry, is_new] = known.emplace(key, groups.size());
        if (is_new) {
            groups.push_back({&tensor, 0});
        }
        ++groups[entry->second].count;
    }
    return groups;
}

std::string tensor_table(const Inspection& inspection, const TerminalStyle& style) {
    std::vector<ColumnTable::Column> columns = {{"tensors", 7, true, 1},
                                                {"shape", 13, true, 3},
                                                {"dtype", 8, false, 2},
                                                {"bytes each", 10, true, 1},
                                                {"role", 20, false, 3}};
    if (style.verbose) {
        columns.push_back({"packing", 34, false, 0});
        columns.push_back({"pattern", 60, false, 0});
    }
    ColumnTable table("tensor", std::move(columns));
    for (const Group& group : grouped(inspection.tensors, style.verbose)) {
        const InspectedTensor& tensor = *group.first;
        std::vector<std::string> cells = {std::to_string(group.count),
                                          shape_text(tensor.info),
                                          printable(tensor.info.stored_type),
                                          readable_count(tensor.info.stored_bytes),
                                          role_text(tensor)};
        if (style.verbose) {
            cells.push_back(tensor.info.packing);
            cells.push_back(tensor.place == Place::placed ? printable(tensor.pattern) : "");
        }
        table.add(group.count == 1 ? tensor.info.name : without_numbers(tensor.info.name),
                  std::move(cells));
    }
    return table.text(style.verbose ? std::max<std::size_t>(style.width, 240) : style.width);
}

/// What does not lie in the file as it is, by the way it is packed.
std::string packing_lines(const Inspection& inspection) {
    std::map<std::string, Group> groups;
    for (const InspectedTensor& tensor : inspection.tensors) {
        if (!tensor.info.packing.empty()) {
            Group& group = groups[tensor.info.packing];
            group.first = group.first == nullptr ? &tensor : group.first;
            ++group.count;
        }
    }
    std::string text;
    std::size_t shown = 0;
    for (const auto& [packing, group] : groups) {
        if (shown++ == kShownGroups) {
            return text + fmt::format("    [{} other ways]\n", groups.size() - kShownGroups);
        }
        text += fmt::format("{}    {}: {}{}\n",
                            text.empty() ? "\npacked\n" : "",
                            packing,
                            printable(group.first->info.name),
                            group.count > 1 ? fmt::format(" and {} more", group.count - 1) : "");
    }
    return text;
}

std::string unplaced_lines(const Inspection& inspection) {
    std::vector<InspectedTensor> unplaced;
    std::copy_if(inspection.tensors.begin(),
                 inspection.tensors.end(),
                 std::back_inserter(unplaced),
                 [](const InspectedTensor& tensor) { return tensor.place == Place::unplaced; });
    if (unplaced.empty()) {
        return "";
    }
    std::string text = "\nwithout a place\n";
    const std::vector<Group> groups = grouped(unplaced, false);
    for (std::size_t i = 0; i < std::min(kShownGroups, groups.size()); ++i) {
        const InspectedTensor& tensor = *groups[i].first;
        text += fmt::format("    {} ({}, {}{}){}\n",
                            printable(tensor.info.name),
                            shape_text(tensor.info),
                            printable(tensor.info.stored_type),
                            groups[i].count > 1 ? fmt::format(", {} such", groups[i].count) : "",
                            tensor.pattern.empty() ? ""
                                                   : fmt::format("   nearest pattern {} at {}",
                                                                 printable(tensor.pattern),
                                                                 printable(tensor.where)));
    }
    if (groups.size() > kShownGroups) {
        text += fmt::format("    [{} others]\n", groups.size() - kShownGroups);
    }
    return text;
}

std::string parameter_lines(const Inspection& inspection) {
    std::string text;
    for (const Architecture::Parameter& parameter : inspection.parameters) {
        text += "    " + left(parameter.name, 24) + " " + left(printable(parameter.value), 24) +
                " " + printable(parameter.source) + "\n";
    }
    if (!text.empty()) {
        text = "\nhyper-parameters\n" + text;
    }
    if (!inspection.missing.empty()) {
        text += "\nnowhere to be found (needed where the model has a use for them)\n";
    }
    for (const MissingParameter& parameter : inspection.missing) {
        text += "    " + left(parameter.name, 24) + " give it with --set " +
                parameter.keys.front() + "=...\n";
    }
    return text;
}

std::string memory_line(const char* command, const MemoryNeed& need, const InspectedModel& model) {
    return fmt::format("    {} about {} bytes at the peak{}{}\n",
                       left(command, 24),
                       readable_count(need.bytes),
                       need.step.empty() ? "" : " (" + printable(need.step) + ")",
                       model.max_memory && need.bytes > *model.max_memory
                           ? ": more than --max-memory, which limits the reading of one tensor"
                           : "");
}

std::string memory_lines(const InspectedModel& model) {
    return "\nmemory\n" + (model.certify ? memory_line("certify", *model.certify, model) : "") +
           memory_line("norms", model.norms, model);
}

Json memory_object(const MemoryNeed& need) {
    return {{"bytes", need.bytes}, {"step", need.step.empty() ? Json(nullptr) : Json(need.step)}};
}

Json memory_object(const InspectedModel& model) {
    const std::uint64_t most = model.certify ? model.certify->bytes : model.norms.bytes;
    Json object;
    object["certify"] = model.certify ? memory_object(*model.certify) : Json(nullptr);
    object["norms"] = memory_object(model.norms);
    object["within_max_memory"] =
        model.max_memory ? Json(most <= *model.max_memory) : Json(nullptr);
    return object;
}

std::string title(const InspectedModel& model) {
    std::uint64_t parameters = 0;
    std::uint64_t bytes = 0;
    for (const InspectedTensor& tensor : model.inspection.tensors) {
        parameters += tensor.info.type == DataType::unsupported ? 0 : element_count(tensor.info);
        bytes += tensor.info.stored_bytes;
    }
    return fmt::format("lipcert {}   {}   {}, {}, {} parameters, {} bytes\n",
                       kVersion,
                       printable(std::filesystem::path(model.path).filename().string()),
                       model.format,
                       counted(model.inspection.tensors.size(), "tensor"),
                       readable_count(parameters),
                       readable_count(bytes));
}

std::string family_line(const InspectedModel& model) {
    const Inspection& inspection = model.inspection;
    std::string text = "family          ";
    if (inspection.family.empty()) {
        text += "none has a pattern for any of these tensors";
    } else {
        text += printable(inspection.family) +
                (inspection.is_recognised ? "" : " is the closest; it is not recognised");
    }
    return text + "\nconfiguration   " + printable(model.configuration) + "\n";
}

Json tensor_object(const InspectedTensor& tensor) {
    Json object;
    object["name"] = tensor.info.name;
    object["shape"] = tensor.info.shape;
    object["dtype"] = tensor.info.stored_type;
    object["bytes"] = tensor.info.stored_bytes;
    object["packing"] = tensor.info.packing.empty() ? Json(nullptr) : Json(tensor.info.packing);
    object["place"] = name_of(tensor.place);
    object["role"] = tensor.role.empty() ? Json(nullptr) : Json(tensor.role);
    object["layer"] = tensor.layer ? Json(*tensor.layer) : Json(nullptr);
    const bool is_placed = tensor.place == Place::placed;
    object[is_placed ? "pattern" : "nearest_pattern"] =
        tensor.pattern.empty() ? Json(nullptr) : Json(tensor.pattern);
    object["pattern_at"] = tensor.where.empty() ? Json(nullptr) : Json(tensor.where);
    return object;
}

}  // namespace

std::string render_inspection(const InspectedModel& model, const TerminalStyle& style) {
    const Inspection& inspection = model.inspection;
    std::string text = title(model) + "\n" + family_line(model) + "\n" +
                       tensor_table(inspection, style) + packing_lines(inspection) +
                       parameter_lines(inspection) + unplaced_lines(inspection) +
                       memory_lines(model) + "\n";
    if (inspection.problem.empty()) {
        return text + "complete: every tensor has its place, every hyper-parameter its source\n";
    }
    return text + "cannot be certified: " + printable(inspection.problem) + "\n";
}

std::string inspection_json(const InspectedModel& model) {
    const Inspection& inspection = model.inspection;
    Json object;
    object["schema"] = "lipcert-inspection-1";
    object["model"] = {{"path", model.path}, {"format", model.format}};
    object["family"] = inspection.family.empty() ? Json(nullptr) : Json(inspection.family);
    object["recognised"] = inspection.is_recognised;
    object["complete"] = inspection.problem.empty();
    object["problem"] = inspection.problem.empty() ? Json(nullptr) : Json(inspection.problem);
    object["configuration"] = model.configuration;
    Json parameters = Json::object();
    for (const Architecture::Parameter& parameter : inspection.parameters) {
        parameters[parameter.name] = {{"value", parameter.value}, {"source", parameter.source}};
    }
    object["parameters"] = parameters;
    object["missing"] = Json::array();
    for (const MissingParameter& parameter : inspection.missing) {
        object["missing"].push_back({{"name", parameter.name},
                                     {"keys", parameter.keys},
                                     {"flag", "--set " + parameter.keys.front() + "=VALUE"}});
    }
    object["memory"] = memory_object(model);
    object["tensors"] = Json::array();
    for (const InspectedTensor& tensor : inspection.tensors) {
        object["tensors"].push_back(tensor_object(tensor));
    }
    return json_text(object);
}

}  // namespace lipcert
