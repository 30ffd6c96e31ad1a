// The pool: shares arrays and maps functions over items, on rank 0 of a program started by plenum::run.
#pragma once

#include <concepts>
#include <cstdint>
#include <plenum/actor.hpp>
#include <plenum/detail/batch_request.hpp>
#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/task.hpp>
#include <plenum/results.hpp>
#include <plenum/shared.hpp>
#include <ranges>
#include <span>
#include <string>
#include <vector>

namespace plenum {

/// What a map does when a task fails. The other tasks run in either case.
enum class OnFailure {
    raise,    ///< throw the TaskError of the failed task of least index when all tasks are final
    collect,  ///< Results::failures() names them
};

struct MapOptions {
    std::string schedule = {};      ///< auto, static, ss, gss, tss, fac2; empty: that of the run
    std::uint64_t chunk_size = 0;   ///< tasks per chunk (the least, for tapering techniques); 0: that of the run
    Shape shape = {};               ///< of one result: makes ranges of numbers fixed, required for a span parameter
    OnFailure on_failure = OnFailure::raise;
    /// Renews an executor after it has run that many tasks, of any batch: for tasks that leak or spoil their process;
    /// 1 gives each task a process of its own. Costs a fork, about 0.5 ms. With isolation none the thread goes on, and
    /// only what Plenum keeps for it is renewed. Tapering techniques then size their chunks as auto does. 0: the run's.
    std::uint64_t tasks_per_executor = 0;
    /// So many tasks of this map run at the same time on a node, at most: for tasks that need much memory. The other
    /// executors of the node serve other batches meanwhile, or sleep. 0: as many as there are executors.
    std::uint64_t running_per_node = 0;
};

/// Not thread-safe: for the thread that runs the body. Calls block it.
class Pool {
public:
    explicit Pool(detail::PoolCore& core) noexcept : core_(&core) {}

    /// Calls f(index) for every index of the range on the executors; f(item) for every item. Results in order.
    ///
    /// `f` and what it captures travel once to each node, as bytes when it is trivially copyable, through cereal
    /// otherwise; it must not capture by reference. Items travel with their blocks. A result is any value that
    /// travels; `f(item, std::span<T> out)` writes its result of MapOptions::shape in place and saves a copy.
    /// Cost: about 50 ns a chunk and executor, and one message per block and node. Fixed results of rank 0's node
    /// are not copied. Memory: tasks * sizeof(result) of node memory.
    /// Throws TaskError (OnFailure::raise), UsageError, EnvironmentError (not enough node memory).
    template <class F>
    [[nodiscard]] auto map(F const& f, IndexRange indices, MapOptions const& options = {}) const {
        auto request = detail::request_for<F, detail::IndexItem>(f, indices.count, options.shape);
        return run<F, detail::IndexItem>(std::move(request), options);
    }
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto map(F const& f, Range const& items, MapOptions const& options = {}) const {
        using Item = std::ranges::range_value_t<Range>;
        detail::ItemsHolder<Range> const holder(items);
        auto request = detail::request_for<F, Item>(f, holder.count(), options.shape);
        holder.fill(request);
        return run<F, Item>(std::move(request), options);
    }

