#include "lipcert/checkpoint/configuration.hpp"

#include "lipcert/checkpoint/memory_checkpoint.hpp"

#include "support/hdf5_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Configuration;
using lipcert::Error;
using lipcert::find_configuration;
using lipcert::parse_json_object;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;

namespace {

Error refusal(const std::string& text) {
    Error error = error_of([&] { (void)parse_json_object(text, "config.json"); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    CHECK(error.where() == "config.json");
    return error;
}

std::string nested(std::size_t depth) {
    return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

}  // namespace

TEST_CASE("The explicit file beats the embedded text, which beats the files beside the model") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "bare.h5").add("w", {1}, {1.0});
    Hdf5Writer(folder / "full.h5").text_attribute("/", "config", R"({"from": "attribute"})");
    const auto bare = lipcert::open_checkpoint(folder / "bare.h5");
    const auto full = lipcert::open_checkpoint(folder / "full.h5");

    const Configuration none = find_configuration(*bare, std::nullopt);
    CHECK(none.source == "(none)");
    CHECK(none.values == nlohmann::json::object());

    write_file(folder / "config.json", R"({"from": "folder"})");
    CHECK(find_configuration(*bare, std::nullopt).values["from"] == "folder");
    write_file(folder / "bare.config.json", R"({"from": "stem"})");
    const Configuration beside = find_configuration(*bare, std::nullopt);
    CHECK(beside.values["from"] == "stem");
    CHECK(beside.source == (folder / "bare.config.json").string());

    write_file(folder / "full.config.json", R"({"from": "stem"})");
    const Configuration embedded = find_configuration(*full, std::nullopt);
    CHECK(embedded.values["from"] == "attribute");
    CHECK(embedded.source == "root attribute 'config'");

    const auto chosen = write_file(folder / "chosen.json", R"({"from": "flag"})");
    const Configuration flag = find_configuration(*full, chosen);
    CHECK(flag.values["from"] == "flag");
    CHECK(flag.source == chosen.string());
}

TEST_CASE("A configuration that was chosen and cannot be read is an error, never passed over") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").text_attribute("/", "config", "not json");
    const auto checkpoint = lipcert::open_checkpoint(folder / "x.h5");
    const Error embedded = error_of([&] { (void)find_configuration(*checkpoint, std::nullopt); });
    CHECK(embedded.where() == (folder / "x.h5").string() + ": root attribute 'config'");
    const Error missing =
        error_of([&] { (void)find_configuration(*checkpoint, folder / "missing.json"); });
    CHECK(says(missing, "there is no such file"));
    CHECK(says(error_of([&] { (void)find_configuration(*checkpoint, folder.path()); }),
               "is a folder"));
}

TEST_CASE("A link beside the checkpoint that leads nowhere is an error, never passed over") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {1}, {1.0});
    write_file(folder / "config.json", "{}");
    std::filesystem::create_symlink(folder / "nowhere", folder / "x.config.json");
    const auto checkpoint = lipcert::open_checkpoint(folder / "x.h5");
    const Error error = error_of([&] { (void)find_configuration(*checkpoint, std::nullopt); });
    CHECK(error.where() == (folder / "x.config.json").string());
}

TEST_CASE("A model in memory has its own configuration or none") {
    lipcert::MemoryCheckpoint checkpoint;
    CHECK(find_configuration(checkpoint, std::nullopt).source == "(none)");
    checkpoint.set_configuration(R"({"n_layer": 1})");
    CHECK(find_configuration(checkpoint, std::nullopt).values["n_layer"] == 1);
}

TEST_CASE("Numbers of a configuration keep their value") {
    const nlohmann::json values =
        parse_json_object(R"({"eps": 1e-05, "n": 18446744073709551615, "t": true})", "x");
    CHECK(values["eps"].get<double>() == 1e-05);
    CHECK(values["n"].get<std::uint64_t>() == 18446744073709551615U);
    CHECK(values["t"].get<bool>());
}

TEST_CASE("A key that stands twice in one object is refused, at any depth") {
    CHECK(says(refusal(R"({"n_head": 4, "n_head": 8})"), "the key 'n_head' twice"));
    CHECK(says(refusal(R"({"a": [{"b": 1, "c": {}, "b": 1}]})"), "the key 'b' twice"));
    CHECK_NOTHROW((void)parse_json_object(R"({"a": {"a": 1}, "b": {"a": 1}})", "x"));
}

TEST_CASE("JSON nests up to 64 deep, and no deeper") {
    CHECK_NOTHROW((void)parse_json_object(nested(64), "x"));
    CHECK(says(refusal(nested(65)), "nested deeper than 64"));
    CHECK(says(refusal(R"({"a":)" + std::string(1'000'000, '[')), "nested deeper than 64"));
}

TEST_CASE("What is no JSON object of finite numbers is refused") {
    for (const char* text : {"",
                             "{",
                             "{} x",
                             R"({"a": NaN})",
                             R"({"a": Infinity})",
                             R"({"a": 1e999})",
                             R"({"a": 1, // comment
                                 "b": 2})",
                             R"({"a": 1,})",
                             "{\"a\": \"\xff\"}"}) {
        INFO(text);
        CHECK(says(refusal(text), "is not JSON"));
    }
    CHECK(says(refusal(std::string("{\"a\": 1}\0{\"b\": 2}", 18)), "holds a zero byte"));
    CHECK(says(refusal("[1, 2]"), "is a JSON array, not an object"));
    CHECK(says(refusal("3"), "is a JSON number, not an object"));
    CHECK(says(refusal("\"text\""), "is a JSON string, not an object"));
}

TEST_CASE("A configuration of more than 16 MiB is refused before it is parsed or read") {
    const std::string large((16U << 20U) + 1, ' ');
    CHECK(says(refusal(large), "has 16777217 bytes"));
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {1}, {1.0});
    const auto checkpoint = lipcert::open_checkpoint(folder / "x.h5");
    const auto path = write_file(folder / "config.json", large);
    CHECK(
        says(error_of([&] { (void)find_configuration(*checkpoint, path); }), "has 16777217 bytes"));
}
