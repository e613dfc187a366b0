#include "checkpoint/hdf5_trial.hpp"

#include "lipcert/error.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "files/confined.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr char kSeparator = '\0';

/// Everything that asks libhdf5 about structures of the file. The values themselves are copied by
/// libhdf5 and decoded by lipcert: reading them twice would find nothing more.
void look_at_everything(const Hdf5Checkpoint& checkpoint) {
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        try {
            checkpoint.look_up(tensor);
        } catch (const Error&) {
            continue;  // is refused when its values are asked for
        }
    }
    try {
        (void)checkpoint.embedded_configuration();
    } catch (const Error&) {
        return;  // the same
    }
}

using Open = std::function<std::unique_ptr<Hdf5Checkpoint>()>;

/// "", or the place and the message of what the file is refused for.
std::string trial(const Open& open, const std::string& name) {
    try {
        look_at_everything(*open());
    } catch (const Error& error) {
        return error.where() + kSeparator + error.what();
    } catch (const std::exception& error) {
        return name + kSeparator + "cannot be looked at: " + error.what();
    }
    return "";
}

void try_confined(const Open& open, const std::string& name) {
    const ConfinedRun run = run_confined([&] { return trial(open, name); });
    if (!run.came_to_end) {
        throw Error(ErrorKind::input,
                    name,
                    fmt::format("file rejected: libhdf5 did not survive it ({}): it is damaged or "
                                "made to do harm; get a fresh copy",
                                run.ending));
    }
    if (!run.answer.empty()) {
        const std::size_t end = run.answer.find(kSeparator);
        throw Error(ErrorKind::input, run.answer.substr(0, end), run.answer.substr(end + 1));
    }
}

}  // namespace

void try_hdf5_file(const std::filesystem::path& path) {
    try_confined([&] { return open_hdf5_file(path); }, path.string());
}

void try_hdf5_image(std::span<const std::byte> bytes, const std::string& name) {
    try_confined([&] { return open_hdf5_image(bytes, name); }, name);
}

}  // namespace lipcert
