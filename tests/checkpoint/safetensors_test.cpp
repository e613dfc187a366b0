#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/checkpoint_edit.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <cstring>
#include <limits>

#include "checkpoint/safetensors_checkpoint.hpp"
#include "support/hdf5_writer.hpp"
#include "support/random.hpp"
#include "support/safetensors_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Checkpoint;
using lipcert::DataType;
using lipcert::Error;
using lipcert::Matrix;
using lipcert::open_checkpoint;
using lipcert::TensorInfo;
using lipcert::test::error_of;
using lipcert::test::Random;
using lipcert::test::RawTensor;
using lipcert::test::safetensors_bytes;
using lipcert::test::safetensors_with_header;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using namespace std::string_literals;

namespace {

template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers) {
    std::string bytes(numbers.size() * sizeof(Number), '\0');
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return bytes;
}

std::unique_ptr<Checkpoint> image(const std::string& bytes) {
    return lipcert::open_safetensors_image(std::as_bytes(std::span<const char>(bytes)));
}

Error refusal(const std::string& bytes) {
    Error error = error_of([&] { (void)image(bytes); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    return error;
}

Error read_refusal(const Checkpoint& checkpoint, const std::string& name) {
    Error error = error_of([&] { (void)checkpoint.read(*checkpoint.find(name)); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    return error;
}

/// One F32 tensor of one element; `fields` replaces what the header says about it.
std::string with_entry(const std::string& fields) {
    return safetensors_with_header("{\"w\":{" + fields + "}}", "\0\0\0\0"s);
}

}  // namespace

TEST_CASE("a safetensors file gives its four float types exactly, sorted by name") {
    const TemporaryFolder folder;
    const std::vector<RawTensor> tensors = {
        {"z", "F64", {2, 2}, bytes_of<double>({1.0, 1e-300, -0.1, 5e-324})},
        {"half", "F16", {3}, bytes_of<std::uint16_t>({0x3C00, 0x0001, 0xFBFF})},
        {"brain", "BF16", {1, 2, 1}, bytes_of<std::uint16_t>({0x3F80, 0xC049})},
        {"single", "F32", {}, bytes_of<float>({0.1F})},
        {"nothing", "F32", {0, 5}, ""},
    };
    write_file(folder / "model.h5", safetensors_bytes(tensors, {{"format", "pt"}}));
    const auto checkpoint = open_checkpoint(folder / "model.h5");
    CHECK(checkpoint->format() == "safetensors");
    CHECK(checkpoint->identity()->size == std::filesystem::file_size(folder / "model.h5"));
    CHECK(!checkpoint->foreign_convention());
    std::vector<std::string> names;
    for (const TensorInfo& tensor : checkpoint->tensors()) {
        names.push_back(tensor.name);
    }
    CHECK(names == std::vector<std::string>{"brain", "half", "nothing", "single", "z"});
    const auto read = [&](const char* name) { return checkpoint->read(*checkpoint->find(name)); };
    CHECK(read("z") == Matrix{{1.0, 1e-300}, {-0.1, 5e-324}});
    CHECK(read("half") == Matrix{{1.0}, {0x1p-24}, {-65504.0}});
    CHECK(read("brain") == Matrix{{1.0, -3.140625}});
    CHECK(read("single") == Matrix{{static_cast<double>(0.1F)}});
    CHECK(read("nothing").size() == 0);
    CHECK(checkpoint->find("half")->stored_type == "float16");
    CHECK(checkpoint->find("brain")->shape == std::vector<std::size_t>{1, 2, 1});
    CHECK(checkpoint->find("z")->stored_bytes == 32);
}

TEST_CASE("leading and trailing blanks in a safetensors header are allowed, nothing else is") {
    const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    CHECK(image(safetensors_with_header("  \n" + header + "  ", "\0\0\0\0"s))->tensors().size() ==
          1);
    for (const std::string& wrong : {"\xEF\xBB\xBF" + header,
                                     header + "\0"s,
                                     header + "{}",
                                     "//\n" + header,
                                     "[" + header + "]"}) {
        CHECK(says(refusal(safetensors_with_header(wrong, "\0\0\0\0"s)), "safetensors header"));
    }
}

TEST_CASE("every type of safetensors is known; those that are no weights have no numbers") {
    const std::pair<const char*, const char*> types[] = {{"BOOL", "bool"},
                                                         {"U8", "uint8"},
                                                         {"I8", "int8"},
                                                         {"U16", "uint16"},
                                                         {"I16", "int16"},
                                                         {"U32", "uint32"},
                                                         {"I32", "int32"},
                                                         {"U64", "uint64"},
                                                         {"I64", "int64"},
                                                         {"C64", "complex64"},
                                                         {"F4", "float4"},
                                                         {"F6_E2M3", "float6 E2M3"},
                                                         {"F6_E3M2", "float6 E3M2"},
                                                         {"F8_E5M2", "float8 E5M2"},
                                                         {"F8_E4M3", "float8 E4M3"},
                                                         {"F8_E8M0", "float8 E8M0"},
                                                         {"F8_E4M3FNUZ", "float8 E4M3FNUZ"},
                                                         {"F8_E5M2FNUZ", "float8 E5M2FNUZ"}};
    const std::map<std::string, std::size_t> bits = {{"F4", 4},
                                                     {"F6_E2M3", 6},
                                                     {"F6_E3M2", 6},
                                                     {"F6_E2M3", 6},
                                                     {"F6_E3M2", 6},
                                                     {"U16", 16},
                                                     {"I16", 16},
                                                     {"U32", 32},
                                                     {"I32", 32},
                                                     {"U64", 64},
                                                     {"I64", 64},
                                                     {"C64", 64}};
    for (const auto& type : types) {
        const auto& stated = type.first;  // clang 14 captures no structured binding
        const auto& name = type.second;
        const auto found = bits.find(stated);
        const std::size_t bytes = found == bits.end() ? 4 : found->second * 4 / 8;
        const auto checkpoint =
            image(safetensors_bytes({{"w", stated, {2, 2}, std::string(bytes, '\1')}}));
        INFO(stated);
        CHECK(checkpoint->tensors().front().type == DataType::unsupported);
        CHECK(checkpoint->tensors().front().stored_type == name);
        CHECK(says(read_refusal(*checkpoint, "w"), "holds "s + name));
    }
    CHECK(says(refusal(safetensors_bytes({{"w", "F7", {1}, "x"}})), "is of type 'F7'"));
    CHECK(says(refusal(safetensors_bytes({{"w", "F4", {3}, "xx"}})), "do not fill whole bytes"));
}

TEST_CASE("the length of a safetensors header is compared with the limit and with the file") {
    CHECK(says(refusal("\1\0\0"s), "shorter than the length"));
    CHECK(says(refusal("<\0\0\0\0\xff\xff\xff{}"s), "the format allows 100000000"));
    CHECK(says(refusal("\x01\xE1\xF5\x05\0\0\0\0{}"s), "of 100000001 bytes; the format allows"));
    CHECK(says(refusal("\x64\0\0\0\0\0\0\0{}"s), "of 100 bytes and has 10 in all"));
    CHECK(says(refusal("\0\0\0\0\0\0\0\0"s), "does not begin with '{'"));
    CHECK(image(safetensors_with_header("{}", ""))->tensors().empty());
}

TEST_CASE("a safetensors header of another form is refused with what is wrong in it") {
    struct Case {
        const char* fields;
        const char* words;
    };

    const Case cases[] = {
        {R"("dtype":"F32","shape":[1])", "needs dtype, shape and the two data_offsets"},
        {R"("dtype":"F32","shape":[1],"data_offsets":[0])", "the two data_offsets"},
        {R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])", "the two data_offsets"},
        {R"("dtype":"F32","shape":[1],"data_offsets":[4,0])", "ends at byte 0 before it begins"},
        {R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])",
         "has a negative number under 'shape'"},
        {R"("dtype":"F32","shape":[-0],"data_offsets":[0,4])", "negative number"},
        {R"("dtype":"F32","shape":[1e0],"data_offsets":[0,4])", "the number 1e0"},
        {R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])", "the number 1.0"},
        {R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4])", "the number 1844"},
        {R"("dtype":"F32","shape":["1"],"data_offsets":[0,4])", "has a text under 'shape'"},
        {R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])", "has a list under 'shape'"},
        {R"("dtype":"F32","shape":1,"data_offsets":[0,4])", "has a number under 'shape'"},
        {R"("dtype":"F32","shape":null,"data_offsets":[0,4])", "has null under 'shape'"},
        {R"("dtype":["F32"],"shape":[1],"data_offsets":[0,4])", "has a list under 'dtype'"},
        {R"("dtype":true,"shape":[1],"data_offsets":[0,4])", "true or false under 'dtype'"},
        {R"("dtype":{},"shape":[1],"data_offsets":[0,4])", "an object under 'dtype'"},
        {R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])", "'dtype' twice"},
        {R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"scale":2)", "the key 'scale'"},
        {R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4])", "more than 8 numb"},
        {R"("dtype":"F32","shape":[2],"data_offsets":[0,4])", "has 4 bytes where its shape 2"},
        {R"("dtype":"F32","shape":[2,18446744073709551614],"data_offsets":[0,4])",
         "more elements than any memory holds"},
        {R"("dtype":"F32","shape":[0,4611686018427387904,16],"data_offsets":[0,0])",
         "more elements than any memory holds"},
    };
    for (const Case& sample : cases) {
        const Error error = refusal(with_entry(sample.fields));
        INFO(sample.fields << " -> " << error.what());
        CHECK(says(error, sample.words));
    }
    const auto header = [](const std::string& text) {
        return refusal(safetensors_with_header(text, ""));
    };
    CHECK(says(header(R"({"__metadata__":{"a":1}})"), "has a number under 'a'"));
    CHECK(says(header(R"({"__metadata__":{"a":{"b":"c"}}})"), "has an object under 'a'"));
    CHECK(says(header(R"({"__metadata__":{"a":"b","a":"c"}})"), "'a' twice"));
    CHECK(says(header(R"({"w":3})"), "is a number in the header"));
    CHECK(says(header(R"({"w":[]})"), "is a list in the header"));
    CHECK(says(header("{\"\xff\":{}}"), "is not JSON"));
    CHECK(says(header(R"({"a\u0000":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})"),
               "control or invisible character"));
    CHECK(
        says(header(R"({"":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})"), "name is empty"));
}

