#include "checkpoint/zip_archive.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <zip.h>

#include "files/confined.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestUnchecked = std::uint64_t{4} << 30U;
constexpr std::uint64_t kLargestExpansion = 100;

/// What is wrong with an archive, said inside of the confined process.
class Refusal : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::string text_of(int code) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    return text;
}

class Archive {
public:
    explicit Archive(const fs::path& path) {
        int code = 0;
        archive_ = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
        if (archive_ == nullptr) {
            throw Refusal("is no sound zip archive (" + text_of(code) + ")");
        }
    }

    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;
    Archive(Archive&&) = delete;
    Archive& operator=(Archive&&) = delete;

    ~Archive() { zip_discard(archive_); }

    [[nodiscard]] std::string name(zip_uint64_t index) const {
        const char* found = zip_get_name(archive_, index, ZIP_FL_ENC_RAW);
        return found == nullptr ? "" : found;
    }

    [[nodiscard]] zip_uint64_t count() const {
        return static_cast<zip_uint64_t>(
            std::max<zip_int64_t>(zip_get_num_entries(archive_, 0), 0));
    }

    /// Throws Refusal for a member that is not read.
    [[nodiscard]] ZipMember describe(zip_uint64_t index) const {
        zip_stat_t stat;
        zip_stat_init(&stat);
        constexpr zip_uint64_t kNeeded =
            ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
        if (zip_stat_index(archive_, index, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded) {
            throw Refusal("does not say how large it is");
        }
        if (stat.encryption_method != ZIP_EM_NONE) {
            throw Refusal("is encrypted: store it in plain");
        }
        if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
            throw Refusal(
                fmt::format("is packed by method {}; stored and deflated members are "
                            "read: write the archive anew",
                            stat.comp_method));
        }
        if (stat.size > kLargestUnchecked && stat.size / kLargestExpansion > stat.comp_size) {
            throw Refusal(
                fmt::format("states {} bytes and has {} in the archive: no weights pack "
                            "like that",
                            stat.size,
                            stat.comp_size));
        }
        return {stat.size, stat.comp_size};
    }

    void unpack(zip_uint64_t index, std::span<std::byte> buffer) const {
        zip_file_t* file = zip_fopen_index(archive_, index, 0);
        if (file == nullptr) {
            throw Refusal(std::string("cannot be unpacked (") + zip_strerror(archive_) + ")");
        }
        std::uint64_t done = 0;
        zip_int64_t got = 1;
        while (done < buffer.size() && got > 0) {
            got = zip_fread(file, buffer.data() + done, buffer.size() - done);
            done += static_cast<std::uint64_t>(std::max<zip_int64_t>(got, 0));
        }
        // libzip compares the checksum when it is asked for more than there is.
        std::byte beyond{};
        const zip_int64_t more = got < 0 ? got : zip_fread(file, &beyond, 1);
        const std::string reason = zip_file_strerror(file);
        const int closed = zip_fclose(file);
        if (more < 0 || closed != 0) {
            throw Refusal("cannot be unpacked (" + reason + ")");
        }
        if (done != buffer.size() || more > 0) {
            throw Refusal("does not have the size that is stated");
        }
    }

private:
    zip_t* archive_ = nullptr;
};

constexpr char kRefused = '!';
constexpr char kAnswered = '=';

/// The answer of `action` from a confined process, which alone runs libzip.
std::string confined(const std::string& where, const std::function<std::string()>& action) {
    const ConfinedRun run = run_confined([&action] {
        try {
            return kAnswered + action();
        } catch (const std::exception& error) {
            return kRefused + std::string(error.what());
        }
    });
    if (!run.came_to_end || run.answer.empty()) {
        throw Error(ErrorKind::input,
                    where,
                    fmt::format("file rejected: libzip did not survive it ({}): it is damaged or "
                                "made to do harm; get a fresh copy",
                                run.ending));
    }
    if (run.answer.front() != kAnswered) {
        throw Error(ErrorKind::input, where, printable_quote(run.answer.substr(1)));
    }
    return run.answer.substr(1);
}

/// "index size packed" for each wanted member that is there.
std::string listing(const fs::path& path, const std::vector<std::string>& wanted) {
    const Archive archive(path);
    std::map<std::string, zip_uint64_t> found;
    for (zip_uint64_t i = 0; i < archive.count(); ++i) {
        const std::string name = archive.name(i);
        if (std::find(wanted.begin(), wanted.end(), name) != wanted.end() &&
            !found.emplace(name, i).second) {
            throw Refusal("holds " + name + " twice: programs would read one or the other");
        }
    }
    std::string lines;
    for (std::size_t w = 0; w < wanted.size(); ++w) {
        if (!found.contains(wanted[w])) {
            continue;
        }
        try {
            const ZipMember member = archive.describe(found.at(wanted[w]));
            lines += fmt::format("{} {} {}\n", w, member.size, member.packed);
        } catch (const Refusal& refusal) {
            throw Refusal(wanted[w] + " " + refusal.what());
        }
    }
    return lines;
}

}  // namespace

std::map<std::string, ZipMember> find_in_zip(const fs::path& archive,
                                             const std::vector<std::string>& wanted) {
    const std::string where = archive.string();
    std::istringstream lines(confined(where, [&] { return listing(archive, wanted); }));
    std::map<std::string, ZipMember> members;
    std::size_t number = 0;
    ZipMember member;
    while (lines >> number >> member.size >> member.packed && number < wanted.size()) {
        members[wanted[number]] = member;
    }
    return members;
}

void unpack_from_zip(const fs::path& archive,
                     const std::string& member,
                     std::span<std::byte> shared) {
    (void)confined(archive.string() + ": " + member, [&] {
        const Archive opened(archive);
        for (zip_uint64_t i = 0; i < opened.count(); ++i) {
            if (opened.name(i) == member) {
                opened.unpack(i, shared);
                return std::string();
            }
        }
        throw Refusal("is not there any more: the archive changes");
    });
}

}  // namespace lipcert
