// Results that are compressed one by one: what was packed comes out again, and damage does not.
#include "io/packed_result.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/crc32c.hpp"

namespace plenum::io {
namespace {

struct Case {
    ElementType type;
    Shape shape;         // of one result
    std::size_t chunks;  // of one result; 0: it shares its chunk
};

std::vector<std::byte> some_bytes(std::uint64_t count) {
    std::vector<std::byte> bytes(count);
    std::mt19937 random(1);
    for (auto& each : bytes) each = static_cast<std::byte>(random() % 5);
    return bytes;
}

class PackedResultTest : public ::testing::TestWithParam<Case> {};

TEST_P(PackedResultTest, ComesOutAgainAndDamageDoesNot) {
    auto const& [type, shape, chunks] = GetParam();
    MapSpec const spec{.name = "m", .tasks = 10, .type = type, .shape = shape};
    auto const packing = packing_of(spec, 3);
    ASSERT_EQ(packing.has_value(), chunks > 0);
    if (!packing) return;
    EXPECT_EQ(packing->level, 3);
    EXPECT_EQ(packing->result_bytes, count_of(shape) * size_of(type));
    auto const result = some_bytes(packing->result_bytes);
    ResultPacker packer;
    (void)packer.pack(*packing, some_bytes(packing->result_bytes));  // its memory is used before
    auto const view = packer.pack(*packing, result);
    std::vector<std::byte> packed(view.begin(), view.end());
    EXPECT_LT(packed.size(), result.size());
    EXPECT_LE(packed.size(), packed_most(*packing));

    auto const parts = view_packed(*packing, packed);
    ASSERT_TRUE(parts.has_value());
    EXPECT_EQ(parts->crc, base::crc32c(result));
    EXPECT_EQ(parts->chunks.size(), chunks);
    std::vector<std::byte> unpacked(result.size());
    ASSERT_TRUE(unpack(*packing, packed, unpacked));
    EXPECT_TRUE(unpacked == result);

    std::mt19937 random(2);
    for (int i = 0; i < 40; ++i) {
        auto damaged = packed;
        damaged[random() % damaged.size()] ^= static_cast<std::byte>(1u << random() % 8);
        bool const passes = unpack(*packing, damaged, unpacked);
        EXPECT_TRUE(!passes || unpacked == result) << "damage that changes the result";
        damaged = packed;
        damaged.resize(random() % damaged.size());
        EXPECT_FALSE(unpack(*packing, damaged, unpacked)) << damaged.size() << " bytes";
    }
    packed.push_back(std::byte{0});
    EXPECT_FALSE(unpack(*packing, packed, unpacked)) << "a byte too many";
}

INSTANTIATE_TEST_SUITE_P(Shapes, PackedResultTest,
                         ::testing::Values(Case{ElementType::f64, {}, 0},           // a number
                                           Case{ElementType::f64, {8191}, 0},       // 8 bytes less than 64 KiB
                                           Case{ElementType::f64, {8192}, 1},       // 64 KiB
                                           Case{ElementType::u8, {512, 512}, 1},    // a mask
                                           Case{ElementType::i16, {1, 1, 40'000, 1}, 1},
                                           Case{ElementType::f32, {2000, 300}, 3},  // two chunks and a part
                                           Case{ElementType::u64, {3, 131'073}, 6}, // rows of a chunk and one number
                                           Case{ElementType::u8, {3000, 1000}, 3}));

TEST(PackedResult, BytesThatDoNotShrinkHaveRoom) {
    MapSpec const spec{.name = "m", .tasks = 1, .type = ElementType::u8, .shape = {70'000}};
    auto const packing = packing_of(spec, 9);
    ASSERT_TRUE(packing.has_value());
    std::vector<std::byte> noise(70'000);
    std::mt19937 random(3);
    for (auto& each : noise) each = static_cast<std::byte>(random());
    ResultPacker packer;
    auto const packed = packer.pack(*packing, noise);
    EXPECT_LE(packed.size(), packed_most(*packing));
    std::vector<std::byte> unpacked(noise.size());
    ASSERT_TRUE(unpack(*packing, packed, unpacked));
    EXPECT_TRUE(unpacked == noise);
}

TEST(PackedResult, RaggedMapsAndLevelNoneArePackedByNobody) {
    MapSpec spec{.name = "m", .tasks = 1, .fixed = false};
    EXPECT_FALSE(packing_of(spec, 1).has_value());
    spec = {.name = "m", .tasks = 1, .shape = {100'000}};
    EXPECT_FALSE(packing_of(spec, 0).has_value());
}

}  // namespace
}  // namespace plenum::io
