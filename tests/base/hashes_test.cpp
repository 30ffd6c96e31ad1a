// The hash and the checksum against published values, and against themselves in pieces.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/blake2b.hpp"
#include "base/crc32c.hpp"

namespace plenum::base {
namespace {

[[nodiscard]] std::span<std::byte const> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

[[nodiscard]] std::string hex(Digest const& digest) {
    std::string text;
    for (auto const byte : digest)
        for (auto const half : {std::to_integer<int>(byte) >> 4, std::to_integer<int>(byte) & 15})
            text += "0123456789abcdef"[half];
    return text;
}

TEST(Crc32c, GivesTheValuesOfRfc3720) {
    EXPECT_EQ(crc32c(bytes("123456789")), 0xe3069283u);
    EXPECT_EQ(crc32c(bytes(std::string(32, '\0'))), 0x8a9136aau);
    EXPECT_EQ(crc32c(bytes(std::string(32, '\xff'))), 0x62a8ab43u);
    EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, IsTheSameInPieces) {
    std::string text;
    for (int i = 0; i < 200; ++i) text += static_cast<char>(i * 37);
    for (std::size_t cut = 0; cut <= text.size(); ++cut)
        ASSERT_EQ(crc32c(bytes(text).subspan(cut), crc32c(bytes(text).first(cut))), crc32c(bytes(text)));
}

/// Long pieces go another way than short ones.
TEST(Crc32c, IsTheSameInOnePieceAndInManyShortOnes) {
    std::string text;
    for (std::uint32_t i = 0; i < 400'000; ++i) text += static_cast<char>(i * 2'654'435'761u >> 24);
    constexpr std::size_t lanes = 49'152;
    for (auto const size : {lanes - 1, lanes, lanes + 1, 2 * lanes, 2 * lanes + 12'345, std::size_t{400'000}}) {
        std::uint32_t slowly = 0;
        for (std::size_t at = 0; at < size; at += 97)
            slowly = crc32c(bytes(text).subspan(at, std::min<std::size_t>(97, size - at)), slowly);
        EXPECT_EQ(crc32c(bytes(text).first(size)), slowly) << size;
    }
}

TEST(Blake2b, GivesThePublishedValues) {
    EXPECT_EQ(hex(blake2b({})), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    EXPECT_EQ(hex(blake2b(bytes("abc"))), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(Blake2b, GivesWhatPythonGivesAroundTheLengthOfABlock) {
    // hashlib.blake2b(bytes(i % 251 for i in range(length)), digest_size=32).hexdigest()
    struct Case {
        std::size_t length;
        char const* digest;
    };
    static constexpr Case cases[] = {
        {1, "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"},
        {127, "f2fe67ff342e21b8f45e8f2e0bcd1d9243245d50ee6c78042e9c491388791c72"},
        {128, "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1"},
        {129, "f7f3c46ba2564ff4c4c162da1f5b605f9f1c4aa6a20652a9f9a337c1a2f5b9c9"},
        {255, "d9ef0fc521b4266d16df662bec231bc2ec3989e7adeaf63169c295dc239dbbea"},
        {256, "582f782226018ec33076bd8d1c42413530ac7e1126260ffc0f306ba3befc3f24"},
        {257, "227e15ed64ee8e93eb7bc53828f76eed974f2c4ab1408c3d08f212b7f8d69904"},
        {10000, "cf9bb8c04de5e1de7a6c56a27d66482d09085a97b6020bcf3b2bbaba3b922898"},
    };
    for (auto const& [length, digest] : cases) {
        std::string text;
        for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(i % 251);
        EXPECT_EQ(hex(blake2b(bytes(text))), digest) << length;
    }
}

}  // namespace
}  // namespace plenum::base
