#include "base/units.hpp"

#include <gtest/gtest.h>

#include <plenum/error.hpp>

namespace plenum::base {
namespace {

TEST(Units, BytesReadAsPeopleWriteThem) {
    EXPECT_EQ(parse_bytes("1000", "x"), 1000u);
    EXPECT_EQ(parse_bytes("512M", "x"), 512u << 20);
    EXPECT_EQ(parse_bytes("1.5 GiB", "x"), 3ull << 29);
    EXPECT_EQ(parse_bytes("2kb", "x"), 2048u);
}

TEST(Units, WrongSizesNameTheOption) {
    for (auto const* text : {"", "x", "-1", "12Q", "4 GBit", "1e30", "nan"}) {
        try {
            (void)parse_bytes(text, "--node-memory");
            ADD_FAILURE() << "accepted '" << text << "'";
        } catch (UsageError const& error) {
            EXPECT_NE(std::string(error.what()).find("--node-memory"), std::string::npos);
        }
    }
}

TEST(Units, TimesReadAsPeopleAndSlurmWriteThem) {
    for (auto const& [text, seconds] :
         {std::pair{"90", 90.0}, std::pair{"0.5", 0.5}, std::pair{"90s", 90.0}, std::pair{"1.5 h", 5400.0},
          std::pair{"20min", 1200.0}, std::pair{"20m", 1200.0}, std::pair{"2d", 172800.0},
          std::pair{"30:00", 1800.0}, std::pair{"1:30:00", 5400.0}, std::pair{"0:00:07", 7.0},
          std::pair{"2-12", 216000.0}, std::pair{"2-12:30", 217800.0}, std::pair{"1-00:00:05", 86405.0}})
        EXPECT_EQ(parse_duration(text, "x"), seconds) << text;
}

TEST(Units, WrongTimesNameTheOption) {
    for (auto const* text : {"", "x", "-1", "1 week", "1:", ":30", "1:2:3:4", "1-", "-", "1--2", "1e30",
                             "nan", "inf", "1:x", "min", "5 5"}) {
        try {
            (void)parse_duration(text, "--time-limit");
            ADD_FAILURE() << "accepted '" << text << "'";
        } catch (UsageError const& error) {
            EXPECT_EQ(
                std::string(error.what()).find("--time-limit: '" + std::string(text) + "' is not a time"),
                0u);
        }
    }
}

TEST(Units, FormatsForPeople) {
    EXPECT_EQ(format_bytes(512), "512 B");
    EXPECT_EQ(format_bytes(3ull << 29), "1.5 GiB");
    EXPECT_EQ(format_duration(123), "2 min 03 s");
    EXPECT_EQ(format_count(35.1e6), "35.1 M");
}

TEST(Units, ShortTimesKeepTheirDigits) {
    for (auto const& [seconds, text] :
         {std::pair{9.994, "9.99 s"}, std::pair{0.1, "0.10 s"}, std::pair{0.0996, "99.6 ms"},
          std::pair{0.0123, "12.3 ms"}, std::pair{0.00123, "1.23 ms"}, std::pair{0.0009, "900 us"},
          std::pair{25.34e-6, "25.3 us"}, std::pair{4e-8, "40.0 ns"}, std::pair{0.0, "0 s"},
          std::pair{-1.0, "-"}})
        EXPECT_EQ(format_duration(seconds), text);
}

}  // namespace
}  // namespace plenum::base
