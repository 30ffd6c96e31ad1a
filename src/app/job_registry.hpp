// The jobs that this program knows.
#pragma once

#include <plenum/job.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace plenum::app {

class JobRegistry {
public:
    /// Throws UsageError for what add_job() of <plenum/job.hpp> refuses.
    void add(Job job);
    /// The job of that name, or nullptr. Valid until the next add().
    [[nodiscard]] Job const* find(std::string_view name) const;
    /// All jobs, by name.
    [[nodiscard]] std::vector<Job> const& jobs() const noexcept { return jobs_; }
    [[nodiscard]] std::vector<std::string> names() const;

    /// The one that add_job() fills.
    [[nodiscard]] static JobRegistry& global();

private:
    std::vector<Job> jobs_;
};

}  // namespace plenum::app
