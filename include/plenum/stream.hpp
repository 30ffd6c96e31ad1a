// Lazy maps: results of pool.imap and pool.imap_unordered, read while the input is still being made.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <plenum/detail/batch_request.hpp>
#include <plenum/detail/decode_result.hpp>
#include <plenum/detail/stream_reader.hpp>
#include <plenum/error.hpp>
#include <ranges>
#include <utility>

namespace plenum {
namespace detail {

/// Items of a stream on their way to the engine.
struct PackedItems {
    std::uint64_t count = 0;
    Bytes bytes;
    std::vector<std::uint64_t> lengths;
};

/// Indices 0, 1, ..., count - 1: nothing is stored for them.
class IndexSource {
public:
    explicit IndexSource(std::uint64_t count) : left_(count) {}
    /// Adds at most `most` items; false: there are no more.
    bool pull(std::uint64_t most, PackedItems& into) {
        auto const count = std::min(most, left_);
        into.count += count;
        left_ -= count;
        return left_ > 0;
    }

private:
    std::uint64_t left_;
};

/// Any input range; its items are read one by one, when there is room for them.
template <std::ranges::input_range View>
class RangeSource {
public:
    using Item = item_of<View>;
    explicit RangeSource(View view) : view_(std::move(view)) {}
    bool pull(std::uint64_t most, PackedItems& into) {
        if (!next_) next_.emplace(std::ranges::begin(view_));
        for (; most > 0; --most, ++*next_) {
            if (*next_ == std::ranges::end(view_)) return false;
            auto const before = into.bytes.size();
            encode<Item>(**next_, into.bytes);
            if constexpr (!PlainBytes<Item>) into.lengths.push_back(into.bytes.size() - before);
            ++into.count;
        }
        return true;
    }

private:
    View view_;
    std::optional<std::ranges::iterator_t<View>> next_;
};

/// How many items a lazy map holds: those on their way to executors and back.
class Window {
public:
    Window(std::uint64_t asked, int executors)
        : executors_(static_cast<std::uint64_t>(executors)), fixed_(asked != 0),
          tasks_(asked != 0 ? asked : 16 * executors_) {}
    /// `in_flight` tasks hold about that many bytes each; `waiting` bytes of results wait for the reader.
    [[nodiscard]] std::uint64_t room(std::uint64_t in_flight, double bytes_each,
                                     std::uint64_t waiting) const noexcept {
        auto most = tasks_;
        if (!fixed_ && static_cast<double>(waiting) > most_bytes) return 0;
        if (!fixed_ && bytes_each > 0)
            most = std::min(most, std::max(2 * executors_, static_cast<std::uint64_t>(most_bytes / bytes_each)));
        return most > in_flight ? most - in_flight : 0;
    }
    [[nodiscard]] bool half_empty(std::uint64_t in_flight) const noexcept { return in_flight <= tasks_ / 2; }
    /// The reader had to wait although the window was full: tasks are short when it did not wait long.
    void waited(std::chrono::duration<double> time) noexcept {
        if (!fixed_ && time < std::chrono::milliseconds(10)) tasks_ = std::min(2 * tasks_, most_tasks);
    }

private:
    static constexpr std::uint64_t most_tasks = 1 << 18;
    static constexpr double most_bytes = 64 << 20;
    std::uint64_t executors_;
    bool fixed_;
    std::uint64_t tasks_;
};

}  // namespace detail

/// A single-pass input range of results, made by pool.imap and pool.imap_unordered; lives where they are called. The
/// input is read on the caller's thread inside begin() and ++, as far as there is room in a window of bounded size
/// (MapOptions::buffer items, else as many as keep the executors busy and at most about 64 MiB); so endless inputs
/// take constant memory, and a slow reader or one slow task stops the reading. Leaving the loop early drops what is
/// queued. `*it` throws the TaskError of a failed task; the loop may go on with the next (OnFailure::collect skips failed
/// tasks and keeps their errors in failures()). Cost: about 50 ns for an item of a few bytes, more when items or
/// results go through serialize().
template <class R, class Source>
class Imap {
public:
    Imap(detail::PoolCore& core, detail::BatchRequest request, Source source, bool ordered, std::uint64_t buffer,
         bool skip_failed)
        : reader_(std::make_unique<detail::StreamReader>(core, std::move(request), ordered)),
          source_(std::move(source)), window_(buffer, core.executors()), skip_failed_(skip_failed) {}

