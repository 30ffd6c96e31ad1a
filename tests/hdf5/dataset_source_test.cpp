// Reading datasets: conversion, and a clear line for each way in which it can fail.
#include "hdf5/dataset_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <plenum/error.hpp>

#include "hdf5/library.hpp"
#include "hdf5/result_file.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DatasetSource : public ::testing::Test {
protected:
    DatasetSource() {
        open_library();
        auto const sink = create_result_file({.path = path_});
        std::vector<float> const image{1.5f, -2.5f, 3.25f, 4, 300, -1e9f};
        sink->write_array("images/photo", ElementType::f32, {2, 3}, std::as_bytes(std::span(image)), {});
        std::int64_t const number = -7;
        sink->write_array("number", ElementType::i64, {}, std::as_bytes(std::span(&number, 1)), {});
        sink->write_array("nothing", ElementType::u16, {0, 4}, {}, {});
        sink->publish({});
    }

    std::string failure(std::string const& file, std::string const& dataset) {
        return test::message_of<EnvironmentError>([&] { (void)source_->info(file, dataset); });
    }

    test::TemporaryFolder folder_;
    std::string path_ = folder_.file("in.h5");
    std::unique_ptr<io::DatasetSource> source_ = make_dataset_source();
};

TEST_F(DatasetSource, TellsTypeAndShape) {
    auto const image = source_->info(path_, "images/photo");
    EXPECT_EQ(image.type, ElementType::f32);
    EXPECT_EQ(image.shape, (Shape{2, 3}));
    EXPECT_EQ(source_->info(path_, "/images/photo").shape, (Shape{2, 3}));
    EXPECT_EQ(source_->info(path_, "number").type, ElementType::i64);
    EXPECT_EQ(source_->info(path_, "number").shape, Shape{});
    EXPECT_EQ(source_->info(path_, "nothing").type, ElementType::u16);
    EXPECT_EQ(source_->info(path_, "nothing").shape, (Shape{0, 4}));
}

TEST_F(DatasetSource, ConvertsToTheTypeAskedFor) {
    std::vector<double> doubles(6);
    source_->read(path_, "images/photo", ElementType::f64, std::as_writable_bytes(std::span(doubles)));
    EXPECT_EQ(doubles, (std::vector<double>{1.5, -2.5, 3.25, 4, 300, -1e9}));
    std::vector<std::int8_t> small(6);
    source_->read(path_, "images/photo", ElementType::i8, std::as_writable_bytes(std::span(small)));
    EXPECT_EQ(small, (std::vector<std::int8_t>{1, -2, 3, 4, 127, -128}));
    float number = 0;
    source_->read(path_, "number", ElementType::f32, std::as_writable_bytes(std::span(&number, 1)));
    EXPECT_EQ(number, -7.0f);
    EXPECT_NO_THROW(source_->read(path_, "nothing", ElementType::f32, {}));
}

TEST_F(DatasetSource, RefusesABufferOfAnotherSize) {
    std::vector<double> five(5);
    auto const message = test::message_of<UsageError>([&] {
        source_->read(path_, "images/photo", ElementType::f64, std::as_writable_bytes(std::span(five)));
    });
    EXPECT_THAT(message, AllOf(HasSubstr("6 elements"), HasSubstr("float64"), HasSubstr("40 bytes")));
}

TEST_F(DatasetSource, NamesWhatIsMissing) {
    EXPECT_THAT(failure(folder_.file("no.h5"), "x"), AllOf(HasSubstr("no.h5"), HasSubstr("No such file")));
    EXPECT_THAT(failure(folder_.file(""), "x"), HasSubstr("is a folder"));
    test::write_file(folder_.file("photo.png"), "\x89PNG, no HDF5 file at all");
    EXPECT_THAT(failure(folder_.file("photo.png"), "x"), HasSubstr("not an HDF5 file"));
    test::write_file(folder_.file("empty.h5"), "");
    EXPECT_THAT(failure(folder_.file("empty.h5"), "x"), HasSubstr("not an HDF5 file"));
    for (auto const* name : {"imagse/photo", "images/phot", "", "/", "images/photo/x"})
        EXPECT_THAT(failure(path_, name), AllOf(HasSubstr("in.h5"), HasSubstr(name))) << name;
    EXPECT_THAT(failure(path_, "imagse"), AllOf(HasSubstr("images/photo"), HasSubstr("number")));
}

TEST_F(DatasetSource, ListsAtMostEightDatasets) {
    auto const message = failure(path_, "missing");
    auto const list = message.substr(message.find("it holds"));
    EXPECT_EQ(std::count(list.begin(), list.end(), ','), 8) << message;
    EXPECT_THAT(list, HasSubstr(", ..."));
}

TEST_F(DatasetSource, RefusesWhatIsNotNumeric) {
    EXPECT_THAT(failure(path_, "workers/host"), AllOf(HasSubstr("workers/host"), HasSubstr("not numeric")));
    EXPECT_THAT(failure(path_, "images"), HasSubstr("images"));
}

TEST_F(DatasetSource, ReportsADamagedFileWithoutNoise) {
    auto const damaged = folder_.file("damaged.h5");
    test::write_file(damaged, test::content_of(path_).substr(0, 2000));
    testing::internal::CaptureStderr();
    auto const message = failure(damaged, "number");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_THAT(message, AllOf(HasSubstr("damaged.h5"), HasSubstr("truncated")));
}

}  // namespace
}  // namespace plenum::hdf5
