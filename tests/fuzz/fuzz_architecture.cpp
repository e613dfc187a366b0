#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/checkpoint/memory_checkpoint.hpp"
#include "lipcert/error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

namespace {

using lipcert::Matrix;
using lipcert::Vector;

/// The tensors that the files of the corpus speak about.
const lipcert::MemoryCheckpoint& tiny_model() {
    static const lipcert::MemoryCheckpoint& model = *[] {
        auto* result = new lipcert::MemoryCheckpoint;  // lives as long as the process
        result->add("tokens", Matrix::Identity(5, 4));
        result->add("positions", Matrix::Ones(3, 4));
        result->add("head", Matrix::Ones(5, 4));
        for (const std::string layer : {"0", "1"}) {
            for (const char* map : {".q", ".k", ".v", ".o"}) {
                result->add(layer + map, Matrix::Identity(4, 4));
            }
            result->add(layer + ".up", Matrix::Ones(6, 4));
            result->add(layer + ".gate", Matrix::Ones(6, 4));
            result->add(layer + ".down", Matrix::Ones(4, 6));
            result->add_vector(layer + ".norm", Vector::Ones(4));
            result->add_vector(layer + ".bias", Vector::Ones(4));
        }
        return result;
    }();
    return model;
}

}  // namespace

/// Any bytes as an architecture file over a tiny model: an Error, or a graph in which every tensor
/// has a place or is ignored, and which reads nothing that is not there.
// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    try {
        lipcert::FamilyDescription family;
        family.name = "fuzzed";
        family.source = "input";
        family.document = lipcert::parse_json_object(text, "input");
        const lipcert::Configuration configuration{
            {{"layers", 2}, {"heads", 2}, {"eps", 1e-5}, {"act", "gelu"}, {"flag", true}},
            "config.json"};
        const lipcert::Architecture graph =
            lipcert::build_architecture(family, tiny_model(), configuration);
        std::set<std::string> known(graph.ignored.begin(), graph.ignored.end());
        for (const lipcert::WeightUse& use : lipcert::weight_uses(graph)) {
            if (tiny_model().find(use.tensor) == nullptr) {
                std::abort();
            }
            known.insert(use.tensor);
        }
        if (known.size() != tiny_model().tensors().size()) {
            std::abort();
        }
    } catch (const lipcert::Error&) {
        return 0;
    }
    return 0;
}
