#include "lipcert/bounds/memory_need.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/certificate/certify.hpp"

#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "norms/large_matrix.hpp"
#include "support/model_builder.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

constexpr bool has_sanitizer() {
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

/// From now on the peak is that of what follows. False where the system does not allow it.
bool reset_peak() {
    std::ofstream file("/proc/self/clear_refs");
    file << "5" << std::flush;
    return file.good();
}

/// The most bytes that were resident at a time.
std::uint64_t peak() {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("VmHWM:")) {
            std::uint64_t kilobytes = 0;
            std::istringstream(line.substr(6)) >> kilobytes;
            return kilobytes * 1024;
        }
    }
    return 0;
}

/// The need that is stated holds, and is less than twice what is used. The model itself lies in
/// memory here, which it does not where `certify` runs: it counts as a part of the program.
void check_need(const test::TinyModel& model) {
    const Architecture architecture = architecture_of(*model.checkpoint, model.configuration);
    const std::uint64_t need = certify_memory(architecture, *model.checkpoint).bytes;
    if (has_sanitizer() || !reset_peak()) {
        MESSAGE("the peak of the memory cannot be measured here");
        return;
    }
    std::uint64_t stored = 0;
    for (const TensorInfo& tensor : model.checkpoint->tensors()) {
        stored += tensor.stored_bytes;
    }
    keep_freed_memory();  // as the program does
    (void)certify(*model.checkpoint, architecture, {});
    const std::uint64_t used = peak() - stored;
    INFO("stated " << need << ", used " << used);
    CHECK(used <= need);
    CHECK(need <= used / 4 * 9);  // about twice: pages differ from machine to machine
}

}  // namespace

TEST_CASE("the need of memory that is stated is what certify uses, up to about a factor of two") {
    test::Random random(5);
    SUBCASE("a vocabulary") {
        test::LlamaOptions options;
        options.layers = 1;
        options.width = 192;
        options.inner_width = 256;
        options.vocabulary = 24000;
        check_need(test::tiny_llama(random, options));
    }
    SUBCASE("an mlp") {
        test::Gpt2Options options;
        options.layers = 1;
        options.width = 256;
        options.inner_width = 4096;
        check_need(test::tiny_gpt2(random, options));
    }
}
