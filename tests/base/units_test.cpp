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

TEST(Units, FormatsForPeople) {
    EXPECT_EQ(format_bytes(512), "512 B");
    EXPECT_EQ(format_bytes(3ull << 29), "1.5 GiB");
    EXPECT_EQ(format_duration(123), "2 min 03 s");
    EXPECT_EQ(format_count(35.1e6), "35.1 M");
}

}  // namespace
}  // namespace plenum::base
