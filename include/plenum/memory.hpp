// Results of functions kept on disk, so that a call that was made before costs a read: joblib.Memory for C++.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <plenum/detail/cache_core.hpp>
#include <plenum/detail/cached_call.hpp>
#include <plenum/error.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace plenum {

/// A function whose results are kept; made by Memory::cached. Called like the function, on rank 0 and in
/// tasks, and a task function itself: `pool.map(slow, items)`. Travels, and can be captured, like the function:
/// by its bytes where those are enough.
template <class F>
class Cached {
public:
    Cached() = default;
    Cached(detail::FixedText<1024> folder, detail::FixedText<128> name, std::int64_t version, F f)
        : folder_(folder), name_(name), version_(version), f_(std::move(f)) {}

    /// The kept result, or f(args...), which is then kept. What f throws goes to the caller, and nothing is
    /// kept. Cost of a hit: three system calls, about 10 µs, and two copies of the result; a miss: f, and about
    /// 50 µs more for a small result, or the time to write a large one.
    template <class... Args>
        requires std::invocable<F const&, Args const&...>
    [[nodiscard]] auto operator()(Args const&... args) const {
        using R = result_t<Args...>;
        auto const key = key_of(args...);
        if (auto kept = kept_result<R>(key)) {
            detail::count_cache_hit();
            return *std::move(kept);
        }
        detail::count_cache_miss();
        R result = call(std::index_sequence_for<Args...>(), args...);
        keep(key, result);
        return result;
    }

    /// The call would be a hit. Cost: that of a hit, as the result is read and checked. Not counted.
    template <class... Args>
        requires std::invocable<F const&, Args const&...>
    [[nodiscard]] bool check_call_in_cache(Args const&... args) const {
        return detail::find_in_cache(folder_.view(), key_of(args...)).has_value();
    }

    template <class Archive>
    void serialize(Archive& archive)
        requires(Serializable<F>)
    {
        archive(folder_.characters, name_.characters, version_, f_);
    }

private:
    template <class... Args>
    using result_t = std::decay_t<std::invoke_result_t<F const&, Args const&...>>;

    template <class R>
    [[nodiscard]] std::optional<R> kept_result(detail::CacheKey const& key) const {
        try {
            if (auto const bytes = detail::find_in_cache(folder_.view(), key)) return decode<R>(*bytes);
        } catch (std::exception const&) {  // a type that reads otherwise than it writes: to be computed
        }
        return std::nullopt;
    }
    template <class R>
    void keep(detail::CacheKey const& key, R const& result) const {
        Bytes bytes;
        try {
            encode(result, bytes);
        } catch (std::bad_alloc const&) {  // the result itself is there
            return;
        }
        detail::keep_in_cache(folder_.view(), name_.view(), key, bytes);
    }
    template <class... Args>
    [[nodiscard]] detail::CacheKey key_of(Args const&... args) const {
        using R = result_t<Args...>;
        static_assert(!std::is_void_v<R>, "Plenum: a cached function returns nothing; return a value.");
        static_assert(Travels<R>, "Plenum: the result cannot be kept. Return values, standard containers of "
                                  "values, or a type with serialize(); not pointers, references or views.");
        Bytes call;
        detail::append_type<R>(call);
        append_arguments(call, std::index_sequence_for<Args...>(), args...);
        return detail::cache_key(name_.view(), version_, call);
    }
    template <std::size_t i, std::size_t count, class A>
    using argument_t =
        typename detail::ArgumentAs<typename detail::ParametersOf<F>::type, i, count, std::decay_t<A>>::type;
    template <std::size_t... i, class... Args>
    [[nodiscard]] decltype(auto) call(std::index_sequence<i...>, Args const&... args) const {
        return f_(detail::as<argument_t<i, sizeof...(Args), Args>>(args)...);
    }
    template <std::size_t... i, class... Args>
    static void append_arguments(Bytes& call, std::index_sequence<i...>, Args const&... args) {
        (append_as<argument_t<i, sizeof...(Args), Args>>(call, args), ...);
    }
    template <class T, class A>
    static void append_as(Bytes& call, A const& argument) {
        static_assert(Travels<T>, "Plenum: an argument of a cached function cannot become a key. Pass values, "
                                  "standard containers of values, or a type with serialize(); not pointers, "
                                  "references or views.");
        detail::append_argument<T>(call, detail::as<T>(argument));
    }

