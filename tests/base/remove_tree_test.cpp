// Removing a folder with all that is in it.
#include "base/remove_tree.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "io/temporary_folder.hpp"

namespace plenum::base {
namespace {

namespace fs = std::filesystem;

class RemoveTree : public testing::Test {
protected:
    /// A tree with files, folders and a name of any bytes.
    fs::path make_tree() {
        fs::path const tree = folder_.file("tree");
        fs::create_directories(tree / "a/b/c");
        fs::create_directory(tree / "empty");
        for (auto const* const name : {"one", "a/two", "a/b/c/three", "a/b/-rf \n*"})
            std::ofstream(tree / name) << 1;
        return tree;
    }
    test::TemporaryFolder folder_;
};

TEST_F(RemoveTree, RemovesFoldersFilesAndNothing) {
    EXPECT_TRUE(remove_tree(make_tree()));
    EXPECT_TRUE(folder_.is_empty());
    EXPECT_TRUE(remove_tree(folder_.file("nothing")));
    std::ofstream(folder_.file("file")) << 1;
    EXPECT_TRUE(remove_tree(folder_.file("file")));
    EXPECT_TRUE(folder_.is_empty());
}

TEST_F(RemoveTree, RemovesLinksButNotWhatTheyName) {
    auto const kept = folder_.file("kept");
    fs::create_directory(kept);
    std::ofstream(kept + "/file") << 1;
    auto const tree = make_tree();
    fs::create_directory_symlink(kept, tree / "a/link");
    fs::create_symlink(kept + "/file", tree / "file-link");
    fs::create_symlink("nowhere", tree / "dangling");
    EXPECT_TRUE(remove_tree(tree));
    EXPECT_FALSE(fs::exists(tree));
    EXPECT_TRUE(fs::exists(kept + "/file"));
    fs::create_directory_symlink(kept, folder_.file("link"));
    EXPECT_TRUE(remove_tree(folder_.file("link")));
    EXPECT_TRUE(fs::exists(kept + "/file"));
}

/// Root needs no rights; then this shows no more than the tests above.
TEST_F(RemoveTree, NeedsNoRightsThatATaskTookAway) {
    auto const tree = make_tree();
    for (auto const* const name : {"a/b/c", "a/b", "a"}) fs::permissions(tree / name, fs::perms::none);
    EXPECT_TRUE(remove_tree(tree));
    EXPECT_FALSE(fs::exists(tree));
}

}  // namespace
}  // namespace plenum::base
