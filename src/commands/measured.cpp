#include "commands/measured.hpp"

#include "lipcert/certificate/certify.hpp"
#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/error.hpp"
#include "lipcert/report/json_report.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include "commands/session.hpp"
#include "files/regular_file.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// A certificate of 100,000 matrices has less than half of it.
constexpr std::uint64_t kLargestCertificate = 256U << 20U;

bool is_json(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) {
        return false;
    }
    RegularFile file(path);
    const std::string head = file.read(0, 64);
    const std::size_t first = head.find_first_not_of(" \t\r\n");
    const std::string name = path.filename().string();
    return first != std::string::npos && head[first] == '{' && !name.ends_with(".index.json") &&
           !name.ends_with(".weights.json");
}

nlohmann::json read_json(const std::filesystem::path& path) {
    RegularFile file(path);
    if (file.size() > kLargestCertificate) {
        throw Error(ErrorKind::input, path.string(), "is too large for a certificate");
    }
    return parse_json_object(file.read(0, file.size()), path.string());
}

}  // namespace

Measures measures_of(const Certificate& certificate) {
    return read_measures(nlohmann::json::parse(certificate_json(certificate)),
                         certificate.model.path);
}

Measures measured(const std::filesystem::path& source,
                  const CommonOptions& common,
                  Console& console) {
    if (is_json(source)) {
        return read_measures(read_json(source), source.string());
    }
    CommonOptions options = common;
    options.model = source;
    const Session session(options, console);
    const auto checkpoint = session.open();
    const Configuration configuration = session.configuration(*checkpoint);
    const Architecture architecture = session.architecture(*checkpoint, configuration);
    CertifyOptions certify_options;
    certify_options.progress = session.progress();
    const Certificate certificate = certify(*checkpoint, architecture, certify_options);
    session.clear_progress();
    return measures_of(certificate);
}

Baseline read_baseline_file(const std::filesystem::path& path) {
    return read_baseline(read_json(path), path.string());
}

std::string today() {
    std::chrono::sys_seconds now =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr) {
        const std::string_view digits = epoch;
        long seconds = 0;
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
        if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
            throw Error(ErrorKind::usage, "SOURCE_DATE_EPOCH", "is no number of seconds");
        }
        now = std::chrono::sys_seconds(std::chrono::seconds(seconds));
    }
    const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(now));
    return fmt::format("{:04}-{:02}-{:02}",
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

}  // namespace lipcert
