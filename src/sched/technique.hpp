// The dynamic-loop-scheduling techniques that size the chunks of executors: one table to parse, print and
// document.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace plenum::sched {

enum class Technique : std::uint8_t { automatic, static_, ss, gss, tss, fac2, awf };

struct TechniqueInfo {
    Technique technique;
    std::string_view name;     ///< as users write it after --schedule
    std::string_view summary;  ///< one line without a full stop
    std::string_view source;   ///< literature, empty for Plenum's own
};

/// All techniques, the default first. Lives as long as the program.
[[nodiscard]] std::span<TechniqueInfo const> techniques() noexcept;
/// The technique with exactly that name, nothing when there is none.
[[nodiscard]] std::optional<Technique> technique_named(std::string_view name) noexcept;
[[nodiscard]] std::string_view name_of(Technique technique) noexcept;
/// All names as a sentence lists them: "auto, static or ss".
[[nodiscard]] std::string names_of_techniques();

}  // namespace plenum::sched