TEST_CASE("a tensor that stands twice in a safetensors header is refused") {
    const std::string entry = R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
    CHECK(says(refusal(safetensors_with_header("{\"w\":" + entry + ",\"w\":" + entry + "}", "")),
               "stands twice"));
    CHECK(says(
        refusal(safetensors_with_header(R"({"\u0077":)" + entry + ",\"w\":" + entry + "}", "")),
        "stands twice"));
}

TEST_CASE("the tensors of a safetensors file cover its data without hole, overlap or rest") {
    const auto entry = [](const char* name, int begin, int end) {
        return "\""s + name + R"(":{"dtype":"U8","shape":[)" + std::to_string(end - begin) +
               R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
    };
    const auto file = [&](const std::string& entries, std::size_t bytes) {
        return safetensors_with_header("{" + entries + "}", std::string(bytes, 'x'));
    };
    const std::string a = entry("a", 0, 4);
    CHECK(image(file(entry("b", 4, 8) + "," + a, 8))->tensors().size() == 2);
    CHECK(image(file(entry("z", 4, 4) + "," + a, 4))->tensors().size() == 2);
    CHECK(says(refusal(file(a + "," + entry("b", 5, 8), 8)), "a hole or an overlap"));
    CHECK(says(refusal(file(a + "," + entry("b", 3, 8), 8)), "a hole or an overlap"));
    CHECK(says(refusal(file(entry("a", 1, 4), 4)), "a hole or an overlap"));
    CHECK(says(refusal(file(a + "," + entry("b", 0, 4), 4)), "a hole or an overlap"));
    CHECK(says(refusal(file(a, 5)), "holds 5 bytes of data, of which its header describes 4"));
    CHECK(says(refusal(file(a, 2)), "holds 2 bytes of data"));
    CHECK(says(refusal(file("", 1)), "holds 1 bytes of data"));
}

TEST_CASE("a value that is not finite in a safetensors file is refused with its place") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const auto checkpoint =
        image(safetensors_bytes({{"w", "F64", {2, 2}, bytes_of<double>({1, 2, nan, 4})},
                                 {"v", "F16", {2}, bytes_of<std::uint16_t>({0x7C00, 0})}}));
    CHECK(says(read_refusal(*checkpoint, "w"), "nan at [1, 0]"));
    CHECK(says(read_refusal(*checkpoint, "v"), "inf at [0]"));
}

