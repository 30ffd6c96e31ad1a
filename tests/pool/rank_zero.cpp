#include "pool/rank_zero.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "pool/test_tasks.hpp"

namespace plenum::pool::test {

void RankZero::complain(std::string text) {
    if (complaints_.size() < 20) complaints_.push_back(std::move(text));
}

std::uint32_t RankZero::open(Leader& leader, BatchPlan plan) {
    auto const id = next_batch_++;
    auto const& request = plan.request;
    leader.open({.batch = id,
                 .function = request.function,
                 .tasks = request.tasks,
                 .stride = request.stride,
                 .schedule = static_cast<std::uint8_t>(plan.technique),
                 .chunk_size = plan.chunk_size,
                 .tasks_per_executor = request.tasks_per_executor,
                 .running_per_node = request.running_per_node,
                 .item_stride = request.item_stride,
                 .varying_items = !request.item_offsets.empty(),
                 .timing = true,
                 .direct = plan.direct_offset.has_value(),
                 .direct_offset = plan.direct_offset.value_or(0),
                 .payload = wire::Payload::of(request.state)});
    auto& batch = batches_[id];
    batch.end = request.tasks;
    batch.plan = std::move(plan);
    return id;
}

void RankZero::stop_new_tasks() {
    for (auto& [id, batch] : batches_) batch.end = batch.next;
}

bool RankZero::all_final() const {
    return std::all_of(batches_.begin(), batches_.end(), [](auto const& entry) {
        return entry.second.final == entry.second.end && entry.second.next == entry.second.end;
    });
}

wire::Payload RankZero::items_of(detail::BatchRequest const& request, wire::TaskRange tasks) {
    if (request.item_stride != 0) {
        auto const items = request.plain_items.subspan(tasks.first * request.item_stride,
                                                       tasks.count() * request.item_stride);
        return {nullptr, items};
    }
    if (request.item_offsets.empty()) return {};
    Bytes bytes;
    auto const begin = request.item_offsets[tasks.first];
    for (auto i = tasks.first; i <= tasks.last; ++i) {
        auto const offset = request.item_offsets[i] - begin;
        detail::append_bytes(bytes, &offset, sizeof offset);
    }
    bytes.resize(item_table_bytes(tasks.count()));
    detail::append_bytes(bytes, request.items.data() + begin, request.item_offsets[tasks.last] - begin);
    return wire::Payload::of(std::move(bytes));
}

void RankZero::answer(Leader& leader) {
    std::erase_if(asked_for_, [&](auto const id) { return give(leader, id, true); });
    while (requests_ > 0) {
        bool given = false;
        for (std::uint32_t i = 0; i < batches_.size() && !given; ++i)
            given = give(leader, 1 + turn_++ % static_cast<std::uint32_t>(batches_.size()), false);
        if (!given) return;
        --requests_;
    }
}

bool RankZero::give(Leader& leader, std::uint32_t id, bool asked_for) {
    auto& batch = batches_.at(id);
    wire::TaskRange tasks;
    if (!batch.back.empty()) {
        tasks = batch.back.front();
        batch.back.pop_front();
    } else {
        if (batch.next >= batch.end) return false;
        tasks = {batch.next, std::min(batch.next + block_size_(random_), batch.end)};
        batch.next = tasks.last;
        batch.fates.resize(tasks.last);
    }
    for (auto task = tasks.first; task < tasks.last; ++task) batch.fates[task] = Fate::issued;
    blocks_.emplace(next_block_, Block{.batch = id, .tasks = tasks, .open = tasks.count()});
    leader.assign({.batch = id,
                   .block = next_block_++,
                   .tasks = tasks,
                   .asked_for = asked_for,
                   .payload = items_of(batch.plan.request, tasks)});
    return true;
}

void RankZero::take(wire::Message message) {
    if (auto const* const request = std::get_if<wire::RequestBlock>(&message)) {
        if (request->any)
            ++requests_;
        else
            asked_for_.push_back(request->batch);
    } else if (auto* const results = std::get_if<wire::BlockResults>(&message)) {
        take_results(*results);
        if (keep_payloads_) kept_.push_back(std::move(results->payload));
    } else {
        complain(fmt::format("a leader sent a message of kind {}", message.index()));
    }
}

bool RankZero::settle(Batch& batch, Block& block, std::uint64_t task, Fate fate) {
    if (task < block.tasks.first || task >= block.tasks.last) {
        complain(fmt::format("task {} is not in its block", task));
        return false;
    }
    if (batch.fates[task] != Fate::issued || block.open == 0) {
        complain(fmt::format("task {} is settled twice (it was {}, now {})", task,
                             static_cast<int>(batch.fates[task]), static_cast<int>(fate)));
        return false;
    }
    batch.fates[task] = fate;
    --block.open;
    return true;
}

void RankZero::take_results(wire::BlockResults const& results) {
    auto const found = blocks_.find(results.block);
    if (found == blocks_.end() || found->second.batch != results.batch)
        return complain(fmt::format("results of block {}, which is not out", results.block));
    auto& block = found->second;
    auto& batch = batches_.at(results.batch);

    for (auto const& failure : results.failures) {
        auto const in_runs = [&](auto const& run) {
            return failure.task >= run.first && failure.task < run.last;
        };
        if (std::none_of(results.runs.begin(), results.runs.end(), in_runs))
            complain(fmt::format("failure of task {}, which is not final", failure.task));
        if (!batch.failures.emplace(failure.task, failure).second)
            complain(fmt::format("task {} failed twice", failure.task));
        if (failure.cause == FailureCause::exception &&
            (batch.plan.expected(failure.task) || failure.message != refusal(failure.task)))
            complain(fmt::format("task {} failed: {}", failure.task, failure.message));
    }
    auto const stride = batch.plan.request.stride;
    bool const bytes_here = !batch.plan.direct_offset;
    std::size_t at = 0, i = 0;
    for (auto const& run : results.runs)
        for (auto task = run.first; task < run.last; ++task, ++i) {
            bool const failed = batch.failures.contains(task);
            if (settle(batch, block, task, failed ? Fate::failed : Fate::done)) ++batch.final;
            auto const size = stride != 0                  ? stride
                              : i < results.lengths.size() ? results.lengths[i]
                                                           : SIZE_MAX;
            if (!bytes_here) continue;
            if (size > results.payload.bytes.size() - at)
                return complain(fmt::format("the bytes of task {} are missing", task));
            if (!failed) check_result(batch, task, results.payload.bytes.subspan(at, size));
            if (failed && stride == 0 && size != 0)
                complain(fmt::format("failed task {} has a result", task));
            at += size;
        }
    if (at != results.payload.bytes.size()) complain("there are more bytes than results");
    for (auto const& range : results.returned) {
        for (auto task = range.first; task < range.last; ++task) settle(batch, block, task, Fate::waiting);
        batch.back.push_back(range);
        returned_ += range.count();
    }
    take_timing(batch, block, results.timing);
    if (block.open == 0)
        blocks_.erase(found);
    else
        ++partial_messages_;
}

void RankZero::check_result(Batch const& batch, std::uint64_t task, ByteView bytes) {
    auto const expected = batch.plan.expected(task);
    if (!expected) return complain(fmt::format("task {} is done although it throws", task));
    if (!std::equal(bytes.begin(), bytes.end(), expected->begin(), expected->end()))
        complain(fmt::format("the result of task {} ({} bytes) is wrong", task, bytes.size()));
}

void RankZero::take_timing(Batch& batch, Block const& block, std::vector<wire::Timing> rows) {
    std::sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
    auto end = block.tasks.first;
    for (auto const& row : rows) {
        if (row.first < end || row.count == 0 || row.first + row.count > block.tasks.last)
            complain(fmt::format("timing of tasks {} + {} does not fit into block {} to {} after {}",
                                 row.first, row.count, block.tasks.first, block.tasks.last, end));
        if (!(row.start > 0) || !(row.duration >= 0) || !std::isfinite(row.duration))
            complain(fmt::format("task {} started at {} for {} s", row.first, row.start, row.duration));
        end = row.first + row.count;
        batch.timed += row.count;
    }
}

}  // namespace plenum::pool::test
