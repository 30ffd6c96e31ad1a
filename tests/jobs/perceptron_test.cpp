// The product kernel, the perceptron and its file, the digits, and the sum.
#include "support/perceptron.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <plenum/error.hpp>
#include <random>

#include "io/temporary_folder.hpp"
#include "support/dense_product.hpp"
#include "support/digits.hpp"
#include "support/sum.hpp"
#include "support/training.hpp"
#include "support/whole_number.hpp"

namespace plenum::jobs {
namespace {

using testing::HasSubstr;

std::vector<float> random_floats(std::size_t count, std::mt19937& generator) {
    std::uniform_real_distribution<float> distribution(-1.0F, 1.0F);
    std::vector<float> numbers(count);
    for (auto& number : numbers) number = distribution(generator);
    return numbers;
}

void expect_product(ProductKernel const& kernel, std::size_t inputs, std::size_t outputs,
                    Activation activation) {
    SCOPED_TRACE(std::string(kernel.name) + " " + std::to_string(inputs) + " x " + std::to_string(outputs));
    std::mt19937 generator(4);
    constexpr std::size_t rows = 2 * block_rows;
    auto const from = random_floats(rows * row_pitch(inputs), generator);
    auto const weights = random_floats(inputs * outputs, generator);
    auto const bias = random_floats(round_up(outputs, panel_columns), generator);
    std::vector<float> packed(packed_size(inputs, outputs), std::nanf(""));
    pack_weights(weights, inputs, outputs, packed);
    std::vector<float> to(rows * row_pitch(outputs), std::nanf(""));
    kernel.run({.from = from.data(),
                .weights = packed.data(),
                .bias = bias.data(),
                .to = to.data(),
                .rows = rows,
                .inputs = inputs,
                .outputs = outputs,
                .activation = activation});
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < outputs; ++column) {
            double sum = static_cast<double>(bias[column]);
            for (std::size_t k = 0; k < inputs; ++k) {
                sum += static_cast<double>(from[row * row_pitch(inputs) + k]) *
                       static_cast<double>(weights[k * outputs + column]);
            }
            if (activation == Activation::relu) sum = std::max(sum, 0.0);
            ASSERT_NEAR(static_cast<double>(to[row * row_pitch(outputs) + column]), sum,
                        1e-6 * static_cast<double>(inputs + 1))
                << row << ", " << column;
        }
    }
}

TEST(DenseProduct, EveryKernelAgreesWithTheDefinition) {
    for (auto const& kernel : product_kernels()) {
        expect_product(kernel, 1, 1, Activation::none);
        expect_product(kernel, 64, 10, Activation::none);
        expect_product(kernel, 33, 32, Activation::relu);
        expect_product(kernel, 100, 77, Activation::relu);
        expect_product(kernel, 1024, 40, Activation::none);
    }
}

TEST(DenseProduct, RowsNeverLieAMultipleOfAPageApart) {
    for (std::size_t columns = 1; columns < 10'000; ++columns) {
        EXPECT_GE(row_pitch(columns), round_up(columns, panel_columns));
        EXPECT_NE(row_pitch(columns) % 1024, 0U);
    }
}

TEST(Perceptron, PredictsWhatTheReferencePrefers) {
    Layers const layers("20,70,33,5", "--layers");
    auto const perceptron = random_perceptron(layers, 3);
    std::vector<float> packed(layers.packed_parameters(), std::nanf(""));
    pack(perceptron, packed);
    std::mt19937 generator(5);
    Evaluator evaluator(layers);
    for (std::size_t const count : {1u, 12u, 13u, 50u, 7u}) {  // also fewer after more
        auto const samples = random_floats(count * layers.inputs(), generator);
        std::vector<std::int16_t> predictions(count, -1);
        evaluator.classify(packed, samples, predictions);
        for (std::size_t k = 0; k < count; ++k) {
            auto const outputs = outputs_reference(
                perceptron, std::span(samples).subspan(k * layers.inputs(), layers.inputs()));
            ASSERT_GE(predictions[k], 0);
            EXPECT_NEAR(outputs[static_cast<std::size_t>(predictions[k])], std::ranges::max(outputs), 1e-4);
        }
    }
}

TEST(Perceptron, LayersAreReadAndRefused) {
    EXPECT_EQ(to_string(Layers("784,2048,10", "--layers")), "784,2048,10");
    EXPECT_EQ(Layers("3,2", "--layers").parameters(), 8U);
    for (auto const* text : {"", "5", "5,", ",5", "5,0", "5,x", "5;6", "5,-6", "5,99999999", "5,40000",
                             "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"}) {
        EXPECT_THROW(Layers(text, "--layers"), UsageError) << text;
    }
}

class PerceptronFile : public testing::Test {
protected:
    test::TemporaryFolder folder_;
    std::string path_ = folder_.file("weights");

    std::string refused() {
        try {
            (void)load_perceptron(path_);
        } catch (EnvironmentError const& error) {
            return error.what();
        }
        return "";
    }
};

