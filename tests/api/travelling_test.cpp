// What travels as arguments and results of submit, starmap and imap: nested containers, matrices, own types, and
// errors on the way.
#include <Eigen/Dense>
#include <map>
#include <optional>
#include <plenum/eigen.hpp>
#include <plenum/pool.hpp>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <gmock/gmock.h>

#include "pool_test.hpp"

namespace plenum::api_test {
namespace {

using Nested = std::vector<std::map<std::string, std::vector<std::pair<int, double>>>>;
using Either = std::variant<int, std::string>;

Nested nested(int n) {
    Nested value(static_cast<std::size_t>(n % 4));
    for (auto& map : value)
        for (int k = 0; k < n % 3; ++k) map["key" + std::to_string(k)].emplace_back(n, 0.5 * k);
    return value;
}

TEST(Travelling, NestedContainers) {
    auto const append = [](Nested value, std::optional<int> const& extra) {
        if (extra) value.push_back({{"extra", {{*extra, 1.5}}}});
        return value;
    };
    std::vector<std::tuple<Nested, std::optional<int>>> items;
    for (int i = 0; i < 60; ++i) items.emplace_back(nested(i), i % 2 ? std::optional(i) : std::nullopt);
    auto const expected = [&](std::size_t i) { return append(std::get<0>(items[i]), std::get<1>(items[i])); };
    std::vector<plenum::Future<Nested>> futures;
    for (auto const& [value, extra] : items) futures.push_back(pool().submit(append, value, extra));
    auto const mapped = pool().starmap(append, items);
    std::size_t i = 0;
    for (auto const& value :
         pool().imap([append](auto const& item) { return std::apply(append, item); }, items)) {
        ASSERT_EQ(value, expected(i));
        ASSERT_EQ(mapped[i], expected(i));
        ASSERT_EQ(futures[i].get(), expected(i));
        ++i;
    }
    EXPECT_EQ(i, items.size());
}

TEST(Travelling, OptionalsAndVariants) {
    auto const turn = [](Either const& either) -> std::optional<Either> {
        if (auto const* const number = std::get_if<int>(&either)) {
            if (*number < 0) return std::nullopt;
            return Either(std::to_string(*number));
        }
        return Either(static_cast<int>(std::get<std::string>(either).size()));
    };
    std::vector<Either> const items{5, "four", -1, std::string(5'000, 'x')};
    std::vector<std::optional<Either>> const expected{Either("5"), Either(4), std::nullopt, Either(5'000)};
    std::size_t i = 0;
    for (auto const& value : pool().imap(turn, items)) ASSERT_EQ(value, expected[i++]);
    for (i = 0; i < items.size(); ++i) EXPECT_EQ(pool().apply(turn, items[i]), expected[i]);
}

TEST(Travelling, MatricesAndVectors) {
    auto const solve = [](Eigen::MatrixXd const& a, Eigen::VectorXd const& b) -> Eigen::VectorXd {
        return a.partialPivLu().solve(b);
    };
    Eigen::Matrix3d const fixed = Eigen::Matrix3d::Identity() * 3;
    EXPECT_EQ(pool().apply([](Eigen::Matrix3d const& m) { return m.trace(); }, fixed), 9.0);
    std::vector<std::tuple<Eigen::MatrixXd, Eigen::VectorXd>> systems;
    for (int n = 1; n <= 12; ++n)
        systems.emplace_back(Eigen::MatrixXd::Identity(n, n) * (n + 1), Eigen::VectorXd::LinSpaced(n, 1, n));
    auto const mapped = pool().starmap(solve, systems);
    std::size_t i = 0;
    for (auto const& x : pool().imap([solve](auto const& s) { return std::apply(solve, s); }, systems)) {
        auto const& [a, b] = systems[i];
        ASSERT_TRUE((a * x).isApprox(b));
        ASSERT_TRUE((a * Eigen::VectorXd(mapped[i])).isApprox(b));
        ASSERT_TRUE((a * pool().submit(solve, a, b).get()).isApprox(b));
        ++i;
    }
    auto const square = pool().submit([](Eigen::MatrixXd const& m) -> Eigen::MatrixXd { return m * m; },
                                      Eigen::MatrixXd(Eigen::MatrixXd::Constant(4, 4, 2)));
    EXPECT_EQ(square.get(), Eigen::MatrixXd(Eigen::MatrixXd::Constant(4, 4, 16)));
}

/// Says where it cannot be packed or unpacked.
struct Touchy {
    int value = 0;
    std::string text = "so that it is not plain bytes";
    template <class Archive>
    void save(Archive& archive) const {
        if (value == 1) throw std::runtime_error("does not pack");
        archive(value, text);
    }
    template <class Archive>
    void load(Archive& archive) {
        archive(value, text);
        if (value == 2) throw std::runtime_error("does not unpack");
        if (value == 3) throw 3;
    }
};

TEST(Travelling, ErrorsOnTheWayAreThoseOfTheCall) {
    auto const id = [](Touchy const& t) { return t.value; };
    EXPECT_THROW((void)pool().submit(id, Touchy{1}), std::runtime_error);
    EXPECT_THAT(message_of<plenum::TaskError>([&] { (void)pool().apply(id, Touchy{2}); }),
                testing::HasSubstr("does not unpack"));
    EXPECT_THAT(message_of<plenum::TaskError>([&] { (void)pool().apply(id, Touchy{3}); }),
                testing::HasSubstr("not derived from std::exception"));
    auto const make = [](int value) { return Touchy{value}; };
    EXPECT_THAT(message_of<plenum::TaskError>([&] { (void)pool().apply(make, 1); }),
                testing::HasSubstr("does not pack"));
    EXPECT_THROW((void)pool().apply(make, 2), std::runtime_error);  // where it is read
    EXPECT_EQ(pool().apply(make, 5).value, 5);
    // The same on the way through a stream; what lies after it still comes.
    std::vector<int> seen;
    auto stream = pool().imap(make, std::vector<int>{0, 1, 2, 3, 4});
    int failed = 0;
    for (auto it = stream.begin(); it != stream.end(); ++it) try {
            seen.push_back((*it).value);
        } catch (...) {
            ++failed;
        }
    EXPECT_EQ(seen, (std::vector<int>{0, 4}));
    EXPECT_EQ(failed, 3);
}

TEST(Travelling, EveryKindOfExceptionFailsTheCallAlone) {
    struct Own {};
    auto const fails = [](int kind) -> int {
        if (kind == 0) throw std::out_of_range("range");
        if (kind == 1) throw 42;
        if (kind == 2) throw Own{};
        if (kind == 3) throw static_cast<char const*>("text");
        if (kind == 4) throw std::string("string");
        if (kind == 5) throw std::runtime_error(std::string(100'000, 'x'));
        if (kind == 6) throw std::bad_alloc();
        if (kind == 7) throw std::runtime_error("");
        return kind;
    };
    for (int round = 0; round < 20; ++round)
        for (int kind = 0; kind <= 8; ++kind) {
            auto const future = pool().submit(fails, kind);
            if (kind == 8)
                EXPECT_EQ(future.get(), 8);
            else
                EXPECT_THROW((void)future.get(), plenum::TaskError) << kind;
        }
}

}  // namespace
}  // namespace plenum::api_test
