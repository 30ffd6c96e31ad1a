// Actors: objects that live on a rank and keep their state between calls; handles and references to them.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <plenum/detail/actor_call.hpp>
#include <plenum/detail/actor_port.hpp>
#include <plenum/future.hpp>
#include <type_traits>
#include <utility>

namespace plenum {

struct ActorOptions {
    std::optional<int> rank = {};  ///< where it lives; nothing: the rank that has the fewest actors
    int restart = 0;               ///< how often it is constructed again, from the same arguments, when its host dies
};

/// A reference of a few bytes to an actor. Trivially copyable: capture it by value in a task, or send it to another
/// actor. Calls after the end of the actor's handle fail with ActorError.
///
/// Calls from one caller (the body, a task, an actor) to one actor run in the order they were made; those of different
/// callers in the order in which they arrive. Arguments are converted to the types of the method's parameters here
/// and travel like items of a map: one copy to encode, one to decode, and one for each process on the way when they
/// are small. While more than 8 MiB of calls are on their way to one rank, the next one waits.
template <class T>
class ActorRef {
public:
    ActorRef() = default;
    explicit ActorRef(detail::ActorAddress address) noexcept : address_(address) {}

    /// Calls the method `&T::name`; its result, or an ActorError, arrives in the future. Dropped, the method runs
    /// nevertheless. About 30 us to an actor of the same node and back. In a task the future can be waited for with
    /// wait() and get() only, which receive the result; ready() lags, and callbacks, as_completed() and
    /// plenum::wait() are refused. In an actor this throws UsageError, since two that wait for each other would wait
    /// for ever: use tell().
    template <auto method, class... Args>
    [[nodiscard]] auto call(Args&&... arguments) const {
        using Traits = detail::MethodTraits<decltype(method)>;
        check<method, Args...>();
        auto answer = std::make_shared<detail::ActorAnswer>();
        detail::actor_port().call(address_, detail::RegisteredMethod<T, method>::id,
                                  request<method>(std::forward<Args>(arguments)...), answer);
        return Future<typename Traits::result>::of_bytes(std::move(answer));
    }

    /// The same without a result: costs the caller a few microseconds. What the method throws is printed.
    template <auto method, class... Args>
    void tell(Args&&... arguments) const {
        check<method, Args...>();
        detail::actor_port().call(address_, detail::RegisteredMethod<T, method>::id,
                                  request<method>(std::forward<Args>(arguments)...), nullptr);
    }

    /// A copy of the object as it is when all earlier calls have run.
    [[nodiscard]] Future<T> state() const
        requires Travels<T>
    {
        auto answer = std::make_shared<detail::ActorAnswer>();
        detail::actor_port().call(address_, detail::RegisteredCopy<T>::id, Bytes(detail::actor_room), answer);
        return Future<T>::of_bytes(std::move(answer));
    }

    /// The actor's number in this run, from 1, as it stands in messages and in front of what it prints.
    [[nodiscard]] std::uint64_t id() const noexcept { return address_.actor; }
    [[nodiscard]] int rank() const noexcept { return address_.rank; }

    /// In containers it travels through cereal.
    template <class Archive>
    void serialize(Archive& archive) {
        archive(address_.actor, address_.rank);
    }

private:
    template <auto method, class... Args>
    static consteval void check() {
        using Traits = detail::MethodTraits<decltype(method)>;
        static_assert(Traits::is_method, "Plenum: name a method of the actor: call<&Type::method>(arguments...)");
        if constexpr (Traits::is_method) {
            static_assert(std::derived_from<T, typename Traits::owner>,
                          "Plenum: this is a method of another type than the actor's");
            static_assert(!Traits::writes_arguments,
                          "Plenum: the method writes into an argument, which is a copy in another process; return "
                          "the value instead");
            static_assert(Traits::arguments_travel,
                          "Plenum: an argument of the method cannot travel. Use values, standard containers of "
                          "values, or a type with serialize(); not pointers, references or views.");
            static_assert(std::is_void_v<typename Traits::result> || Travels<typename Traits::result>,
                          "Plenum: the method's result cannot travel. Return values, standard containers of "
                          "values, or a type with serialize(); not pointers, references or views.");
            static_assert(std::tuple_size_v<typename Traits::arguments> == sizeof...(Args),
                          "Plenum: the method takes another number of arguments");
        }
    }
    template <auto method, class... Args>
    [[nodiscard]] static Bytes request(Args&&... arguments) {
        using Parameters = typename detail::MethodTraits<decltype(method)>::arguments;
        return [&]<class... P>(std::type_identity<std::tuple<P...>>) {
            return detail::request_of<P...>(std::forward<Args>(arguments)...);
        }(std::type_identity<Parameters>{});
    }

    detail::ActorAddress address_;
};

/// The owner of an actor, on rank 0; made by Pool::actor. Move-only: its end destroys the object, after all calls that
/// were made before, without waiting for them. When the program ends, calls that still wait are dropped, and one that
/// runs has two seconds to end.
template <class T>
class Actor : private ActorRef<T> {
public:
    Actor(ActorRef<T> reference, std::shared_ptr<detail::ActorAnswer> made) noexcept
        : ActorRef<T>(reference), made_(std::move(made)) {}
    Actor(Actor const&) = delete;
    Actor& operator=(Actor const&) = delete;
    Actor(Actor&& other) noexcept
        : ActorRef<T>(std::exchange(other.reference(), {})), made_(std::move(other.made_)) {}
    Actor& operator=(Actor&& other) noexcept {
        std::swap(reference(), other.reference());
        std::swap(made_, other.made_);
        return *this;
    }
    ~Actor() {
        auto* const port = detail::find_actor_port();
        if (this->id() != 0 && port != nullptr) port->end({this->id(), this->rank()});
    }

    using ActorRef<T>::call;
    using ActorRef<T>::tell;
    using ActorRef<T>::state;
    using ActorRef<T>::id;
    using ActorRef<T>::rank;
    /// For tasks and other actors; valid until the end of this handle.
    [[nodiscard]] ActorRef<T> ref() const noexcept { return *this; }
    /// Waits until the object is constructed. Throws ActorError when its constructor threw. Calls need not wait for it.
    void wait_until_ready() const {
        (void)made_->wait(std::nullopt);
        if (made_->error()) std::rethrow_exception(made_->error());
    }

private:
    [[nodiscard]] ActorRef<T>& reference() noexcept { return *this; }

    std::shared_ptr<detail::ActorAnswer> made_;
};

namespace detail {

template <class T, class... Args>
[[nodiscard]] Actor<T> make_actor(ActorOptions const& options, Args&&... arguments) {
    static_assert((Travels<sent_as_t<Args>> && ...),
                  "Plenum: an argument of the actor's constructor cannot travel. Use values, standard containers of "
                  "values, or a type with serialize(); not pointers, references or views.");
    static_assert(std::is_constructible_v<T, sent_as_t<Args>...>,
                  "Plenum: the actor has no constructor for these arguments");
    auto made = std::make_shared<ActorAnswer>();
    auto const address =
        actor_port().create({.rank = options.rank, .restarts = options.restart},
                            RegisteredConstructor<T, sent_as_t<Args>...>::id,
                            request_of<std::string, sent_as_t<Args>...>(readable_type_name(typeid(T).name()),
                                                                        std::forward<Args>(arguments)...),
                            made);
    return Actor<T>(ActorRef<T>(address), std::move(made));
}

}  // namespace detail
}  // namespace plenum
