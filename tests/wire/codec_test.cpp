#include <gtest/gtest.h>

#include <map>
#include <plenum/codec.hpp>
#include <string>

namespace plenum {
namespace {

template <class T>
T there_and_back(T const& value) {
    Bytes bytes;
    encode(value, bytes);
    return decode<T>(bytes);
}

struct Plain {
    int a;
    double b;
    bool operator==(Plain const&) const = default;
};

struct Own {
    std::string name;
    std::map<int, std::vector<double>> parts;
    bool operator==(Own const&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(name, parts);
    }
};

TEST(Codec, ValuesArriveEqual) {
    EXPECT_EQ(there_and_back(Plain{3, 0.5}), (Plain{3, 0.5}));
    EXPECT_EQ(there_and_back(std::string("text with \0 inside", 18)), std::string("text with \0 inside", 18));
    EXPECT_EQ(there_and_back(std::tuple(1, std::string("b"), std::vector{2.5})),
              std::tuple(1, std::string("b"), std::vector{2.5}));
    Own const own{"n", {{1, {1.5, 2.5}}, {7, {}}}};
    EXPECT_EQ(there_and_back(own), own);
}

struct WithPlainParts {
    std::vector<Plain> many;
    std::map<int, Plain> named;
    std::optional<Plain> maybe;
    bool operator==(WithPlainParts const&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(many, named, maybe);
    }
};

TEST(Codec, PlainStructsTravelInsideOfContainers) {
    EXPECT_EQ(there_and_back(std::vector<Plain>{{1, 2.0}, {3, 4.0}}),
              (std::vector<Plain>{{1, 2.0}, {3, 4.0}}));
    EXPECT_EQ(there_and_back(std::pair(std::string("p"), Plain{5, 6.0})),
              std::pair(std::string("p"), Plain{5, 6.0}));
    WithPlainParts const parts{{{1, 0.5}}, {{7, {2, 1.5}}}, Plain{3, 2.5}};
    EXPECT_EQ(there_and_back(parts), parts);
}

/// Its bytes are not what it saves.
struct SavesItsHalf {
    int value;
    bool operator==(SavesItsHalf const&) const = default;
    template <class Archive>
    void save(Archive& archive) const {
        archive(value / 2);
    }
    template <class Archive>
    void load(Archive& archive) {
        archive(value);
        value *= 2;
    }
};

TEST(Codec, OwnFunctionsOfAStructComeBeforeItsBytes) {
    EXPECT_EQ(there_and_back(std::vector<SavesItsHalf>{{7}}), (std::vector<SavesItsHalf>{{6}}));
}

TEST(Codec, WhatCannotTravelIsNoCandidate) {
    static_assert(!Travels<std::vector<int*>>);
    static_assert(!Travels<std::map<int, std::vector<std::string_view>>>);
    static_assert(!Travels<int*>);
    static_assert(!Travels<std::span<int const>>);
    static_assert(!Travels<std::string_view>);
    static_assert(!Travels<std::ostream>);
    static_assert(Travels<std::vector<std::string>>);
}

TEST(Codec, TooFewBytesThrow) {
    Bytes bytes;
    encode(Own{"abc", {{1, {1.0}}}}, bytes);
    bytes.resize(bytes.size() - 3);
    EXPECT_ANY_THROW((void)decode<Own>(bytes));
    EXPECT_ANY_THROW((void)decode<double>(ByteView(bytes).first(4)));
}

}  // namespace
}  // namespace plenum
