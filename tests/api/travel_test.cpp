// Everything that travels: items, results and function objects of all supported types, at any number of
// ranks.
#include <Eigen/Core>
#include <array>
#include <complex>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <plenum/eigen.hpp>
#include <ranges>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

struct Particle {
    double x = 0, y = 0;
    std::int32_t id = 0;
    bool operator==(Particle const&) const = default;
};

struct Report {
    std::string title;
    std::map<std::string, std::vector<int>> columns;
    bool operator==(Report const&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(title, columns);
    }
};

Report report_of(std::uint64_t i) {
    return {"report " + std::to_string(i), {{"a", std::vector<int>(i % 4, static_cast<int>(i))}, {"b", {}}}};
}

/// Holds state that is not plain bytes.
struct Polynomial {
    std::vector<double> coefficients;
    std::string name;
    double operator()(double x) const {
        double value = 0;
        for (auto const c : coefficients) value = value * x + c;
        return value + static_cast<double>(name.size());
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(coefficients, name);
    }
};

/// f(item) of every item, as pool().map and as a plain loop give them.
template <class F, class Range>
void expect_serial_results(F const& f, Range const& items) {
    auto const results = pool().map(f, items);
    std::uint64_t i = 0;
    for (auto const& item : items) {
        ASSERT_LT(i, results.size());
        ASSERT_EQ(results[i], f(item)) << "item " << i;
        ++i;
    }
    EXPECT_EQ(results.size(), i);
}

/// The same over indices.
template <class F>
void expect_serial_results(F const& f, std::uint64_t count = 300) {
    auto const results = pool().map(f, indices(count));
    ASSERT_EQ(results.size(), count);
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(results[i], f(i)) << "task " << i;
}

TEST(Items, OfPlainBytesTravel) {
    std::vector<Particle> particles(999);
    for (int i = 0; i < 999; ++i) particles[static_cast<std::size_t>(i)] = {i * 0.5, -i * 1.0, i};
    expect_serial_results([](Particle const& p) { return Particle{p.y, p.x, p.id + 1}; }, particles);
    std::array<int, 5> const numbers{5, 4, 3, 2, 1};
    expect_serial_results([](int n) { return n * n; }, numbers);
    expect_serial_results([](int const& n) { return n - 1; }, std::span<int const>(numbers));
}

TEST(Items, OfVaryingSizeTravel) {
    std::vector<std::string> words;
    std::vector<std::vector<int>> lists;
    std::vector<std::map<std::string, int>> maps;
    for (int i = 0; i < 500; ++i) {
        words.push_back(std::string(static_cast<std::size_t>(i % 50), 'x') + std::to_string(i));
        lists.emplace_back(static_cast<std::size_t>(i % 7), i);
        maps.push_back({{"n", i}, {words.back(), -i}});
    }
    words.emplace_back();
    expect_serial_results([](std::string const& w) { return w.size(); }, words);
    expect_serial_results([](std::string const& w) { return w + "!"; }, words);
    expect_serial_results(
        [](std::vector<int> const& l) {
            auto reversed = l;
            std::ranges::reverse(reversed);
            return reversed;
        },
        lists);
    expect_serial_results(
        [](std::map<std::string, int> const& m) { return m.at("n") + static_cast<int>(m.size()); }, maps);
}

TEST(Items, OfUserTypesTravel) {
    std::vector<Report> reports;
    for (std::uint64_t i = 0; i < 100; ++i) reports.push_back(report_of(i));
    expect_serial_results([](Report const& r) { return r.title + std::to_string(r.columns.at("a").size()); },
                          reports);
    std::vector<std::pair<std::string, std::optional<double>>> const pairs{
        {"a", 1.5}, {"b", std::nullopt}, {"", 2.5}};
    expect_serial_results([](auto const& p) { return p.first + std::to_string(p.second.value_or(-1)); },
                          pairs);
}

TEST(Items, ComeFromAnyRange) {
    std::list<int> const list{3, 1, 4, 1, 5, 9, 2, 6};
    expect_serial_results([](int n) { return n * 2; }, list);
    std::set<std::string> const set{"one", "two", "three"};
    expect_serial_results([](std::string const& s) { return s.size(); }, set);
    std::vector<bool> const flags{true, false, true};
    expect_serial_results([](bool flag) { return flag ? 1 : 2; }, flags);
    expect_serial_results([](int n) { return n; }, std::vector<int>{});
    expect_serial_results([](std::string const& s) { return s; }, std::vector<std::string>{});
}

// Clang before 16 cannot compile the views of GCC 12's library.
#if !defined(__clang__) || __clang_major__ >= 16
TEST(Items, ComeFromViews) {
    expect_serial_results([](int n) { return n + 1; }, std::views::iota(10, 500));
    expect_serial_results([](double x) { return x * x; },
                          std::views::iota(0, 200) | std::views::transform([](int n) { return n * 0.25; }));
}
#endif

TEST(ResultTypes, OfFixedSizeTravel) {
    expect_serial_results([](std::uint64_t i) { return static_cast<char>('a' + i % 26); });
    expect_serial_results([](std::uint64_t i) { return i % 2 == 0; });
    expect_serial_results([](std::uint64_t i) { return static_cast<float>(i) / 3; });
    expect_serial_results([](std::uint64_t i) { return std::complex<double>(static_cast<double>(i), -1); });
    expect_serial_results([](std::uint64_t i) {
        return Particle{0, static_cast<double>(i), static_cast<int>(i)};
    });
    expect_serial_results([](std::uint64_t i) {
        return std::array<std::int16_t, 3>{static_cast<std::int16_t>(i), 2, 3};
    });
}

