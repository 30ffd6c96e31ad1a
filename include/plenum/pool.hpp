// The pool: shares arrays and maps functions over items, on rank 0 of a program started by plenum::run.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <plenum/actor.hpp>
#include <plenum/async_results.hpp>
#include <plenum/detail/batch_request.hpp>
#include <plenum/detail/call.hpp>
#include <plenum/detail/fold_group.hpp>
#include <plenum/detail/future_queue.hpp>
#include <plenum/detail/on_each.hpp>
#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/task.hpp>
#include <plenum/future.hpp>
#include <plenum/results.hpp>
#include <plenum/shared.hpp>
#include <plenum/stream.hpp>
#include <plenum/worker_state.hpp>
#include <ranges>
#include <span>
#include <string>
#include <vector>

namespace plenum {

struct MapOptions {
    std::string schedule = {};      ///< auto, static, ss, gss, tss, fac2, awf; empty: that of the run
    std::uint64_t chunk_size = 0;   ///< tasks per chunk (the least, for tapering techniques); 0: that of the run
    Shape shape = {};               ///< of one result: makes ranges of numbers fixed, required for a span parameter
    OnFailure on_failure = OnFailure::raise;
    int priority = 0;               ///< executors take chunks of higher ones first; equal ones take turns
    std::uint64_t buffer = 0;       ///< imap: items held at a time, in order or not; 0: by measured times
    /// Renews an executor after it has run that many tasks, of any batch: for tasks that leak or spoil their process;
    /// 1 gives each task a process of its own. Costs a fork, about 0.5 ms. With isolation none the thread goes on, and
    /// only what Plenum keeps for it is renewed. Tapering techniques then size their chunks as auto does. 0: the run's.
    std::uint64_t tasks_per_executor = 0;
    /// So many tasks of this map run at the same time on a node, at most: for tasks that need much memory. The other
    /// executors of the node serve other batches meanwhile, or sleep. 0: as many as there are executors.
    std::uint64_t running_per_node = 0;
    /// So often a task that failed runs again, on any executor; exceptions, crashes, timeouts and lack of memory are
    /// counted each by themselves. 0: the run's.
    std::uint32_t retries = 0;
    /// Seconds from a task's start after which its executor is killed and the task has failed with
    /// FailureCause::timeout, whatever it does; seen up to 0.1 s late. Nothing with isolation none. 0: the run's.
    double task_timeout = 0;
};

/// Lives on rank 0, in the body. map, map_async, submit, apply and starmap may be called by any thread of the body and by
/// callbacks; everything else belongs to the body's thread. Refused inside tasks.
///
/// What travels in all of them: `f` and what it captures, once to each node for a map (with each call for submit), as
/// bytes when it is trivially copyable, through cereal otherwise; it must not capture by reference. Items travel with
/// their blocks. A result is any value that travels; `f(item, std::span<T> out)` writes its result of MapOptions::shape
/// in place and saves a copy.
///
/// What runs at the same time takes turns, block by block, except that MapOptions::priority goes first. When the body
/// has ended, the pool waits for all that was started, and for its callbacks; when the body throws, what does not run
/// yet is dropped.
class Pool {
public:
    explicit Pool(detail::PoolCore& core) noexcept : core_(&core) {}
    // Not copied, so that no task captures it: tasks have no pool.
    Pool(Pool const&) = delete;
    Pool& operator=(Pool const&) = delete;

    /// Calls f(index) for every index of the range on the executors; f(item) for every item. Results in order.
    /// Blocks.
    ///
    /// Cost: about 50 ns a chunk and executor, and one message per block and node. Fixed results of rank 0's node
    /// are not copied. Memory: tasks * sizeof(result) of node memory.
    /// Throws MapError, a TaskError with the other results in it (OnFailure::raise), UsageError, EnvironmentError (not
    /// enough node memory).
    template <class F>
    [[nodiscard]] auto map(F const& f, IndexRange indices, MapOptions const& options = {}) const {
        return start<F, detail::IndexItem>(request_over(f, indices, options), options).get();
    }
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto map(F const& f, Range const& items, MapOptions const& options = {}) const {
        using Item = detail::item_of<Range>;
        detail::ItemsHolder<Range> const holder(items);
        auto request = detail::request_for<F, Item>(f, holder.count(), options.shape);
        holder.fill(request);
        return start<F, Item>(std::move(request), options).get();
    }
    /// The same without waiting: AsyncResults has the results later. Items are copied first.
    template <class F>
    [[nodiscard]] auto map_async(F const& f, IndexRange indices, MapOptions const& options = {}) const {
        return start<F, detail::IndexItem>(request_over(f, indices, options), options);
    }
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto map_async(F const& f, Range const& items, MapOptions const& options = {}) const {
        using Item = detail::item_of<Range>;
        detail::ItemsHolder<Range> const holder(items);
        auto request = detail::request_for<F, Item>(f, holder.count(), options.shape);
        holder.fill(request);
        request.own_items.assign(request.plain_items.begin(), request.plain_items.end());
        request.plain_items = request.own_items;
        return start<F, Item>(std::move(request), options);
    }
    /// map over tuples (or pairs, arrays), whose parts become the arguments of f.
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto starmap(F const& f, Range const& items, MapOptions const& options = {}) const {
        return map(detail::Unpacked<F>{f}, items, options);
    }
    template <class F, std::ranges::input_range Range>
    [[nodiscard]] auto starmap_async(F const& f, Range const& items, MapOptions const& options = {}) const {
        return map_async(detail::Unpacked<F>{f}, items, options);
    }