TEST_CASE("a quantised export is listed and none of its matrices is read") {
    const std::string numbers = bytes_of<float>({1, 2, 3, 4});
    for (const char* sign : {"layer.qweight",
                             "layer.weight_scale_inv",
                             "layer.weight_packed",
                             "layer.scales",
                             "layer.weight.absmax",
                             "layer.SCB"}) {
        const auto checkpoint = image(safetensors_bytes(
            {{"embed.weight", "F32", {2, 2}, numbers}, {sign, "F32", {2, 2}, numbers}}));
        CHECK(checkpoint->tensors().size() == 2);
        CHECK(says(read_refusal(*checkpoint, "embed.weight"), "belongs to a quantised export"));
    }
}

TEST_CASE("a file that is safetensors and HDF5 at once is refused") {
    const TemporaryFolder folder;
    std::string data(4096, '\0');
    const std::string signature = "\x89HDF\r\n\x1a\n";
    const std::string file = safetensors_bytes({{"w", "U8", {4096}, data}});
    data.replace(1024 - (file.size() - data.size()), signature.size(), signature);
    const auto path =
        write_file(folder / "x.safetensors", safetensors_bytes({{"w", "U8", {4096}, data}}));
    CHECK(says(error_of([&] { (void)open_checkpoint(path); }), "is HDF5 from byte 1024 on"));
}