TEST(ResultTypes, OfVaryingLengthTravel) {
    expect_serial_results(
        [](std::uint64_t i) { return std::vector<double>(i % 11, static_cast<double>(i)); });
    expect_serial_results([](std::uint64_t) { return std::vector<int>{}; });
    expect_serial_results([](std::uint64_t i) { return std::string(i % 5, 's'); });
    expect_serial_results([](std::uint64_t i) { return std::make_tuple(i, std::to_string(i), 0.5); });
    expect_serial_results([](std::uint64_t i) {
        return std::make_pair(std::string("k"), std::vector<std::string>(i % 3, "v"));
    });
    expect_serial_results(
        [](std::uint64_t i) { return i % 2 ? std::optional(std::to_string(i)) : std::nullopt; });
    expect_serial_results([](std::uint64_t i) -> std::variant<int, std::string> {
        if (i % 2 == 0) return static_cast<int>(i);
        return "odd";
    });
    expect_serial_results([](std::uint64_t i) {
        return std::vector<std::vector<int>>(i % 4, {1, 2, static_cast<int>(i)});
    });
    expect_serial_results([](std::uint64_t i) { return report_of(i); });
}

TEST(ResultTypes, OfEigenTravel) {
    auto const vector_of = [](std::uint64_t i) -> Eigen::VectorXd {
        return Eigen::VectorXd::LinSpaced(static_cast<Eigen::Index>(i % 9) + 1, 0, static_cast<double>(i));
    };
    expect_serial_results(vector_of);
    expect_serial_results([](std::uint64_t i) -> Eigen::RowVectorXf {
        return Eigen::RowVectorXf::Constant(static_cast<Eigen::Index>(i % 3), 2.5f);
    });
    auto const matrix_of = [](std::uint64_t i) -> Eigen::MatrixXd {
        Eigen::MatrixXd m(static_cast<Eigen::Index>(i % 3 + 1), static_cast<Eigen::Index>(i % 5 + 2));
        for (Eigen::Index k = 0; k < m.size(); ++k)
            m.data()[k] = static_cast<double>(i) + static_cast<double>(k);
        return m;
    };
    expect_serial_results(matrix_of);
    expect_serial_results(
        [](std::uint64_t i) -> Eigen::Matrix3f { return Eigen::Matrix3f::Constant(static_cast<float>(i)); });
    expect_serial_results([](std::uint64_t i) -> Eigen::Vector3d { return {1, 2, static_cast<double>(i)}; });
    std::vector<Eigen::MatrixXd> items;
    for (std::uint64_t i = 0; i < 50; ++i) items.push_back(matrix_of(i));
    expect_serial_results([](Eigen::MatrixXd const& m) -> Eigen::MatrixXd { return m * m.transpose(); },
                          items);
    // A declared shape makes vectors fixed: they lie in node memory.
    auto const fixed = pool().map(
        [](std::uint64_t i) -> Eigen::VectorXd {
            return Eigen::VectorXd::Constant(4, static_cast<double>(i));
        },
        indices(20), {.shape = {4}});
    EXPECT_EQ(fixed[19], Eigen::VectorXd::Constant(4, 19.0));
}

TEST(InPlace, ResultsAreWrittenIntoTheirSlots) {
    auto const results = pool().map(
        [](std::uint64_t i, std::span<float> out) {
            for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<float>(i * 100 + k);
        },
        indices(400), {.shape = {3, 5}});
    ASSERT_EQ(results.size(), 400u);
    for (std::uint64_t i = 0; i < 400; ++i) {
        auto const slot = results[i];
        ASSERT_EQ(slot.size(), 15u);
        for (std::size_t k = 0; k < slot.size(); ++k) ASSERT_EQ(slot[k], static_cast<float>(i * 100 + k));
    }
    std::vector<std::string> const words{"", "a", "bb", "ccc"};
    auto const lengths = pool().map(
        [](std::string const& word, std::span<std::int64_t> out) {
            out[0] = static_cast<std::int64_t>(word.size());
            out[1] = -out[0];
        },
        words, {.shape = {2}});
    EXPECT_EQ(lengths[3][1], -3);
}

TEST(InPlace, NeedsADeclaredShape) {
    auto const message = message_of<UsageError>(
        [] { (void)pool().map([](std::uint64_t, std::span<float> out) { out[0] = 1; }, indices(3)); });
    EXPECT_TRUE(contains(message, ".shape"));
}

TEST(DeclaredShape, MakesVectorsFixed) {
    auto const results = pool().map([](std::uint64_t i) { return std::vector<int>(6, static_cast<int>(i)); },
                                    indices(100), {.shape = {2, 3}});
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(results[i], std::vector<int>(6, static_cast<int>(i)));
}

TEST(DeclaredShape, FailsTheTasksThatDeviateFromIt) {
    auto const results = pool().map(
        [](std::uint64_t i) { return std::vector<double>(i % 10 == 3 ? 3 : 4, static_cast<double>(i)); },
        indices(100), {.shape = {4}, .on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 10u);
    EXPECT_EQ(results.failures()[1].task, 13u);
    EXPECT_EQ(results.failures()[1].cause, FailureCause::exception);
    EXPECT_TRUE(contains(results.failures()[1].message, "declared shape"));
    EXPECT_TRUE(contains(results.failures()[1].message, "24"));
    EXPECT_EQ(results[14], std::vector<double>(4, 14.0));
}

TEST(FunctionObjects, WithSerializeTravel) {
    Polynomial const polynomial{{1, -2, 0.5}, "parabola"};
    std::vector<double> const xs{-1, 0, 0.5, 2, 100};
    expect_serial_results(polynomial, xs);
    Polynomial const large{std::vector<double>(100'000, 1e-3), "long"};
    expect_serial_results(large, xs);
}

}  // namespace
}  // namespace plenum::api_test