    /// One copy of `data` in the memory of each node. Blocking; cost: one pass over the data (first touch
    /// dominates, about 0.4 s/GiB on two ranks) and one broadcast between nodes. Throws EnvironmentError when a node
    /// has not enough memory; then nothing is kept.
    template <class T>
    [[nodiscard]] SharedArray<T> share(std::span<T const> data, ArrayShape shape) const {
        detail::require_size(data.size(), shape.size());
        auto array = allocate<T>(shape);
        core_->copy_in(offset_of(array), {reinterpret_cast<std::byte const*>(data.data()), data.size_bytes()});
        core_->publish_array(offset_of(array), data.size_bytes());
        return array;
    }
    template <class T>
    [[nodiscard]] SharedArray<T> share(std::vector<T> const& data) const {
        return share(std::span<T const>(data), ArrayShape(data.size()));
    }
    template <class T>
    [[nodiscard]] SharedArray<T> share(std::vector<T> const& data, ArrayShape shape) const {
        return share(std::span<T const>(data), shape);
    }
    /// The same, filled in place: `fill(std::span<T>)` runs once, on rank 0, and writes into node memory.
    template <class T, std::invocable<std::span<T>> Fill>
    [[nodiscard]] SharedArray<T> share_filled(ArrayShape shape, Fill&& fill) const {
        auto array = allocate<T>(shape);
        fill(std::span<T>(const_cast<T*>(array.data()), array.size()));
        core_->publish_array(offset_of(array), array.size() * sizeof(T));
        return array;
    }
    /// The same from an HDF5 dataset, converted to T; read once, straight into node memory.
    template <Element T>
    [[nodiscard]] SharedArray<T> share_from_hdf5(std::string const& file, std::string const& dataset) const {
        auto const [type, shape] = core_->dataset_info(file, dataset);
        auto const count = count_of(shape);
        auto const rows = shape.empty() ? 1 : shape.front();
        ArrayShape const extents(rows, rows == 0 ? 0 : count / rows);
        auto const place = [&] {
            try {
                return core_->place_array(std::max<std::uint64_t>(count * sizeof(T), 1));
            } catch (EnvironmentError const& error) {
                throw EnvironmentError(file + ": dataset '" + dataset + "' is too large: " + error.what());
            }
        };
        SharedArray<T> array(*core_, place(), shape, extents);
        core_->read_dataset(file, dataset, element_type_of<T>(),
                            {reinterpret_cast<std::byte*>(const_cast<T*>(array.data())), count * sizeof(T)});
        core_->publish_array(offset_of(array), count * sizeof(T));
        return array;
    }

    /// Places an object of type T on a rank, in a process beside the executors: T(arguments...) there. Its methods run
    /// one after the other and keep its state; tasks do not delay them, other actors of the rank do. Returns at once; an
    /// exception of the constructor arrives on the calls and on wait_until_ready(). The arguments travel as copies. The
    /// first actor of a rank costs a process (about 0.5 ms), further ones a message each. When an actor of the rank
    /// crashes, the calls that wait there fail, and the others on the rank share its fate: each is constructed again
    /// as often as its ActorOptions::restart says, without the state it had. Throws UsageError for a rank that is not there.
    template <class T, class... Args>
        requires(!std::is_same_v<ActorOptions, std::remove_cvref_t<Args>> && ...)
    [[nodiscard]] Actor<T> actor(Args&&... arguments) const {
        return detail::make_actor<T>(ActorOptions{}, std::forward<Args>(arguments)...);
    }
    template <class T, class... Args>
    [[nodiscard]] Actor<T> actor(ActorOptions const& options, Args&&... arguments) const {
        return detail::make_actor<T>(options, std::forward<Args>(arguments)...);
    }

    [[nodiscard]] int ranks() const noexcept { return core_->ranks(); }
    [[nodiscard]] int nodes() const noexcept { return core_->nodes(); }

private:
    template <class T>
    [[nodiscard]] SharedArray<T> allocate(ArrayShape shape) const {
        auto const bytes = detail::bytes_for(shape.rows, shape.columns, sizeof(T));
        return {*core_, core_->place_array(std::max<std::uint64_t>(bytes, 1)),
                shape.columns == 1 ? Shape{shape.rows} : Shape{shape.rows, shape.columns}, shape};
    }
    template <class T>
    [[nodiscard]] static std::uint64_t offset_of(SharedArray<T> const& array) noexcept {
        return static_cast<std::uint64_t>(reinterpret_cast<std::byte const*>(array.data()) - detail::node_base());
    }
    template <class F, class Item>
    [[nodiscard]] auto run(detail::BatchRequest request, MapOptions const& options) const {
        using R = typename detail::TaskTraits<F, Item>::result;
        request.schedule = options.schedule;
        request.chunk_size = options.chunk_size;
        request.tasks_per_executor = options.tasks_per_executor;
        request.running_per_node = options.running_per_node;
        auto store = core_->run(std::move(request));
        if (options.on_failure == OnFailure::raise && !store->failures.empty())
            throw TaskError(store->failures.front());
        return Results<R>(std::move(store));
    }

    detail::PoolCore* core_;
};

}  // namespace plenum
