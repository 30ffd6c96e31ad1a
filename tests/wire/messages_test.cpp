#include "wire/messages.hpp"

#include <gtest/gtest.h>

#include "wire/task_registry.hpp"

namespace plenum::wire {
namespace {

TEST(Messages, CrossTheWireUnchangedWithTheirPayload) {
    Bytes data(1000, std::byte{7});
    BlockResults sent{.node = 3, .batch = 5, .block = 9, .runs = {{1, 4}, {8, 9}}, .lengths = {1, 2, 3, 4},
                      .failures = {{.task = 8, .rank = 2, .attempt = 1, .cause = FailureCause::crash,
                                    .message = "signal 11"}},
                      .returned = {{4, 8}}, .timing = {{.first = 1, .count = 3, .rank = 2, .start = 0.5,
                                                        .duration = 0.25, .peak_rss = 77}},
                      .mean_task_seconds = 0.125, .payload = Payload::of(data)};
    auto const got = std::get<BlockResults>(from_frame(to_frame(sent)));
    EXPECT_EQ(got.node, 3);
    EXPECT_EQ(got.block, 9u);
    ASSERT_EQ(got.runs.size(), 2u);
    EXPECT_EQ(got.runs[1].first, 8u);
    EXPECT_EQ(got.lengths, sent.lengths);
    ASSERT_EQ(got.failures.size(), 1u);
    EXPECT_EQ(got.failures[0].message, "signal 11");
    EXPECT_EQ(got.failures[0].cause, FailureCause::crash);
    EXPECT_EQ(got.returned[0].last, 8u);
    EXPECT_EQ(got.timing[0].peak_rss, 77u);
    EXPECT_DOUBLE_EQ(got.mean_task_seconds, 0.125);
    EXPECT_EQ(got.payload.bytes.size(), 1000u);
    EXPECT_EQ(got.payload.bytes[999], std::byte{7});
}

TEST(Messages, EveryKindKeepsItsKind) {
    EXPECT_TRUE(std::holds_alternative<Stop>(from_frame(to_frame(Stop{}))));
    EXPECT_EQ(std::get<Goodbye>(from_frame(to_frame(Goodbye{.exit_code = 75}))).exit_code, 75);
    EXPECT_EQ(std::get<Output>(from_frame(to_frame(Output{.rank = 1, .tasks = {3, 4}, .error = true, .text = "x"})))
                  .text,
              "x");
}

TEST(Messages, UnknownKindIsRefused) {
    EXPECT_THROW((void)from_frame(Frame{.kind = 999, .header = {}, .payload = {}}), EnvironmentError);
}

TEST(Messages, TruncatedHeaderIsRefused) {
    auto frame = to_frame(CloseBatch{.batch = 4});
    frame.header.pop_back();
    EXPECT_ANY_THROW((void)from_frame(std::move(frame)));
}

void first_function(plenum::detail::ChunkCall&) {}
void second_function(plenum::detail::ChunkCall&) {}

TEST(TaskRegistry, FindsByIdAndTellsFunctionsOfOneNameApart) {
    auto const id = plenum::detail::register_task("test.one", &first_function);
    EXPECT_EQ(find_task(id), &first_function);
    EXPECT_EQ(find_task(id + 1), nullptr);
    EXPECT_EQ(registry_clashes(), "");
    auto const before = registry_hash();
    plenum::detail::register_task("test.two", &second_function);
    EXPECT_NE(registry_hash(), before);
    auto const other = plenum::detail::register_task("test.one", &second_function);
    EXPECT_NE(other, id);
    EXPECT_EQ(find_task(id), &first_function);
    EXPECT_EQ(find_task(other), &second_function);
    EXPECT_EQ(plenum::detail::register_task("test.one", &first_function), id);
    EXPECT_EQ(registry_clashes(), "");
}

}  // namespace
}  // namespace plenum::wire
