#include "io/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <plenum/error.hpp>
#include <system_error>

namespace plenum::io {
namespace {

constexpr char const* option_name = "shard";

}  // namespace

Shard parse_shard(std::string_view text, std::string_view what) {
    Shard shard;
    auto const* const end = text.data() + text.size();
    auto const index = std::from_chars(text.data(), end, shard.index);
    bool const has_slash = index.ec == std::errc{} && index.ptr != end && *index.ptr == '/';
    auto const count = has_slash ? std::from_chars(index.ptr + 1, end, shard.count) : index;
    if (!has_slash || count.ec != std::errc{} || count.ptr != end)
        throw UsageError(
            fmt::format("{}: '{}' is no share; write I/N with I from 0 to N-1, such as 0/4", what, text));
    if (shard.count < 1 || shard.count > most_shards || shard.index >= shard.count)
        throw UsageError(fmt::format("{}: '{}' is out of range; write I/N with I from 0 to N-1, N up to {}",
                                     what, text, most_shards));
    return shard;
}

std::string text_of(Shard const& shard) {
    return fmt::format("{}/{}", shard.index, shard.count);
}

void put_shard(RunIdentity& identity, Shard const& shard) {
    if (shard.is_part())
        identity.options.push_back({.name = option_name, .value = text_of(shard), .given = true});
}

Shard shard_of(RunIdentity const& identity) {
    auto const found = std::ranges::find(identity.options, option_name, &IdentityOption::name);
    return found == identity.options.end() ? Shard{} : parse_shard(found->value, "shard");
}

RunIdentity without_shard(RunIdentity identity) {
    std::erase_if(identity.options, [](IdentityOption const& option) { return option.name == option_name; });
    return identity;
}

}  // namespace plenum::io