    class Iterator {
    public:
        using value_type = R;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;
        explicit Iterator(Imap& imap) noexcept : imap_(&imap) {}
        [[nodiscard]] R operator*() const { return imap_->value(); }
        /// Number of the item whose result this is.
        [[nodiscard]] std::uint64_t index() const noexcept { return imap_->piece_.first + imap_->at_; }
        Iterator& operator++() {
            imap_->advance();
            return *this;
        }
        void operator++(int) { imap_->advance(); }
        bool operator==(std::default_sentinel_t) const noexcept { return imap_->ended_; }

    private:
        Imap* imap_;
    };
    /// Begins to read the input. Once.
    [[nodiscard]] Iterator begin() {
        if (std::exchange(begun_, true)) throw UsageError("the results of imap are read twice; keep them, or call it again");
        next_piece();
        skip();
        return Iterator(*this);
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
    /// With OnFailure::collect: the tasks that failed so far.
    [[nodiscard]] std::vector<TaskError::Data> const& failures() const noexcept { return failures_; }

private:
    [[nodiscard]] bool failed() const noexcept {
        return failure_ < piece_.failures.size() && piece_.failures[failure_].task == piece_.first + at_;
    }
    [[nodiscard]] std::uint64_t length() const noexcept {
        return piece_.stride != 0 ? piece_.stride : piece_.lengths[at_];
    }
    [[nodiscard]] R value() const {
        if (failed()) throw TaskError(piece_.failures[failure_]);
        return detail::decode_result<R>(ByteView(piece_.bytes.data() + offset_, length()));
    }
    void step() {
        if (failed()) ++failure_;
        offset_ += length();
        if (++at_ == piece_.count) next_piece();
    }
    void skip() {
        while (skip_failed_ && !ended_ && failed()) {
            failures_.push_back(piece_.failures[failure_]);
            step();
        }
    }
    void advance() {
        step();
        skip();
    }
    void next_piece() {
        at_ = offset_ = failure_ = 0;
        piece_ = {};
        for (;;) {
            if (more_ && window_.half_empty(reader_->in_flight())) feed();
            if (auto next = reader_->next(false)) return take(std::move(*next));
            if (more_ && feed()) continue;
            if (reader_->in_flight() == 0 && !more_) {
                ended_ = true;
                return;
            }
            auto const start = std::chrono::steady_clock::now();
            auto next = reader_->next(true);
            if (!next) throw CancelledError("the pool was cancelled while results were being read; nothing follows");
            if (more_) window_.waited(std::chrono::steady_clock::now() - start);
            return take(std::move(*next));
        }
    }
    void take(detail::Delivery next) {
        piece_ = std::move(next);
        results_ += piece_.count;
        result_bytes_ += piece_.bytes.size();
    }
    /// Reads items for at most about a millisecond. False: there was no room, or nothing more to read.
    bool feed() {
        auto const start = std::chrono::steady_clock::now();
        bool fed = false;
        while (more_) {
            auto const each = (appended_ == 0 ? 0 : static_cast<double>(item_bytes_) / static_cast<double>(appended_)) +
                              (results_ == 0 ? 0 : static_cast<double>(result_bytes_) / static_cast<double>(results_));
            auto const room = window_.room(reader_->in_flight(), each, reader_->waiting_bytes());
            if (room == 0) break;
            // A few at a time: each may take its maker long.
            detail::PackedItems items;
            auto const until = start + std::chrono::milliseconds(1);
            do
                more_ = source_.pull(std::min<std::uint64_t>(pull_, room - items.count), items);
            while (more_ && items.count < room && std::chrono::steady_clock::now() < until);
            reader_->append(items.count, items.bytes, items.lengths);
            appended_ += items.count;
            item_bytes_ += items.bytes.size();
            fed = fed || items.count > 0;
            auto const now = std::chrono::steady_clock::now();
            pull_ = now < until ? std::min<std::uint64_t>(2 * pull_, 1 << 16) : std::max<std::uint64_t>(pull_ / 2, 1);
            if (now >= until) break;
        }
        if (!more_ && !std::exchange(sealed_, true)) reader_->seal();
        return fed;
    }

    std::unique_ptr<detail::StreamReader> reader_;
    Source source_;
    detail::Window window_;
    bool skip_failed_;
    bool more_ = true, sealed_ = false, begun_ = false, ended_ = false;
    std::uint64_t pull_ = 1;  // items read between two looks at the clock
    std::uint64_t appended_ = 0, item_bytes_ = 0, results_ = 0, result_bytes_ = 0;
    detail::Delivery piece_;
    std::uint64_t at_ = 0, offset_ = 0;
    std::size_t failure_ = 0;
    std::vector<TaskError::Data> failures_;
};

}  // namespace plenum
