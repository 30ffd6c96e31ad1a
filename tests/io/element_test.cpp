// Element types and shapes.
#include <gtest/gtest.h>

#include <plenum/element.hpp>

namespace plenum {
namespace {

TEST(Element, EveryArithmeticTypeHasOne) {
    static_assert(element_type_of<bool>() == ElementType::u8);
    static_assert(element_type_of<signed char>() == ElementType::i8);
    static_assert(element_type_of<short>() == ElementType::i16);
    static_assert(element_type_of<unsigned>() == ElementType::u32);
    static_assert(element_type_of<long>() == ElementType::i64);
    static_assert(element_type_of<long long>() == ElementType::i64);
    static_assert(element_type_of<unsigned long long>() == ElementType::u64);
    static_assert(element_type_of<float>() == ElementType::f32);
    static_assert(element_type_of<double>() == ElementType::f64);
    static_assert(!Element<long double> && !Element<void*>);
}

TEST(Element, SizesAgreeWithTheNames) {
    EXPECT_STREQ(name_of(ElementType::f32), "float32");
    EXPECT_STREQ(name_of(ElementType::u16), "uint16");
    for (int i = 0; i <= static_cast<int>(ElementType::f64); ++i) {
        auto const type = static_cast<ElementType>(i);
        EXPECT_NE(std::string(name_of(type)).find(std::to_string(8 * size_of(type))), std::string::npos);
    }
}

TEST(Element, CountsMultiplyAndRefuseToOverflow) {
    EXPECT_EQ(count_of({}), 1u);
    EXPECT_EQ(count_of({3, 4, 5}), 60u);
    EXPECT_EQ(count_of({1ull << 40, 0, 1ull << 40}), 0u);
    EXPECT_EQ(count_of({1ull << 32, (1ull << 32) - 1}), 0xFFFFFFFF00000000u);
    EXPECT_THROW((void)count_of({1ull << 32, 1ull << 32}), UsageError);
}

}  // namespace
}  // namespace plenum
