// plenum::Memory in one process: what the key is made of, what is kept, what a task function made of it can
// do.
#include <gmock/gmock.h>
#include <unistd.h>

#include <plenum/detail/task.hpp>
#include <plenum/memory.hpp>

#include "io/cache_test_tools.hpp"

namespace plenum {
namespace {

using io::CacheFolder;
using testing::HasSubstr;

int calls = 0;

double half(double x) {
    ++calls;
    return x / 2;
}

struct Padded {
    char letter;
    double number;
};

std::string repeat(std::string const& text, int times) {
    ++calls;
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

/// The number of times that `work` runs a cached function.
template <class Work>
[[nodiscard]] int calls_of(Work const& work) {
    calls = 0;
    work();
    return calls;
}

TEST(Memory, CallsAFunctionOnceForEachArgument) {
    CacheFolder const folder;
    Memory const cache(folder.path());
    auto const kept = cache.cached(half, "half", 1);
    EXPECT_FALSE(kept.check_call_in_cache(3.0));
    EXPECT_EQ(calls_of([&] { EXPECT_EQ(kept(3.0), 1.5); }), 1);
    EXPECT_TRUE(kept.check_call_in_cache(3.0));
    EXPECT_EQ(calls_of([&] {
                  EXPECT_EQ(kept(3.0), 1.5);
                  EXPECT_EQ(kept(3), 1.5);  // the same double
                  EXPECT_EQ(Memory(folder.path()).cached(&half, "half", 1)(3.0f), 1.5);
              }),
              0);
    EXPECT_EQ(calls_of([&] { EXPECT_EQ(kept(4.0), 2); }), 1);
}

TEST(Memory, TakesNameVersionTypesAndAllArgumentsIntoTheKey) {
    CacheFolder const folder;
    Memory const cache(folder.path());
    auto const kept = cache.cached(repeat, "repeat", 1);
    EXPECT_EQ(kept("ab", 2), "abab");
    EXPECT_EQ(calls_of([&] { EXPECT_EQ(kept("ab", 3), "ababab"); }), 1);
    EXPECT_EQ(calls_of([&] { EXPECT_EQ(kept(std::string("a"), 2), "aa"); }), 1);
    EXPECT_EQ(calls_of([&] { EXPECT_EQ(kept(std::string("ab"), 2), "abab"); }), 0);
    EXPECT_EQ(calls_of([&] { EXPECT_EQ(cache.cached(repeat, "repeat", 2)("ab", 2), "abab"); }), 1);
    EXPECT_EQ(calls_of([&] { EXPECT_EQ(cache.cached(repeat, "repeat2", 1)("ab", 2), "abab"); }), 1);
    auto const generic = [](auto x) { return ++calls, x + x; };
    auto const kept_generic = cache.cached(generic, "generic", 1);
    EXPECT_EQ(calls_of([&] {
                  EXPECT_EQ(kept_generic(1), 2);
                  EXPECT_EQ(kept_generic(1.0), 2.0);
                  EXPECT_EQ(kept_generic(1u), 2u);
              }),
              3);
}

TEST(Memory, DoesNotTakePaddingIntoTheKey) {
    CacheFolder const folder;
    auto const kept = Memory(folder.path()).cached([](Padded p) { return ++calls, p.number; }, "padded", 1);
    alignas(Padded) unsigned char one[sizeof(Padded)], other[sizeof(Padded)];
    std::memset(one, 0, sizeof one);
    std::memset(other, 255, sizeof other);
    for (auto* const bytes : {one, other}) {
        bytes[0] = 'x';
        double const number = 5;
        std::memcpy(bytes + offsetof(Padded, number), &number, sizeof number);
    }
#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
    constexpr int expected = 1;
#else
    constexpr int expected = 2;
#endif
    EXPECT_EQ(calls_of([&] {
                  EXPECT_EQ(kept(*std::launder(reinterpret_cast<Padded*>(one))), 5);
                  EXPECT_EQ(kept(*std::launder(reinterpret_cast<Padded*>(other))), 5);
              }),
              expected);
}

TEST(Memory, KeepsContainersAndLargeResults) {
    CacheFolder const folder;
    Memory const cache(folder.path());
    auto const kept = cache.cached(
        [](std::vector<int> const& xs, std::map<std::string, double> const& by_name) {
            ++calls;
            return std::vector<double>(xs.size() * 1'000'000, by_name.at("x"));
        },
        "vectors", 1);
    std::vector<double> result;
    EXPECT_EQ(calls_of([&] {
                  for (int i = 0; i < 2; ++i)
                      result = kept(std::vector{1, 2, 3}, std::map<std::string, double>{{"x", 7}});
              }),
              1);
    EXPECT_EQ(result, std::vector<double>(3'000'000, 7));
}

TEST(Memory, KeepsNothingOfACallThatThrows) {
    CacheFolder const folder;
    auto const kept = Memory(folder.path())
                          .cached(
                              [](int x) {
                                  if (++calls == 1) throw std::runtime_error("first");
                                  return x;
                              },
                              "throws", 1);
    calls = 0;
    EXPECT_THROW((void)kept(5), std::runtime_error);
    EXPECT_FALSE(kept.check_call_in_cache(5));
    EXPECT_EQ(kept(5), 5);
    EXPECT_EQ(kept(5), 5);
    EXPECT_EQ(calls, 2);
}

TEST(Memory, ClearsByNameAndAltogether) {
    CacheFolder const folder;
    Memory const cache(folder.path());
    auto const one = cache.cached(half, "one", 1), two = cache.cached(half, "two", 1);
    for (auto const x : {1.0, 2.0, 3.0}) EXPECT_EQ(one(x), two(x));
    EXPECT_EQ(cache.clear("one"), 3u);
    EXPECT_FALSE(one.check_call_in_cache(1.0));
    EXPECT_TRUE(two.check_call_in_cache(1.0));
    EXPECT_EQ(cache.reduce_size({.items = 2}), 1u);
    EXPECT_FALSE(two.check_call_in_cache(1.0));
    EXPECT_TRUE(two.check_call_in_cache(3.0));
    EXPECT_EQ(cache.clear(), 2u);
    EXPECT_FALSE(two.check_call_in_cache(3.0));
}

TEST(Memory, ComputesWithOneWarningWhenNothingCanBeKept) {
    CacheFolder const folder;
    auto const kept = Memory(folder.path()).cached(half, "half", 1);
    std::filesystem::create_directory(folder.shared_file());  // a folder cannot be written as a file
    auto const unkept = detail::own_cache_use().unkept.load();
    testing::internal::CaptureStderr();
    EXPECT_EQ(calls_of([&] {
                  for (int i = 0; i < 3; ++i) EXPECT_EQ(kept(8.0), 4);
              }),
              3);
    auto const said = testing::internal::GetCapturedStderr();
    EXPECT_THAT(said, HasSubstr("results.plenum-cache"));
    EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
    EXPECT_EQ(detail::own_cache_use().unkept.load() - unkept, 3u);
}

TEST(Memory, CountsHitsAndMisses) {
    CacheFolder const folder;
    auto const kept = Memory(folder.path()).cached(half, "half", 1);
    auto const& use = detail::own_cache_use();
    auto const hits = use.hits.load(), misses = use.misses.load();
    for (int i = 0; i < 10; ++i) (void)kept(i % 4);
    (void)kept.check_call_in_cache(1);
    EXPECT_EQ(use.hits.load() - hits, 6u);
    EXPECT_EQ(use.misses.load() - misses, 4u);
}

TEST(Memory, RefusesNamesAndFoldersThatCannotBe) {
    CacheFolder const folder;
    Memory const cache(folder.path());
    EXPECT_THROW((void)cache.cached(half, "", 1), UsageError);
    EXPECT_THROW((void)cache.cached(half, std::string(128, 'x'), 1), UsageError);
    EXPECT_NO_THROW((void)cache.cached(half, std::string(127, 'x'), 1));
    EXPECT_THROW(Memory(""), UsageError);
    EXPECT_THROW(Memory(folder.path() + "/" + std::string(300, 'x')), EnvironmentError);
    io::write_file(folder.path() + "/file", "text");
    EXPECT_THROW(Memory(folder.path() + "/file"), EnvironmentError);
    EXPECT_THROW(Memory(folder.path() + "/file/below"), EnvironmentError);
    EXPECT_NO_THROW(Memory(folder.path() + "/a/b/"));
    EXPECT_THROW((void)cache.cached(::getpid, "getpid", 1), UsageError);  // of a shared library
}

struct Scale {
    std::vector<double> factors;
    double operator()(int i) const { return factors[static_cast<std::size_t>(i)]; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(factors);
    }
};

TEST(Memory, CachedFunctionsTravel) {
    CacheFolder const folder;
    Memory const cache(folder.path());
    auto const function = cache.cached(half, "half", 1);
    auto const lambda = cache.cached([k = 2.0](double x) { return k * x; }, "twice", 1);
    auto const object = cache.cached(Scale{{1, 4, 9}}, "scale", 1);
    static_assert(PlainBytes<decltype(function)> && PlainBytes<decltype(lambda)>);
    using Object = std::remove_const_t<decltype(object)>;
    static_assert(!PlainBytes<Object> && Travels<Object>);
    auto const capturing = [lambda, cache](double x) { return static_cast<void>(cache), lambda(x); };
    static_assert(PlainBytes<decltype(capturing)>);
    detail::check_task<std::remove_const_t<decltype(function)>, detail::IndexItem>();

    Bytes bytes;
    encode(function, bytes);
    auto const arrived = decode<std::remove_const_t<decltype(function)>>(bytes);
    EXPECT_EQ(arrived(5), 2.5);
    bytes.clear();
    encode(object, bytes);
    auto const arrived_object = decode<Object>(bytes);
    EXPECT_EQ(arrived_object(2), 9);
    EXPECT_TRUE(object.check_call_in_cache(2));
}

}  // namespace
}  // namespace plenum
