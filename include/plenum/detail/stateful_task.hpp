// The task function that WorkerState::with makes: finds the executor's state, makes it when there is none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <plenum/detail/carried.hpp>
#include <plenum/detail/task.hpp>
#include <plenum/detail/worker_table.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace plenum::detail {

/// Stands for a worker_exit that was not given.
struct NoExit {};

template <class Init>
struct StateOf {
    static_assert(std::is_invocable_v<Init const&, WorkerContext const&> || std::is_invocable_v<Init const&>,
                  "Plenum: worker_init must be callable with a plenum::WorkerContext const& (or without arguments) "
                  "and be const.");
    static auto probe() {
        if constexpr (std::is_invocable_v<Init const&, WorkerContext const&>)
            return std::type_identity<std::invoke_result_t<Init const&, WorkerContext const&>>{};
        else
            return std::type_identity<std::invoke_result_t<Init const&>>{};
    }
    using type = std::remove_cvref_t<typename decltype(probe())::type>;
    static_assert(!std::is_void_v<type>, "Plenum: worker_init returns nothing; return the state.");
};
template <class Init>
using state_of_t = typename StateOf<Init>::type;

/// What worker_exit returns; void without one.
template <class Exit, class State>
struct ExitValue {
    static_assert(std::is_invocable_v<Exit const&, State&>,
                  "Plenum: worker_exit must be callable with a reference to the state and be const.");
    using type = std::decay_t<std::invoke_result_t<Exit const&, State&>>;
    static_assert(std::is_void_v<type> || Travels<std::conditional_t<std::is_void_v<type>, int, type>>,
                  "Plenum: the result of worker_exit cannot travel. Return values, standard containers of values, or "
                  "a type with serialize(); not pointers, references or views.");
};
template <class State>
struct ExitValue<NoExit, State> {
    using type = void;
};

template <class Init, class Exit>
class HeldStateOf : public HeldState {
public:
    using State = state_of_t<Init>;

    HeldStateOf(Init const& init, Exit const& exit, WorkerContext const& context)
        : exit_(exit), state_(made(init, context)) {}
    void* address() noexcept override { return &state_; }
    void leave(ExitRecord& record) override {
        using Value = typename ExitValue<Exit, State>::type;
        if constexpr (std::is_same_v<Exit, NoExit>) {
            return;
        } else if constexpr (std::is_void_v<Value>) {
            exit_(state_);
        } else {
            Bytes bytes;
            encode<Value>(exit_(state_), bytes);
            record.value.assign(reinterpret_cast<char const*>(bytes.data()), bytes.size());
            record.has_value = true;
        }
    }

private:
    static State made(Init const& init, WorkerContext const& context) {
        if constexpr (std::is_invocable_v<Init const&, WorkerContext const&>)
            return init(context);
        else
            return init();
    }

    Exit const exit_;
    State state_;
};

template <class Init, class Exit, class F>
class StatefulTask {
public:
    using State = state_of_t<Init>;

    StatefulTask() = default;
    StatefulTask(std::uint64_t id, Init init, Exit exit, F f)
        : id_(id), init_(std::move(init)), exit_(std::move(exit)), f_(std::move(f)) {}

    template <class... Arguments>
        requires std::is_invocable_v<F const&, State&, Arguments...>
    auto operator()(Arguments&&... arguments) const {
        return (*f_)(state(), std::forward<Arguments>(arguments)...);
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(id_, init_, exit_, f_);
    }

private:
    [[nodiscard]] State& state() const {
        auto* const worker = this_worker();
        if (worker == nullptr)
            throw std::logic_error("a function of a worker state was called outside of a task; pass it to a map");
        if (auto* const found = worker->find(id_)) return *static_cast<State*>(found);
        return *static_cast<State*>(worker->add(id_, made(worker->context())));
    }
    [[nodiscard]] std::unique_ptr<HeldState> made(WorkerContext const& context) const {
        try {
            return std::make_unique<HeldStateOf<Init, Exit>>(*init_, *exit_, context);
        } catch (std::exception const& error) {
            throw std::runtime_error(std::string("worker_init failed: ") + error.what());
        } catch (...) {
            throw std::runtime_error(
                "worker_init failed: an exception that is not derived from std::exception");
        }
    }

    std::uint64_t id_ = 0;
    Carried<Init> init_;
    Carried<Exit> exit_;
    Carried<F> f_;
};

// The task's span parameter is that of f, whose first parameter is the state.
template <class Call>
struct StatefulOutput {
    using type = void;
};
template <class F, class State, class Item, class T>
struct StatefulOutput<void (F::*)(State, Item, std::span<T>) const> {
    using type = std::conditional_t<std::is_const_v<T>, void, T>;
};
template <class F, class = void>
struct StatefulOutputOf {
    using type = void;
};
template <class F>
struct StatefulOutputOf<F, std::void_t<decltype(&F::operator())>> : StatefulOutput<decltype(&F::operator())> {};
template <class Init, class Exit, class F>
struct OutputSpanOf<StatefulTask<Init, Exit, F>, void> : StatefulOutputOf<F> {};

}  // namespace plenum::detail
