// Maps whose results go to the result file of a run, and arrays stored beside them.
#pragma once

#include <array>
#include <cstdint>
#include <plenum/detail/batch_request.hpp>
#include <plenum/metadata.hpp>
#include <span>
#include <string>
#include <vector>

namespace plenum {

struct ResultOptions {
    Shape shape = {};                          ///< of one result; ranges of numbers without it are ragged
    int version = 1;                           ///< of the task function: a new number when its results change
    std::vector<std::string> dimensions = {};  ///< names, first the task dimension; empty, or one for each
    std::string units = {};                    ///< of the values
    std::vector<Scale> scales = {};
    std::vector<Attribute> attributes = {};
    std::string schedule = {};     ///< technique for this map; empty: that of the run
    std::uint64_t chunk_size = 0;  ///< tasks per chunk; 0: that of the run
    std::uint64_t running_per_node = 0;    ///< tasks at the same time on a node (MapOptions); 0: no limit
    std::uint64_t tasks_per_executor = 0;  ///< after so many an executor is renewed (MapOptions); 0: the run's
    std::uint32_t retries = 0;  ///< so often a failed task runs again (MapOptions); 0: the run's
    double task_timeout = 0;    ///< seconds after which a task is killed (MapOptions); 0: the run's
};

/// How a map ended.
struct MapSummary {
    std::uint64_t tasks = 0, done = 0, failed = 0;
};

namespace detail {

/// One map as the result file sees it.
struct ResultMap {
    std::string name;
    ElementType type = ElementType::f64;
    bool fixed = true;
    Shape shape;
    ResultOptions options;
};

class ResultFileCore {
public:
    ResultFileCore() = default;
    ResultFileCore(ResultFileCore const&) = delete;
    ResultFileCore& operator=(ResultFileCore const&) = delete;
    virtual ~ResultFileCore() = default;
    virtual MapSummary map(ResultMap const& map, BatchRequest request) = 0;
    virtual void write(std::string const& path, ElementType type, Shape const& shape, ByteView values,
                       std::vector<Attribute> const& attributes) = 0;
    virtual void read(std::string const& map, std::uint64_t first, std::uint64_t count, ElementType as,
                      Bytes& values) = 0;
};

template <class T>
inline constexpr std::uint64_t array_extent = 0;
template <class T, std::size_t n>
inline constexpr std::uint64_t array_extent<std::array<T, n>> = n;

template <class R>
struct FileElement {
    using type = void;
};
template <Element R>
struct FileElement<R> {
    using type = R;
};
template <Element T, std::size_t n>
struct FileElement<std::array<T, n>> {
    using type = T;
};
template <Element T>
struct FileElement<std::span<T const>> {
    using type = T;
};
template <ElementRange R>
struct FileElement<R> {
    using type = std::ranges::range_value_t<R>;
};
template <class R>
    requires(DenseTraits<R>::dense)
struct FileElement<R> {
    using type = typename DenseTraits<R>::value_type;
};

template <class F, class Item>
[[nodiscard]] ResultMap result_map(std::string name, ResultOptions const& options) {
    using Traits = TaskTraits<F, Item>;
    using R = typename Traits::result;
    using E = typename FileElement<R>::type;
    static_assert(!std::is_void_v<E>,
                  "Plenum: this result has no place in the result file. Return a number, a std::array, std::vector "
                  "or dense matrix of numbers, or write into a std::span parameter.");
    constexpr bool ranged = Traits::kind() == ResultKind::range;
    ResultMap map{.name = std::move(name), .type = element_type_of<E>(), .fixed = !ranged || !options.shape.empty(),
                  .shape = options.shape, .options = options};
    if constexpr (array_extent<R> != 0) {
        if (map.shape.empty()) map.shape = {array_extent<R>};
    }
    if (map.fixed && stride_of<F, Item>(options.shape) != count_of(map.shape) * sizeof(E))
        throw UsageError("map '" + map.name + "': the result type has " +
                         std::to_string(stride_of<F, Item>(options.shape)) + " bytes, the declared shape " +
                         std::to_string(count_of(map.shape) * sizeof(E)) + "; make them equal");
    return map;
}

}  // namespace detail

/// The result file of the run. For the thread that runs the job; calls block it.
class ResultFile {
public:
    explicit ResultFile(detail::ResultFileCore& core) noexcept : core_(&core) {}

    /// pool.map whose results go to /results/<name> of the file; first dimension: task. Failures are data: they are
    /// recorded in /failures/<name> and the map goes on. Throws UsageError (name used twice, wrong shape) and
    /// EnvironmentError (disk full).
    template <class F>
    MapSummary map(std::string const& name, F const& f, IndexRange indices, ResultOptions const& options = {}) {
        auto request = detail::request_for<F, detail::IndexItem>(f, indices.count, options.shape);
        return core_->map(detail::result_map<F, detail::IndexItem>(name, options), std::move(request));
    }
    template <class F, std::ranges::input_range Range>
    MapSummary map(std::string const& name, F const& f, Range const& items, ResultOptions const& options = {}) {
        using Item = detail::item_of<Range>;
        detail::ItemsHolder<Range> const holder(items);
        auto request = detail::request_for<F, Item>(f, holder.count(), options.shape);
        holder.fill(request);
        return core_->map(detail::result_map<F, Item>(name, options), std::move(request));
    }
    /// Stores an array of the run, for example its inputs, under `path` ("inputs/filters").
    template <Element T>
    void write(std::string const& path, std::span<T const> values, Shape const& shape,
               std::vector<Attribute> const& attributes = {}) {
        core_->write(path, element_type_of<T>(), shape,
                     {reinterpret_cast<std::byte const*>(values.data()), values.size_bytes()}, attributes);
    }
    /// Results [first, first + count) of a map of fixed shape that has ended, one after the other.
    template <Element T>
    [[nodiscard]] std::vector<T> read(std::string const& map, std::uint64_t first, std::uint64_t count) {
        Bytes bytes;
        core_->read(map, first, count, element_type_of<T>(), bytes);
        std::vector<T> values(bytes.size() / sizeof(T));
        if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
        return values;
    }

private:
    detail::ResultFileCore* core_;
};

}  // namespace plenum