TEST_CASE("a safetensors file can be edited, an image in memory and says so cannot") {
    const TemporaryFolder folder;
    const std::string bytes = safetensors_bytes({{"w", "F32", {1, 1}, bytes_of<float>({1})}});
    const auto path = write_file(folder / "x.safetensors", bytes);
    CHECK_NOTHROW(lipcert::require_editable(*open_checkpoint(path)));
    const auto image = lipcert::open_safetensors_image(std::as_bytes(std::span(bytes)));
    CHECK(says(error_of([&] { lipcert::require_editable(*image); }),
               "only single HDF5 and safetensors files are edited"));
}

TEST_CASE("no damage to a safetensors file does worse than an error") {
    Random random(71);
    const std::string sound =
        safetensors_bytes({{"embed.weight", "F32", {4, 4}, std::string(64, '\0')},
                           {"norm.weight", "F64", {4}, std::string(32, '\0')},
                           {"step", "I64", {}, std::string(8, '\0')}},
                          {{"format", "pt"}});
    std::size_t refused = 0;
    const std::size_t count = lipcert::test::repetitions(3000);
    for (std::size_t i = 0; i < count; ++i) {
        std::string bytes = sound;
        const std::size_t changes = random.integer(1, 3);
        for (std::size_t change = 0; change < changes; ++change) {
            const std::size_t at = random.integer(0, bytes.size() - 1);
            switch (random.integer(0, 3)) {
                case 0:
                    bytes[at] = static_cast<char>(random.integer(0, 255));
                    break;
                case 1:
                    bytes.erase(at, random.integer(1, 4));
                    break;
                case 2:
                    bytes.insert(at, bytes.substr(at, random.integer(1, 8)));
                    break;
                default:
                    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.integer(0, 7)));
                    break;
            }
            if (bytes.empty()) {
                break;
            }
        }
        try {
            const auto checkpoint = image(bytes);
            for (const TensorInfo& tensor : checkpoint->tensors()) {
                if (tensor.type != DataType::unsupported) {
                    CHECK(checkpoint->read(tensor).allFinite());
                }
            }
        } catch (const Error& error) {
            CHECK(error.kind() == lipcert::ErrorKind::input);
            ++refused;
        }
    }
    CHECK(refused > count / 2);
}