    detail::FixedText<1024> folder_;
    detail::FixedText<128> name_;
    std::int64_t version_ = 0;
    F f_;
};

/// A folder of kept results. Copies are cheap and mean the same folder; tasks capture it by value, and it travels
/// as its path, which has to mean the same folder on every node (or each node keeps its own).
///
/// **The key** of a result is the function's name and version, its result type, and the types and bytes of the
/// arguments, converted to f's parameters where these are known: as a 256-bit BLAKE2b hash, so that different keys
/// never meet. What f captures and its code are not part of it: *give another version when f changes*. Arguments
/// with unordered containers may miss, as their order is part of their bytes.
///
/// **Shared by many ranks and jobs**: one file, results.plenum-cache, appended to under its fcntl lock, read
/// without lock. Where a file system refuses locks, each process appends to a file of its own, until
/// clear or reduce_size joins them. What is promised:
/// - A result that is returned is one that f returned for this key: every record has checksums, and what a killed
///   process, a full disk or a defect left behind counts as missing.
/// - A process sees what another has kept at its next call; on NFS when its attribute cache tells (some seconds).
/// - Executors that miss the same key at the same time all compute it; one result is kept.
/// - Results are not synced: those of the last seconds may be missing after a power failure. Where locks are
///   granted but hold on one node only (mount options nolock, localflock), jobs on several nodes may lose results.
/// - When nothing can be kept (full disk, no permission), the functions compute as without a cache; one warning
///   per process goes to standard error.
///
/// Memory: about 50 bytes for each result in the folder, in each process that uses it, which reads all records (72
/// bytes and the small values) once. Hits and misses of all executors are in the summary of `plenum run`.
class Memory {
public:
    /// Makes the folder when it is missing. A relative path starts where the process is now. Throws EnvironmentError
    /// when it cannot be made, UsageError when its absolute path is longer than 1023 bytes.
    explicit Memory(std::string const& folder)
        : folder_(text<1024>(detail::make_cache_folder(folder), "the path of the cache's folder")) {}

    /// `f` with its results kept under `name` and `version`. `f` is a function, or an object that can be called while
    /// const; it is copied. Throws UsageError when the name is empty or longer than 127 bytes, or when f is a
    /// function (no lambda) of a shared library.
    template <class F>
    [[nodiscard]] auto cached(F const& f, std::string_view name, std::int64_t version) const {
        if (name.empty()) throw UsageError("a cached function has no name (an empty text); give it one");
        auto const fixed_name = text<128>(name, "the name of a cached function");
        if constexpr (std::is_function_v<F> || std::is_pointer_v<F>) {
            auto const function = detail::portable(f);
            return Cached<std::remove_const_t<decltype(function)>>(folder_, fixed_name, version, function);
        } else {
            return Cached<F>(folder_, fixed_name, version, f);
        }
    }

    /// Remove all results, those of all versions of one function, or the oldest until the limits hold: by the time
    /// they were written (a hit does not make a result younger). Return how many were removed. Cost: what stays is
    /// written anew; other writers wait meanwhile. Throw EnvironmentError; then nothing is removed.
    std::uint64_t clear() const { return detail::clear_cache(folder_.view(), {}); }
    std::uint64_t clear(std::string_view name) const { return detail::clear_cache(folder_.view(), name); }
    std::uint64_t reduce_size(CacheLimits const& limits) const {
        return detail::reduce_cache(folder_.view(), limits);
    }

    /// Absolute.
    [[nodiscard]] std::string_view folder() const noexcept { return folder_.view(); }

private:
    template <std::size_t n>
    [[nodiscard]] static detail::FixedText<n> text(std::string_view value, std::string const& what) {
        if (value.size() >= n || value.find('\0') != std::string_view::npos)
            throw UsageError(what + " is too long or holds a zero byte (" + std::to_string(value.size()) +
                             " bytes); the most is " + std::to_string(n - 1));
        detail::FixedText<n> fixed;
        value.copy(fixed.characters.data(), value.size());
        return fixed;
    }

    detail::FixedText<1024> folder_;
};

static_assert(std::is_trivially_copyable_v<Memory>, "a lambda that captures it travels as its bytes");

}  // namespace plenum
