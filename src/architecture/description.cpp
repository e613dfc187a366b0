#include "lipcert/architecture/description.hpp"

#include "lipcert/error.hpp"

#include <fstream>

#include "architecture/family_texts.hpp"
#include "architecture/foreign_settings.hpp"
#include "architecture/graph_builder.hpp"
#include "architecture/language/parser.hpp"
#include "architecture/lookup.hpp"
#include "architecture/match.hpp"
#include "architecture/placement.hpp"
#include "architecture/shape_check.hpp"
#include "checkpoint/quantised.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::size_t kLargestFile = 1 << 20;

/// The name of a description in messages.
std::string file_name(const FamilyDescription& description) {
    return description.source == "built-in" ? "built-in family " + description.name
                                            : description.source;
}

std::string read_text(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    std::string text(kLargestFile + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.good()) {
        throw Error(
            ErrorKind::architecture,
            path.string(),
            fmt::format("is larger than {} bytes, which no architecture file is", kLargestFile));
    }
    if (stream.bad() || !stream.eof()) {
        throw Error(ErrorKind::architecture,
                    path.string(),
                    "cannot be read; the path of an architecture file was expected");
    }
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

/// The built-in families know the layouts that PyTorch stores under their names. A description of
/// the user's own is taken at its word.
void refuse_foreign_convention(const FamilyDescription& family, const Checkpoint& checkpoint) {
    const std::optional<std::string> stated = checkpoint.foreign_convention();
    if (stated && family.source == "built-in") {
        throw Error(ErrorKind::architecture,
                    checkpoint.path(),
                    fmt::format("{}: its matrices may be stored [in, out] under the names of "
                                "family {}, which is [out, in] or the reverse; say which layouts "
                                "are meant with --architecture, or convert the file to PyTorch's "
                                "layouts",
                                *stated,
                                family.name));
    }
}

}  // namespace

const std::vector<FamilyDescription>& built_in_families() {
    static const std::vector<FamilyDescription> families = [] {
        std::vector<FamilyDescription> result;
        for (const FamilyText& text : family_texts()) {
            auto document = nlohmann::json::parse(text.json);
            std::string name = document.at("family").get<std::string>();
            result.push_back({std::move(name), "built-in", std::move(document)});
        }
        return result;
    }();
    return families;
}

FamilyDescription read_family(const std::filesystem::path& path) {
    FamilyDescription result;
    result.source = path.string();
    try {
        result.document = parse_json_object(read_text(path), result.source);
    } catch (const Error& error) {
        throw Error(ErrorKind::architecture, error.where(), error.what());
    }
    result.name = language::parse_family(result.document, result.source).name;
    return result;
}

Architecture build_architecture(const FamilyDescription& family,
                                const Checkpoint& checkpoint,
                                const Configuration& configuration) {
    const language::Family syntax = language::parse_family(family.document, file_name(family));
    const auto outcome = match(syntax, checkpoint, configuration);
    if (const auto* mismatch = std::get_if<Mismatch>(&outcome)) {
        throw Error(
            ErrorKind::architecture,
            checkpoint.path(),
            fmt::format("this is no model of family {}: {}", family.name, mismatch->reason));
    }
    const Match& found = std::get<Match>(outcome);
    refuse_foreign_convention(family, checkpoint);
    for (const language::Requirement& requirement : syntax.require) {
        if (const auto wrong = violation(requirement, configuration)) {
            throw Error(
                ErrorKind::architecture,
                checkpoint.path(),
                fmt::format("family {} does not cover this model: {}", family.name, *wrong));
        }
    }
    refuse_foreign_settings(syntax, configuration, checkpoint.path());
    Architecture result = GraphBuilder(syntax, found, checkpoint, configuration).build();
    result.source = family.source;
    check_shapes(result, checkpoint);
    result.ignored = ignored_tensors(syntax, found, configuration, result, checkpoint);
    return result;
}

const FamilyDescription& recognise(const std::vector<FamilyDescription>& families,
                                   const Checkpoint& checkpoint,
                                   const Configuration& configuration) {
    // That a family lacks these names would be no help.
    refuse_quantised(sign_of_quantisation(checkpoint.tensors()), checkpoint.path());
    std::vector<const FamilyDescription*> matching;
    std::string near;
    std::string far;
    for (const FamilyDescription& family : families) {
        const language::Family syntax = language::parse_family(family.document, file_name(family));
        const auto outcome = match(syntax, checkpoint, configuration);
        if (const auto* mismatch = std::get_if<Mismatch>(&outcome)) {
            std::string& list = mismatch->tensors_match ? near : far;
            list +=
                fmt::format("{}{}: {}", list.empty() ? "" : "; ", family.name, mismatch->reason);
        } else {
            matching.push_back(&family);
        }
    }
    if (matching.size() == 1) {
        return *matching.front();
    }
    if (!matching.empty()) {
        std::string names;
        for (const FamilyDescription* family : matching) {
            names += (names.empty() ? "" : ", ") + family->name;
        }
        throw Error(ErrorKind::architecture,
                    checkpoint.path(),
                    fmt::format("several families describe this model: {}; name the one that is "
                                "meant with --architecture",
                                names));
    }
    throw Error(ErrorKind::architecture,
                checkpoint.path(),
                near.empty()
                    ? fmt::format("no known family describes these tensors ({}); describe the "
                                  "model with --architecture",
                                  far)
                    : fmt::format("the tensors are those of a known family, but its configuration "
                                  "is not ({}); a model of another family is described with "
                                  "--architecture",
                                  near));
}

Architecture architecture_of(const Checkpoint& checkpoint, const Configuration& configuration) {
    return build_architecture(
        recognise(built_in_families(), checkpoint, configuration), checkpoint, configuration);
}

}  // namespace lipcert