    /// One call f(arguments...) on some executor; the future has its result later. Cost: about a microsecond here, and
    /// 30 to 100 us until the result of a short task is back; thousands on their way travel together. Throws
    /// EnvironmentError when the arguments are too large for a node's memory.
    template <class F, class... Args>
    [[nodiscard]] auto submit(F const& f, Args const&... arguments) const {
        return submit_with<F, Args...>(0, f, arguments...);
    }
    /// `priority` as MapOptions::priority.
    template <class F, class... Args>
    [[nodiscard]] auto submit_with_priority(int priority, F const& f, Args const&... arguments) const {
        return submit_with<F, Args...>(priority, f, arguments...);
    }
    template <class F, class... Args>
    [[nodiscard]] auto apply_async(F const& f, Args const&... arguments) const {
        return submit(f, arguments...);
    }
    /// submit(...).get()
    template <class F, class... Args>
    [[nodiscard]] auto apply(F const& f, Args const&... arguments) const {
        return submit(f, arguments...).get();
    }

    /// A lazy map: reads the items only as far as a window of bounded size allows, so they may be endless. The
    /// returned range yields the results in the order of the items; see Imap. An lvalue range is referred to.
    template <class F>
    [[nodiscard]] auto imap(F const& f, IndexRange indices, MapOptions const& options = {}) const {
        return lazy(f, indices, options, true);
    }
    template <class F, std::ranges::viewable_range Range>
    [[nodiscard]] auto imap(F const& f, Range&& items, MapOptions const& options = {}) const {
        return lazy(f, std::forward<Range>(items), options, true);
    }
    /// The same in the order in which tasks end.
    template <class F>
    [[nodiscard]] auto imap_unordered(F const& f, IndexRange indices, MapOptions const& options = {}) const {
        return lazy(f, indices, options, false);
    }
    template <class F, std::ranges::viewable_range Range>
    [[nodiscard]] auto imap_unordered(F const& f, Range&& items, MapOptions const& options = {}) const {
        return lazy(f, std::forward<Range>(items), options, false);
    }

    /// combine(...combine(combine(init, f(item 0)), f(item 1))..., f(item n - 1)), up to the grouping: `combine` must be
    /// associative, and is called as T combine(T, T) on executors and on rank 0, T being the type of `init`. The grouping
    /// depends on the number of indices alone (at most 65,536 groups of consecutive ones), so the result is the same to the last bit
    /// for any number of ranks, schedule and isolation. Constant memory. Throws the TaskError of the first group in
    /// which f or combine threw.
    template <class F, class T, class Combine>
    [[nodiscard]] T map_reduce(F const& f, IndexRange indices, T init, Combine const& combine,
                               MapOptions const& options = {}) const {
        constexpr std::uint64_t most_groups = 1 << 16;
        auto const group = std::max<std::uint64_t>(1, (indices.count + most_groups - 1) / most_groups);
        auto const groups = (indices.count + group - 1) / group;
        detail::FoldGroup<F, T, Combine> const fold{f, combine, group, indices.count};
        for (auto&& part : imap(fold, IndexRange{groups}, options)) init = combine(std::move(init), std::move(part));
        return init;
    }
    /// The same over items: a task for each, in the order of the items.
    template <class F, std::ranges::viewable_range Range, class T, class Combine>
    [[nodiscard]] T map_reduce(F const& f, Range&& items, T init, Combine const& combine,
                               MapOptions const& options = {}) const {
        for (auto&& part : imap(f, std::forward<Range>(items), options))
            init = combine(std::move(init), std::move(part));
        return init;
    }

    /// Drops all that does not run yet, of every map, imap and submit so far: futures are cancelled, maps end with
    /// FailureCause::cancelled for those tasks. Tasks that run come to their end. The pool goes on.
    void cancel() const { core_->cancel_all(); }

    /// Calls f(WorkerContext const&) once on each executor, whatever else it does in between. Result i is that of
    /// executor i; one whose executor crashed in f has failed. Of the options only `shape` and `on_failure` count.
    template <class F>
    [[nodiscard]] auto on_each(F const& f, MapOptions const& options = {}) const {
        using R = typename detail::TaskTraits<detail::EachTask<F>, detail::IndexItem>::result;
        return AsyncResults<R>(*core_, detail::start_on_each(*core_, f, options.shape), options.on_failure).get();
    }

