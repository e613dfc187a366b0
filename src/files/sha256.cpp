#include "files/sha256.hpp"

#include "lipcert/error.hpp"

#include <array>
#include <cstdint>
#include <openssl/evp.h>
#include <string_view>
#include <vector>

#include "files/descriptor.hpp"

namespace lipcert {

namespace {

void require(int result) {
    if (result != 1) {
        throw Error(ErrorKind::internal, "", "OpenSSL cannot compute SHA-256");
    }
}

}  // namespace

struct Sha256::State {
    struct Free {
        void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
    };

    std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    require(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
    require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

std::string Sha256::digest() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int length = 0;
    require(EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &length));
    constexpr std::string_view kHexadecimal = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        text += kHexadecimal[bytes[i] >> 4U];
        text += kHexadecimal[bytes[i] & 15U];
    }
    return text;
}

std::string sha256_of(int descriptor,
                      const std::filesystem::path& path,
                      const std::stop_token& stop) {
    std::vector<std::byte> buffer(std::size_t{1} << 20U);
    Sha256 hash;
    std::uint64_t offset = 0;
    for (std::size_t count = buffer.size(); count == buffer.size() && !stop.stop_requested();
         offset += count) {
        count = read_at(descriptor, offset, buffer, path);
        hash.add(std::span<const std::byte>(buffer).first(count));
    }
    return hash.digest();
}

}  // namespace lipcert
