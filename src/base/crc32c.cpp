// By the processor's instruction where there is one, by eight tables otherwise.
#include "base/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace plenum::base {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr std::uint32_t reversed_polynomial = 0x82f63b78;

consteval Tables make_tables() {
    Tables tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        auto crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? reversed_polynomial : 0);
        tables[0][i] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t i = 0; i < 256; ++i)
            tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 255];
    return tables;
}

constexpr Tables tables = make_tables();

/// Product of two polynomials modulo that of the checksum; the highest bit is the coefficient of x^0.
constexpr std::uint32_t product(std::uint32_t a, std::uint32_t b) noexcept {
    std::uint32_t sum = 0;
    for (std::uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
        if ((a & bit) != 0) sum ^= b;
        b = (b >> 1) ^ ((b & 1) != 0 ? reversed_polynomial : 0);
    }
    return sum;
}

/// x to the power of 8 * 2^i.
consteval std::array<std::uint32_t, 64> make_powers() {
    std::array<std::uint32_t, 64> powers{};
    std::uint32_t power = 1u << 30;  // x
    for (int i = 0; i < 3; ++i) power = product(power, power);
    for (auto& each : powers) {
        each = power;
        power = product(power, power);
    }
    return powers;
}

constexpr std::array<std::uint32_t, 64> powers = make_powers();

std::uint32_t by_tables(std::byte const* at, std::size_t size, std::uint32_t crc) noexcept {
    for (; size >= 8; at += 8, size -= 8) {
        std::uint32_t next = 0;
        for (std::size_t k = 0; k < 8; ++k) {
            auto const folded = std::to_integer<std::uint32_t>(at[k]) ^ (k < 4 ? (crc >> (8 * k)) & 255 : 0);
            next ^= tables[7 - k][folded];
        }
        crc = next;
    }
    for (; size > 0; ++at, --size)
        crc = (crc >> 8) ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 255];
    return crc;
}

#if defined(__x86_64__)
constexpr int lane_exponent = 14;
constexpr std::size_t lane = std::size_t{1} << lane_exponent;
constexpr std::uint32_t lane_power = powers[lane_exponent];

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::byte const* at, std::size_t size,
                                                               std::uint32_t crc) noexcept {
    auto const word = [](std::byte const* from) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, from, sizeof bytes);
        return bytes;
    };
    // An instruction takes three cycles, and one can begin in each: three parts side by side.
    for (; size >= 3 * lane; at += 3 * lane, size -= 3 * lane) {
        std::uint64_t first = crc, second = 0, third = 0;
        for (auto const *each = at, *const end = at + lane; each != end; each += 8) {
            first = _mm_crc32_u64(first, word(each));
            second = _mm_crc32_u64(second, word(each + lane));
            third = _mm_crc32_u64(third, word(each + 2 * lane));
        }
        auto const joined = product(lane_power, static_cast<std::uint32_t>(first)) ^ second;
        crc = product(lane_power, static_cast<std::uint32_t>(joined)) ^ static_cast<std::uint32_t>(third);
    }
    std::uint64_t wide = crc;
    for (; size >= 8; at += 8, size -= 8) wide = _mm_crc32_u64(wide, word(at));
    crc = static_cast<std::uint32_t>(wide);
    for (; size > 0; ++at, --size) crc = _mm_crc32_u8(crc, std::to_integer<std::uint8_t>(*at));
    return crc;
}
#endif

}  // namespace

std::uint32_t crc32c_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) noexcept {
    for (std::size_t i = 0; second_bytes != 0; second_bytes >>= 1, ++i)
        if ((second_bytes & 1) != 0) first = product(powers[i], first);
    return first ^ second;
}

std::uint32_t crc32c(std::span<std::byte const> data, std::uint32_t before) noexcept {
#if defined(__x86_64__)
    static bool const has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return ~by_instruction(data.data(), data.size(), ~before);
#endif
    return ~by_tables(data.data(), data.size(), ~before);
}

}  // namespace plenum::base