    /// A state in each executor: worker_init(WorkerContext const&) (or without arguments) makes it before the first
    /// task that needs it, worker_exit(state) runs at its end. Both travel like the function of a map.
    ///
    ///     auto model = pool.worker_state(LoadModel{path}, [](Model const& m) { return m.calls(); });
    ///     auto values = pool.map(model.with([](Model& m, Case const& c) { return m.evaluate(c); }), cases);
    ///     auto calls = model.finish();
    template <class Init, class Exit = detail::NoExit>
    [[nodiscard]] WorkerState<Init, Exit> worker_state(Init worker_init, Exit worker_exit = {}) const {
        static_assert(Travels<Init> && Travels<Exit>,
                      "Plenum: worker_init or worker_exit cannot travel to the executors. Capture plain values and "
                      "SharedRefs by value, or put other state into a struct with operator() const and serialize().");
        return {*core_, std::move(worker_init), std::move(worker_exit)};
    }

    /// One copy of `data` in the memory of each node. Blocking; cost: one pass over the data (first touch
    /// dominates, 0.3 to 0.5 s/GiB on two ranks) and one broadcast between nodes. Throws EnvironmentError when a node
    /// has not enough memory; then nothing is kept.
    template <class T>
    [[nodiscard]] SharedArray<T> share(std::span<T const> data, ArrayShape shape) const {
        detail::require_size(data.size(), shape.size());
        auto const place = core_->place_copy({reinterpret_cast<std::byte const*>(data.data()), data.size_bytes()});
        SharedArray<T> array(*core_, place, shape.extents(), shape);
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
    /// The same from an HDF5 dataset of any number of dimensions, converted to T; read once, straight into node
    /// memory.
    template <Element T>
    [[nodiscard]] SharedArray<T> share_from_hdf5(std::string const& file, std::string const& dataset) const {
        auto const [type, shape] = core_->dataset_info(file, dataset);
        auto const count = count_of(shape);
        ArrayShape const extents(shape);
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
        auto const bytes = detail::bytes_for(count_of(shape.extents()), 1, sizeof(T));
        return {*core_, core_->place_array(std::max<std::uint64_t>(bytes, 1)), shape.extents(), shape};
    }
    template <class T>
    [[nodiscard]] static std::uint64_t offset_of(SharedArray<T> const& array) noexcept {
        return static_cast<std::uint64_t>(reinterpret_cast<std::byte const*>(array.data()) - detail::node_base());
    }
    static void set(detail::BatchRequest& request, MapOptions const& options) {
        request.schedule = options.schedule;
        request.chunk_size = options.chunk_size;
        request.tasks_per_executor = options.tasks_per_executor;
        request.running_per_node = options.running_per_node;
        request.priority = options.priority;
        request.retries = options.retries;
        request.task_timeout = options.task_timeout;
    }
    template <class F>
    [[nodiscard]] static detail::BatchRequest request_over(F const& f, IndexRange indices, MapOptions const& options) {
        return detail::request_for<F, detail::IndexItem>(f, indices.count, options.shape);
    }
    template <class F, class Item>
    [[nodiscard]] auto start(detail::BatchRequest request, MapOptions const& options) const {
        using R = typename detail::TaskTraits<F, Item>::result;
        set(request, options);
        return AsyncResults<R>(*core_, core_->start(std::move(request)), options.on_failure);
    }
    template <class F, class... Args>
    [[nodiscard]] auto submit_with(int priority, F const& f, std::decay_t<Args> const&... arguments) const {
        detail::check_call<F, std::decay_t<Args>...>();
        detail::refuse_inside_task("a submit");
        using R = detail::call_result_t<F, std::decay_t<Args>...>;
        detail::BatchRequest request;
        request.function = detail::RegisteredCall<F, std::decay_t<Args>...>::id;
        if constexpr (PlainBytes<R> && !detail::DenseTraits<R>::dense) request.stride = sizeof(R);
        request.varying_items = true;
        request.priority = priority;
        Bytes item;
        detail::pack_function(f, item);
        (detail::pack_part<std::decay_t<Args>>(arguments, item), ...);
        return Future<R>::of_bytes(core_->future_queue(request)->submit(item));
    }
    template <class F, class Items>
    [[nodiscard]] auto lazy(F const& f, Items&& items, MapOptions const& options, bool ordered) const {
        bool const skip = options.on_failure == OnFailure::collect;
        if constexpr (std::is_same_v<std::decay_t<Items>, IndexRange>) {
            using Item = detail::IndexItem;
            using R = typename detail::TaskTraits<F, Item>::result;
            auto request = detail::request_for<F, Item>(f, 0, options.shape);
            set(request, options);
            return Imap<R, detail::IndexSource>(*core_, std::move(request), detail::IndexSource(items.count), ordered,
                                                options.buffer, skip);
        } else {
            using View = std::views::all_t<Items>;
            using Item = detail::item_of<View>;
            using R = typename detail::TaskTraits<F, Item>::result;
            auto request = detail::request_for<F, Item>(f, 0, options.shape);
            set(request, options);
            if constexpr (PlainBytes<Item>)
                request.item_stride = sizeof(Item);
            else
                request.varying_items = true;
            return Imap<R, detail::RangeSource<View>>(
                *core_, std::move(request), detail::RangeSource<View>(std::views::all(std::forward<Items>(items))),
                ordered, options.buffer, skip);
        }
    }

    detail::PoolCore* core_;
};

}  // namespace plenum
