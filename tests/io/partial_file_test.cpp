// The life of a partial file: names, undo, full disks.
#include "io/partial_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <plenum/error.hpp>
#include <utility>
#include <vector>

#include "io/temporary_folder.hpp"

namespace plenum::io {
namespace {

using ::plenum::test::content_of;
using ::plenum::test::message_of;
using ::plenum::test::TemporaryFolder;
using ::plenum::test::write_file;
using Begin = PartialFile::Begin;

std::span<std::byte const> bytes_of(std::string const& text) {
    return std::as_bytes(std::span(text));
}

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

TEST(PartialFile, TakesItsNameOnlyWhenPublished) {
    TemporaryFolder const folder;
    auto const path = folder.file("out.h5");
    PartialFile file(path, ExistingFile::refuse, Begin::fresh);
    file.write_at(6, bytes_of("world"));
    file.write_at(0, bytes_of("hello "));
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(content_of(file.partial_path()), "hello world");
    file.publish(file.partial_path());
    EXPECT_EQ(content_of(path), "hello world");
    EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST(PartialFile, LargePiecesArriveWholeWhereverTheyLie) {
    TemporaryFolder const folder;
    PartialFile file(folder.file("out.h5"), ExistingFile::refuse, Begin::fresh);
    std::uint64_t const bytes = 5 * direct_least;
    file.reserve(0, bytes);
    std::vector<std::byte> memory(bytes + 2 * direct_unit), wanted(bytes);
    auto const misfit = reinterpret_cast<std::uintptr_t>(memory.data()) % direct_unit;
    auto* const paged = memory.data() + (direct_unit - misfit) % direct_unit;
    std::uint64_t at = 0, seed = 1;
    // Begin and end inside of pages; in memory as in the file, and shifted by some bytes.
    for (auto const& [size, shift] : {std::pair<std::uint64_t, std::uint64_t>{direct_least, 0},
                                      {direct_least + 12, 0},
                                      {direct_least + 4096 - 100, 0},
                                      {direct_least + 7, 4},
                                      {100, 0}}) {
        std::span const piece(paged + at % direct_unit + shift, size);
        for (auto& byte : piece) byte = static_cast<std::byte>((seed = seed * 6364136223846793005 + 1) >> 56);
        file.write_at(at, piece);
        std::ranges::copy(piece, wanted.begin() + static_cast<std::ptrdiff_t>(at));
        at += size;
    }
    file.sync();
    std::vector<std::byte> found(at);
    file.read_at(0, found);
    EXPECT_TRUE(std::ranges::equal(found, std::span(wanted).first(at)));
    EXPECT_EQ(content_of(file.partial_path()).substr(0, at),
              std::string(reinterpret_cast<char const*>(wanted.data()), at));
}

TEST(PartialFile, CannotTakeItsNameWhenThatIsForbidden) {
    TemporaryFolder const folder;
    PartialFile file(folder.file("out.h5"), ExistingFile::refuse, Begin::fresh);
    file.write_at(0, bytes_of("half"));
    EXPECT_TRUE(file.forbid_publishing());
    EXPECT_THROW(file.publish(file.partial_path()), EnvironmentError);
    EXPECT_FALSE(std::filesystem::exists(folder.file("out.h5")));
    EXPECT_EQ(content_of(file.partial_path()), "half");
}

TEST(PartialFile, ThePublishedNameStays) {
    TemporaryFolder const folder;
    PartialFile file(folder.file("out.h5"), ExistingFile::refuse, Begin::fresh);
    file.write_at(0, bytes_of("whole"));
    file.publish(file.partial_path());
    EXPECT_FALSE(file.forbid_publishing());
    EXPECT_EQ(content_of(folder.file("out.h5")), "whole");
}

TEST(PartialFile, RefusesAnExistingFileUnlessToldToReplaceIt) {
    TemporaryFolder const folder;
    auto const path = folder.file("out.h5");
    write_file(path, "precious");
    auto const message = message_of<UsageError>([&] { refuse_existing(path, ExistingFile::refuse); });
    EXPECT_TRUE(contains(message, path) && contains(message, "-o") && contains(message, "--force"))
        << message;
    PartialFile file(path, ExistingFile::replace, Begin::fresh);
    file.write_at(0, bytes_of("new"));
    EXPECT_EQ(content_of(path), "precious") << "replaced before it was complete";
    file.publish(file.partial_path());
    EXPECT_EQ(content_of(path), "new");
}

TEST(PartialFile, SparesAFileThatAppearsDuringTheRun) {
    TemporaryFolder const folder;
    auto const path = folder.file("out.h5");
    PartialFile file(path, ExistingFile::refuse, Begin::fresh);
    file.write_at(0, bytes_of("results"));
    write_file(path, "precious");
    auto const message = message_of<UsageError>([&] { file.publish(file.partial_path()); });
    EXPECT_TRUE(contains(message, path + ".partial")) << message;
    EXPECT_EQ(content_of(path), "precious");
    EXPECT_EQ(content_of(path + ".partial"), "results") << "results were thrown away";
}

TEST(PartialFile, PutsBackWhatItSavedAndLeavesResultsAlone) {
    TemporaryFolder const folder;
    PartialFile file(folder.file("out.h5"), ExistingFile::refuse, Begin::fresh);
    file.write_at(0, bytes_of("head1111mid2222tail"));
    auto const undo =
        file.save({{.offset = 11, .bytes = 4}, {.offset = 4, .bytes = 4}, {.offset = 40, .bytes = 9}});
    file.write_at(0, bytes_of("XXXX3333YYY4444ZZZZ and more"));
    file.restore(undo);
    EXPECT_EQ(content_of(file.partial_path()), "head3333mid4444tail");
    auto const again = decode_undo(encode(undo).view());
    file.restore(again);
    EXPECT_EQ(content_of(file.partial_path()), "head3333mid4444tail");
}

TEST(PartialFile, SaysWhatIsWrongWithThePlace) {
    TemporaryFolder const folder;
    auto const refused = [](std::string const& path) {
        return message_of<EnvironmentError>([&] {
            refuse_existing(path, ExistingFile::replace);
            PartialFile(path, ExistingFile::replace, Begin::fresh);
        });
    };
    std::filesystem::create_directory(folder.file("sub"));
    EXPECT_TRUE(contains(refused(folder.file("sub")), "is a folder"));
    EXPECT_TRUE(contains(refused(folder.file("missing/out.h5")), folder.file("missing") + " does not exist"));
    write_file(folder.file("plain"), "");
    EXPECT_TRUE(contains(refused(folder.file("plain/out.h5")), "Not a directory"));
    EXPECT_TRUE(contains(refused("/proc/out.h5"), "/proc"));
    EXPECT_TRUE(contains(refused("/dev/null"), "no regular file"));
    EXPECT_THROW(refuse_existing("", ExistingFile::refuse), UsageError);
}

TEST(PartialFile, WarnsOfADiskThatIsTooSmall) {
    TemporaryFolder const folder;
    PartialFile const file(folder.file("out.h5"), ExistingFile::refuse, Begin::fresh);
    auto const message = message_of<EnvironmentError>([&] { file.require_space(1ull << 60); });
    EXPECT_TRUE(contains(message, "need 1024.0 PiB")) << message;
    EXPECT_NO_THROW(file.require_space(1));
}

TEST(PartialFile, ReservesItsPlaceOnTheDisk) {
    TemporaryFolder const folder;
    PartialFile file(folder.file("out.h5"), ExistingFile::refuse, Begin::fresh);
    file.reserve(4096, 1 << 20);
    EXPECT_EQ(std::filesystem::file_size(file.partial_path()), 4096u + (1 << 20));
    file.reserve_at_end(4096);
    EXPECT_EQ(std::filesystem::file_size(file.partial_path()), 8192u + (1 << 20));
    test::FileSizeLimit const limit(4 << 20);
    auto const message = message_of<EnvironmentError>([&] { file.reserve(0, 5 << 20); });
    EXPECT_TRUE(contains(message, "disk full") && contains(message, "0 B of 6.0 MiB")) << message;
}

TEST(PartialFile, SaysHowFarItCameWhenTheDiskIsFull) {
    TemporaryFolder const folder;
    PartialFile file(folder.file("out.h5"), ExistingFile::refuse, Begin::fresh);
    file.reserve(0, 3000);
    test::FileSizeLimit const limit(2048);
    file.write_at(0, bytes_of(std::string(1024, 'a')));
    auto const message =
        message_of<EnvironmentError>([&] { file.write_at(1024, bytes_of(std::string(1976, 'b'))); });
    EXPECT_TRUE(contains(message, "out.h5.partial: disk full")) << message;
    EXPECT_TRUE(contains(message, "1.0 KiB of 2.9 KiB written")) << message;
}

}  // namespace
}  // namespace plenum::io
