#include "sched/technique.hpp"

#include <algorithm>
#include <array>

namespace plenum::sched {
namespace {

constexpr std::array table{
    TechniqueInfo{Technique::automatic, "auto", "chunks of about 0.1 ms, sized from measured task times", ""},
    TechniqueInfo{Technique::static_, "static", "one equal chunk per executor; least overhead, no balancing",
                  ""},
    TechniqueInfo{Technique::ss, "ss", "self-scheduling: one task at a time, or --chunk-size tasks",
                  "Tang & Yew 1986, Processor self-scheduling for multiple-nested parallel loops"},
    TechniqueInfo{Technique::gss, "gss", "guided self-scheduling: the remaining tasks over the executors",
                  "Polychronopoulos & Kuck 1987, Guided self-scheduling"},
    TechniqueInfo{Technique::tss, "tss", "trapezoid self-scheduling: chunk sizes fall linearly",
                  "Tzen & Ni 1993, Trapezoid self-scheduling"},
    TechniqueInfo{Technique::fac2, "fac2",
                  "factoring: rounds of equal chunks, each round half of what remains",
                  "Hummel, Schonberg & Flynn 1992, Factoring: a method for scheduling parallel loops"},
    TechniqueInfo{
        Technique::awf, "awf",
        "adaptive weighted factoring: as fac2, each chunk by its executor's measured speed",
        "Banicescu, Velusamy & Devaprasad 2003, On the scalability of dynamic scheduling scientific "
        "applications with adaptive weighted factoring"},
};

constexpr bool in_order_of_the_enum() {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (static_cast<std::size_t>(table[i].technique) != i) return false;
    return true;
}
static_assert(in_order_of_the_enum());

}  // namespace

std::span<TechniqueInfo const> techniques() noexcept {
    return table;
}

std::optional<Technique> technique_named(std::string_view name) noexcept {
    auto const found = std::ranges::find(table, name, &TechniqueInfo::name);
    return found == table.end() ? std::nullopt : std::optional(found->technique);
}

std::string names_of_techniques() {
    std::string names;
    for (auto const& info : table) {
        if (&info != table.begin()) names += &info == &table.back() ? " or " : ", ";
        names += info.name;
    }
    return names;
}

std::string_view name_of(Technique technique) noexcept {
    return table[static_cast<std::size_t>(technique)].name;
}

}  // namespace plenum::sched