TEST_F(PerceptronFile, GivesBackWhatWasSaved) {
    auto const saved = random_perceptron(Layers("7,9,3", ""), 1);
    save_perceptron(saved, path_);
    auto const loaded = load_perceptron(path_);
    EXPECT_EQ(loaded.layers, saved.layers);
    EXPECT_EQ(loaded.parameters, saved.parameters);
    save_perceptron(random_perceptron(Layers("7,2", ""), 1), path_);  // replaces weights
    EXPECT_EQ(to_string(load_perceptron(path_).layers), "7,2");
}

TEST_F(PerceptronFile, NamesWhatIsWrongWithIt) {
    EXPECT_THAT(refused(), HasSubstr("no such file"));
    std::ofstream(path_) << "precious";
    EXPECT_THAT(refused(), HasSubstr("no weights"));
    EXPECT_THROW(save_perceptron(random_perceptron(Layers("7,2", ""), 1), path_), UsageError);
    std::filesystem::remove(path_);
    save_perceptron(random_perceptron(Layers("7,2", ""), 1), path_);
    std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 4);
    EXPECT_THAT(refused(), HasSubstr("truncated"));
    std::fstream(path_, std::ios::in | std::ios::out).seekp(20) << "what";
    EXPECT_THAT(refused(), HasSubstr("damaged"));
}

/// Digits that are easy to tell: the pixels of one row of the picture are lit, with grain.
Samples easy_digits(std::size_t count) {
    std::mt19937 generator(6);
    std::uniform_real_distribution<float> grain(0.0F, 0.3F);
    Samples samples;
    for (std::size_t k = 0; k < count; ++k) {
        auto const digit = k % digit_classes;
        for (std::size_t pixel = 0; pixel < digit_pixels; ++pixel) {
            samples.inputs.push_back(grain(generator) + (pixel / 6 == digit ? 0.7F : 0.0F));
        }
        samples.labels.push_back(static_cast<std::uint8_t>(digit));
    }
    return samples;
}

TEST(Training, LearnsWhatItIsShown) {
    Layers const layers("64,32,10", "");
    auto const trained = train(layers, easy_digits(400), {.epochs = 10, .seed = 2});
    std::vector<float> packed(layers.packed_parameters());
    pack(trained, packed);
    auto const test = easy_digits(1000);
    std::vector<std::int16_t> predictions(test.count());
    Evaluator(layers).classify(packed, test.inputs, predictions);
    std::size_t right = 0;
    for (std::size_t k = 0; k < test.count(); ++k) right += predictions[k] == test.labels[k] ? 1 : 0;
    EXPECT_GT(right, 980U);
    EXPECT_EQ(train(layers, easy_digits(40), {.epochs = 2, .seed = 2}).parameters,
              train(layers, easy_digits(40), {.epochs = 2, .seed = 2}).parameters);
    EXPECT_THROW((void)train(Layers("63,10", ""), easy_digits(40), {}), UsageError);
}

TEST(Digits, AreReadPlainAndRefusedByLine) {
    test::TemporaryFolder const folder;
    auto const path = folder.file("digits.csv");
    std::string row;
    for (int k = 0; k < 64; ++k) row += std::to_string(k % 17) + ",";
    {
        std::ofstream stream(path);
        for (int digit = 0; digit < 10; ++digit) stream << row << digit << "\n";
    }
    auto const samples = load_digits(path);
    EXPECT_EQ(samples.count(), 10U);
    EXPECT_EQ(samples.labels[7], 7);
    EXPECT_EQ(samples.inputs[64 + 16], 1.0F);
    auto const split = split_digits(samples);
    EXPECT_EQ(split.test.labels, (std::vector<std::uint8_t>{4, 9}));
    EXPECT_EQ(split.training.count(), 8U);
    std::ofstream(path, std::ios::app) << row << "10\n";
    try {
        (void)load_digits(path);
        ADD_FAILURE() << "accepted";
    } catch (EnvironmentError const& error) {
        EXPECT_THAT(error.what(), HasSubstr("line 11"));
    }
}

TEST(Sum, EveryKernelAddsEveryElementOnce) {
    for (std::size_t const count : {0u, 1u, 31u, 32u, 33u, 1000u, 100'003u}) {
        std::vector<std::int64_t> values(count);
        for (std::size_t i = 0; i < count; ++i) values[i] = blob_element(i, 77);
        auto const wanted = std::accumulate(values.begin(), values.end(), std::int64_t{0});
        for (auto const& kernel : sum_kernels())
            EXPECT_EQ(kernel.run(values), wanted) << kernel.name << count;
        EXPECT_EQ(blob_sum_formula(count, 77), wanted);
    }
}

TEST(WholeNumber, HasUnitsAndLimits) {
    EXPECT_EQ(parse_whole_number("128M", "--n", 1'000'000'000), 128'000'000U);
    EXPECT_EQ(parse_whole_number("7", "--n", 7), 7U);
    for (auto const* text :
         {"", "0", "8", "-1", "1.5", "1e3", "M", "1kk", "1K", "99999999999999999999", " 1"}) {
        EXPECT_THROW((void)parse_whole_number(text, "--n", 7), UsageError) << text;
    }
}

}  // namespace
}  // namespace plenum::jobs
