// Shared arrays: every way to fill one, the same content for every rank of every node, and room that comes
// back.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <plenum/eigen.hpp>
#include <set>
#include <thread>
#include <type_traits>
#include <utility>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

std::uint64_t checksum(std::span<std::byte const> bytes) {
    std::uint64_t hash = 14695981039346656037u;
    for (auto const byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 1099511628211u;
    return hash;
}

/// Who saw what.
struct Sighting {
    std::uint64_t checksum = 0;
    std::uint64_t misalignment = 0;
    std::int32_t rank = 0;
};

/// Rank of the process that runs the task.
std::int32_t rank_here() {
    auto const* const text = std::getenv("OMPI_COMM_WORLD_RANK");
    return text == nullptr ? 0 : std::atoi(text);
}

/// Every rank sees these bytes, each at an address that is a multiple of 64.
template <class T>
void expect_same_everywhere(SharedArray<T> const& array) {
    auto const expected = checksum(std::as_bytes(array.span()));
    std::set<std::int32_t> seen;
    // No schedule promises that every rank gets a task, so more are made until each had one.
    for (int round = 0; round < 200 && seen.size() < static_cast<std::size_t>(pool().ranks()); ++round) {
        auto const sightings = pool().map(
            [array = array.ref()](std::uint64_t) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                return Sighting{checksum(std::as_bytes(array.span())),
                                reinterpret_cast<std::uintptr_t>(array.data()) % 64, rank_here()};
            },
            indices(4 * static_cast<std::uint64_t>(pool().ranks())), {.schedule = "ss"});
        for (auto const sighting : sightings) {
            ASSERT_EQ(sighting.checksum, expected) << "on rank " << sighting.rank;
            ASSERT_EQ(sighting.misalignment, 0u);
            seen.insert(sighting.rank);
        }
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(pool().ranks()));
}

std::vector<float> ramp(std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 1013) * 0.5f;
    return values;
}

// Nobody writes into one by accident: its elements are const in the type.
template <class Owner>
constexpr bool gives_const = !std::is_assignable_v<decltype(std::declval<Owner&>()[0]), int> &&
                             !std::is_assignable_v<decltype(*std::declval<Owner&>().data()), int> &&
                             !std::is_assignable_v<decltype(std::declval<Owner&>().span()[0]), int>;
static_assert(gives_const<SharedRef<int>> && gives_const<SharedArray<int>>);

