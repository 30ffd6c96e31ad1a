// Shared arrays, as rank 0 makes and frees them on all nodes.
#include "pool/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <plenum/error.hpp>

#include "base/units.hpp"

namespace plenum::pool {
namespace {

constexpr std::uint64_t piece_bytes = 16 << 20;  // of an array on its way between nodes

}  // namespace

std::vector<int> tree_children(int node, int nodes) {
    std::vector<int> children;
    for (int child = 2 * node + 1; child <= 2 * node + 2 && child < nodes; ++child) children.push_back(child);
    return children;
}

std::string no_memory_for_array(std::string const& host, std::uint64_t bytes, int error) {
    return fmt::format("node {} has no memory for a shared array of {} ({}); use smaller arrays", host,
                       base::format_bytes(bytes), std::strerror(error));
}

void Host::ask(wire::ArrayStep const& step, bool leaders_only) {
    std::lock_guard const one_at_a_time(asking_);
    std::promise<void> done;
    auto future = done.get_future();
    auto const shared = std::make_shared<std::promise<void>>(std::move(done));
    post([this, step = wire::ArrayStep(step), leaders_only, shared]() mutable {
        auto const id = next_array_id_++;
        array_step_.emplace(ArrayStep{.id = id, .answers_due = 0, .problem = {}, .done = std::move(*shared)});
        array_step_->answers_due = static_cast<std::size_t>(leaders_only ? topology_.nodes : topology_.ranks);
        step.id = id;
        // Leaders hand on what concerns all ranks of their node.
        for (int const leader : topology_.leaders) send_(leader, step);
    });
    future.get();
}

void Host::on(wire::ArrayVerdict const& verdict) {
    if (!array_step_ || array_step_->id != verdict.id) return;
    if (!verdict.problem.empty() && array_step_->problem.empty()) array_step_->problem = verdict.problem;
    if (--array_step_->answers_due > 0) return;
    auto step = std::move(*array_step_);
    array_step_.reset();
    if (step.problem.empty())
        step.done.set_value();
    else
        step.done.set_exception(std::make_exception_ptr(EnvironmentError(step.problem)));
}

std::uint64_t Host::place_array(std::uint64_t bytes, bool fills_here) {
    // On the engine's thread, where arrays are freed: after all that was freed before.
    std::promise<std::optional<std::uint64_t>> placed;
    post([&] {
        free_unused_arrays();
        auto const place = arrays_.allocate(bytes);
        if (place) array_bytes_[*place] = bytes;
        placed.set_value(place);
    });
    auto const offset = placed.get_future().get();
    if (!offset)
        throw EnvironmentError(
            fmt::format("a shared array of {} does not fit ({} of {} for arrays are in use, the largest gap "
                        "is {}); use smaller "
                        "ones, or give more with --node-memory (now {})",
                        base::format_bytes(bytes), base::format_bytes(arrays_.used()),
                        base::format_bytes(arrays_.capacity()), base::format_bytes(arrays_.largest_hole()),
                        base::format_bytes(node_.bytes() / 2)));
    try {
        using Step = wire::ArrayStep::Step;
        ask({.step = Step::check, .offset = *offset, .bytes = bytes}, /*leaders_only=*/true);
        ask({.step = Step::populate, .offset = *offset, .bytes = bytes, .elsewhere = fills_here},
            /*leaders_only=*/false);
    } catch (...) {
        free_array(*offset);
        throw;
    }
    return *offset;
}

void Host::publish_array(std::uint64_t offset, std::uint64_t bytes) {
    if (topology_.nodes == 1 || bytes == 0) return;  // nothing to send, and no answer to wait for
    std::lock_guard const one_at_a_time(asking_);
    std::promise<void> done;
    auto future = done.get_future();
    auto const shared = std::make_shared<std::promise<void>>(std::move(done));
    post([this, offset, bytes, shared] { send_array(offset, bytes, std::move(*shared)); });
    future.get();
}

void Host::send_array(std::uint64_t offset, std::uint64_t bytes, std::promise<void> done) {
    auto const id = next_array_id_++;
    array_step_.emplace(ArrayStep{.id = id,
                                  .answers_due = static_cast<std::size_t>(topology_.nodes - 1),
                                  .problem = {},
                                  .done = std::move(done)});
    for (std::uint64_t at = 0; at < bytes; at += piece_bytes) {
        auto const size = std::min(piece_bytes, bytes - at);
        for (int const child : tree_children(0, topology_.nodes))
            send_(topology_.leaders[static_cast<std::size_t>(child)],
                  wire::ArrayPiece{.id = id,
                                   .offset = offset + at,
                                   .last = at + size == bytes,
                                   .payload = {nullptr, {node_.base() + offset + at, size}}});
    }
}

void Host::free_array(std::uint64_t offset) noexcept {
    post([this, offset] {
        FreedArray freed{.offset = offset, .users = {}};
        for (auto& [id, batch] : batches_) {
            if (batch.stream) take_from_stream(id, batch);
            if (batch.final_tasks < batch.tasks) freed.users.insert(id);
        }
        freed_.push_back(std::move(freed));
        free_unused_arrays();
    });
}

void Host::free_unused_arrays() {
    std::erase_if(freed_, [this](FreedArray& freed) {
        std::erase_if(freed.users, [this](sched::BatchId id) {
            auto const batch = batches_.find(id);
            return batch == batches_.end() || batch->second.final_tasks == batch->second.tasks;
        });
        if (!freed.users.empty()) return false;
        // In order with later steps: whoever reuses the range asks after this.
        auto const bytes = array_bytes_.at(freed.offset);
        array_bytes_.erase(freed.offset);
        arrays_.free(freed.offset);
        for (int const leader : topology_.leaders)
            send_(leader,
                  wire::ArrayStep{
                      .step = wire::ArrayStep::Step::free, .id = 0, .offset = freed.offset, .bytes = bytes});
        return true;
    });
}

}  // namespace plenum::pool