TEST(SharedArrays, HoldVectorsAndSpans) {
    auto const values = ramp(100'003);
    auto const array = pool().share(values);
    EXPECT_EQ(array.shape(), Shape{100'003});
    EXPECT_TRUE(std::ranges::equal(array.span(), values));
    expect_same_everywhere(array);
    auto const part = pool().share(std::span<float const>(values).subspan(10, 50), 50);
    EXPECT_EQ(part.ref()[0], values[10]);
    expect_same_everywhere(part);
    struct Cell {
        std::int32_t a;
        double b;
    };
    auto const cells = pool().share(std::vector<Cell>(100, Cell{7, 0.25}));
    auto const sums =
        pool().map([cells = cells.ref()](std::uint64_t i) { return cells[i].a + cells[i].b; }, indices(100));
    for (auto const sum : sums) EXPECT_EQ(sum, 7.25);
}

TEST(SharedArrays, HaveTwoDimensions) {
    auto const array = pool().share(ramp(600), {20, 30});
    EXPECT_EQ(array.shape(), (Shape{20, 30}));
    auto const rows = pool().map(
        [array = array.ref()](std::uint64_t r) {
            auto const row = array.row(r);
            return std::accumulate(row.begin(), row.end(), 0.0) + (array.rows() == 20 ? 0 : 1) + array(r, 29);
        },
        indices(20));
    auto const values = ramp(600);
    for (std::size_t r = 0; r < 20; ++r)
        EXPECT_EQ(rows[r], std::accumulate(values.begin() + static_cast<long>(r) * 30,
                                           values.begin() + static_cast<long>(r + 1) * 30, 0.0) +
                               values[r * 30 + 29]);
    EXPECT_TRUE(contains(message_of<UsageError>([] { (void)pool().share(ramp(7), {2, 3}); }), "7"));
}

TEST(SharedArrays, HaveThreeDimensions) {
    auto const array = pool().share(ramp(2 * 3 * 5), {2, 3, 5});
    EXPECT_EQ(array.shape(), (Shape{2, 3, 5}));
    EXPECT_EQ(array.planes(), 2u);
    EXPECT_EQ(array.rows(), 3u);
    EXPECT_EQ(array.columns(), 5u);
    EXPECT_EQ(array.size(), 30u);
    auto const values = ramp(30);
    auto const equal = pool().map(
        [array = array.ref()](std::uint64_t i) {
            auto const p = i / 15, r = i / 5 % 3, c = i % 5;
            auto const plane = array.plane(p);
            bool const shape = plane.planes() == 1 && plane.rows() == 3 && plane.columns() == 5 &&
                               plane.size() == 15 && plane.end() == array.data() + (p + 1) * 15;
            auto const value = array(p, r, c);
            return shape && plane(r, c) == value && plane.row(r)[c] == value &&
                           array.row(3 * p + r)[c] == value
                       ? value
                       : -1;
        },
        indices(30));
    for (std::uint64_t i = 0; i < 30; ++i) EXPECT_EQ(equal[i], values[i]);
    auto const second =
        pool().map([plane = array.plane(1)](std::uint64_t r) { return plane(r, 0); }, indices(3));
    EXPECT_EQ(second[2], values[25]);
    EXPECT_THROW((void)pool().share(ramp(29), {2, 3, 5}), UsageError);
    EXPECT_EQ(pool().share(ramp(5), {5, 1}).shape(), (Shape{5, 1}));
}

TEST(SharedArrays, OfThreeDimensionsHaveEigenMatricesAsPlanes) {
    auto const array = pool().share(ramp(30), {2, 3, 5});
    auto const traces = pool().map(
        [array = array.ref()](std::uint64_t p) {
            auto const m = as_matrix(array.plane(p));
            return std::make_pair(m.topLeftCorner(3, 3).trace(), as_matrix(array).rows());
        },
        indices(2));
    for (std::uint64_t p = 0; p < 2; ++p) {
        EXPECT_EQ(traces[p].first, array(p, 0, 0) + array(p, 1, 1) + array(p, 2, 2));
        EXPECT_EQ(traces[p].second, 6);
    }
}

TEST(SharedArrays, ComeFromEigenMatricesOfEitherOrder) {
    Eigen::MatrixXd by_columns(3, 4);
    for (Eigen::Index i = 0; i < by_columns.size(); ++i) by_columns.data()[i] = static_cast<double>(i);
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> const by_rows = by_columns;
    auto const check = [&](SharedArray<double> const& array) {
        EXPECT_EQ(array.shape(), (Shape{3, 4}));
        EXPECT_EQ(as_matrix(array.ref()), by_columns);
        expect_same_everywhere(array);
    };
    check(share(pool(), by_columns));
    check(share(pool(), by_rows));
    check(share(pool(), 2 * by_rows - by_columns));
    auto const vector = share(pool(), Eigen::VectorXf::LinSpaced(7, 0, 6));
    EXPECT_EQ(vector.shape(), Shape{7});
    EXPECT_EQ(vector[6], 6.0f);
}

/// A sparse matrix by rows, as users write it: owners on rank 0, handles in the tasks.
struct Csr {
    struct Refs {
        SharedRef<double> values;
        SharedRef<int> columns;
        SharedRef<int> row_starts;
        [[nodiscard]] double row_times(std::uint64_t r, SharedRef<double> const& x) const {
            double sum = 0;
            for (auto k = static_cast<std::uint64_t>(row_starts[r]);
                 k < static_cast<std::uint64_t>(row_starts[r + 1]); ++k)
                sum += values[k] * x[static_cast<std::uint64_t>(columns[k])];
            return sum;
        }
    };
    SharedArray<double> values;
    SharedArray<int> columns;
    SharedArray<int> row_starts;
    [[nodiscard]] Refs refs() const { return {values.ref(), columns.ref(), row_starts.ref()}; }
};

TEST(SharedArrays, AreMembersOfStructs) {
    // Row r of n: r at column r, and 1 at column 0 unless r is 0.
    constexpr int n = 500;
    std::vector<double> values;
    std::vector<int> columns, row_starts{0};
    for (int r = 0; r < n; ++r) {
        if (r > 0) {
            values.push_back(1);
            columns.push_back(0);
        }
        values.push_back(r);
        columns.push_back(r);
        row_starts.push_back(static_cast<int>(values.size()));
    }
    Csr const matrix{pool().share(values), pool().share(columns), pool().share(row_starts)};
    auto const x = pool().share(std::vector<double>(n, 2.0));
    auto const product =
        pool().map([matrix = matrix.refs(), x = x.ref()](std::uint64_t r) { return matrix.row_times(r, x); },
                   indices(n));
    EXPECT_EQ(product[0], 0);
    for (std::uint64_t r = 1; r < n; ++r) EXPECT_EQ(product[r], 2.0 * static_cast<double>(r) + 2.0);
}

TEST(SharedArrays, MadeBetweenBatchesAreSealedToo) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a write would end the test";
    auto const first = pool().share(ramp(100));
    (void)pool().map([first = first.ref()](std::uint64_t i) { return first[i]; },
                     indices(100));  // executors run
    auto const later = pool().share(ramp(100'000));
    auto const results = pool().map(
        [later = later.ref()](std::uint64_t i) {
            if (i == 7) const_cast<float&>(later[i]) = 3;
            return later[i];
        },
        indices(50), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 7u);
    EXPECT_TRUE(contains(results.failures()[0].message, "shared array"));
    EXPECT_EQ(later[7], ramp(8)[7]);
    expect_same_everywhere(later);
}

TEST(SharedArrays, AreEigenMatrices) {
    auto const array = pool().share(ramp(12), {3, 4});
    EXPECT_EQ(as_matrix(array.ref())(1, 2), array.ref()(1, 2));
    auto const sums = pool().map(
        [array = array.ref()](std::uint64_t r) { return as_matrix(array).row(static_cast<long>(r)).sum(); },
        indices(3));
    for (std::uint64_t r = 0; r < 3; ++r)
        EXPECT_EQ(sums[r], as_matrix(array.ref()).row(static_cast<long>(r)).sum());
}

TEST(SharedArrays, AreFilledInPlace) {
    int calls = 0;
    auto const array = pool().share_filled<std::int64_t>({1000, 40}, [&](std::span<std::int64_t> out) {
        ++calls;
        for (std::size_t i = 0; i < out.size(); ++i) {
            ASSERT_EQ(out[i], 0);
            out[i] = static_cast<std::int64_t>(i * i);
        }
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(array.ref()(999, 39), 39'999LL * 39'999LL);
    expect_same_everywhere(array);
}

TEST(SharedArrays, AreZeroWhereARangeIsUsedAgain) {
    { auto const first = pool().share(std::vector<char>(1 << 20, 'x')); }
    auto const again = pool().share_filled<char>(
        1 << 20, [](std::span<char> out) { EXPECT_EQ(std::count(out.begin(), out.end(), '\0'), 1 << 20); });
    expect_same_everywhere(again);
}

TEST(SharedArrays, WhoseFillThrowsLeaveNothingBehind) {
    EXPECT_THROW(
        (void)pool().share_filled<char>(1000, [](std::span<char>) { throw std::runtime_error("no data"); }),
        std::runtime_error);
    expect_same_everywhere(pool().share(ramp(1000)));
}

TEST(SharedArrays, AreSeveralAtOnce) {
    std::vector<SharedArray<std::uint32_t>> arrays;
    for (std::uint32_t k = 0; k < 20; ++k)
        arrays.push_back(pool().share(std::vector<std::uint32_t>(k * 100 + 1, k)));
    for (std::uint32_t k = 1; k < 20; k += 2) arrays[k] = {};
    arrays[1] = pool().share(std::vector<std::uint32_t>(50'000, 1));
    for (auto const k : {0u, 1u, 2u, 18u}) {
        auto const sums = pool().map(
            [array = arrays[k].ref()](std::uint64_t) {
                return std::accumulate(array.begin(), array.end(), std::uint64_t{0});
            },
            indices(8));
        for (auto const sum : sums) EXPECT_EQ(sum, arrays[k].size() * k);
    }
    auto const last = std::move(arrays[18]);
    EXPECT_EQ(last.span()[0], 18u);
}

/// The flags that /proc has for the mapping that holds `address`.
std::string mapping_flags(void const* address) {
    auto const wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/smaps");
    bool here = false;
    for (std::string line; std::getline(maps, line);) {
        unsigned long first = 0, last = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &last) == 2) here = first <= wanted && wanted < last;
        if (here && line.starts_with("VmFlags:")) return line + " ";
    }
    return "";
}

TEST(SharedArrays, AreNotDumpedWithACore) {
    auto const array = pool().share(std::vector<double>(1000, 1));
    auto const dumped = pool().map(
        [array = array.ref()](std::uint64_t) {
            return mapping_flags(array.data()).find(" dd ") == std::string::npos ? 1 : 0;
        },
        indices(8));
    for (int const each : dumped) EXPECT_EQ(each, 0);
}

TEST(SharedArrays, OfNoElementsAreAllowed) {
    auto const empty = pool().share(std::vector<double>{});
    EXPECT_EQ(empty.size(), 0u);
    auto const sizes =
        pool().map([empty = empty.ref()](std::uint64_t) { return empty.span().size(); }, indices(3));
    EXPECT_EQ(sizes[2], 0u);
}

/// Shared memory that this process has in use, in bytes.
std::int64_t resident_shared_memory() {
    std::ifstream file("/proc/self/status");
    std::string key, rest;
    std::int64_t kibibytes = 0;
    while (file >> key) {
        if (key == "RssShmem:" && file >> kibibytes) return kibibytes * 1024;
        std::getline(file, rest);
    }
    return -1;
}

/// Waits until no more than `most` bytes of shared memory are in use; freeing is not awaited by anybody.
bool falls_below(std::int64_t most) {
    for (int attempt = 0; attempt < 1000; ++attempt) {
        if (resident_shared_memory() <= most) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

TEST(SharedArrays, GiveTheirMemoryBack) {
    constexpr std::int64_t bytes = 64 << 20;
    auto const before = resident_shared_memory();
    ASSERT_GE(before, 0) << "this kernel does not count shared memory";
    {
        auto const array = pool().share(std::vector<char>(bytes, 'y'));
        EXPECT_GE(resident_shared_memory(), before + bytes / 8 * 7);
    }
    EXPECT_TRUE(falls_below(before + bytes / 8));
}

TEST(SharedArrays, MadeAndFreedInALoopDoNotGrow) {
    auto const before = resident_shared_memory();
    std::vector<float> const values = ramp(1 << 18);
    std::set<void const*> places;
    for (int round = 0; round < 200; ++round) {
        auto const array = pool().share(values);
        places.insert(array.data());
        if (round % 50 != 0) continue;
        auto const sums =
            pool().map([array = array.ref()](std::uint64_t i) { return array[i * 1000]; }, indices(100));
        for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(sums[i], values[i * 1000]);
    }
    EXPECT_LE(places.size(), 2u);
    EXPECT_TRUE(falls_below(before + (8 << 20)));
}

TEST(SharedArrays, TooLargeForTheNodeAreRefusedAndThePoolGoesOn) {
    for (int round = 0; round < 3; ++round) {
        auto const message = message_of<EnvironmentError>([] {
            (void)pool().share_filled<double>({1 << 20, 1 << 20}, [](std::span<double>) { FAIL(); });
        });
        EXPECT_TRUE(contains(message, "--node-memory"));
        EXPECT_TRUE(contains(message, "8.0 TiB"));
    }
    EXPECT_THROW((void)pool().share_filled<double>({UINT64_MAX / 2, 1000}, [](std::span<double>) {}),
                 UsageError);
    expect_same_everywhere(pool().share(ramp(5000)));
}

}  // namespace
}  // namespace plenum::api_test
