// Philox4x32-10 in counter mode and the inversion of the normal distribution; compiled without contraction.
#include <plenum/random.hpp>

#include <Random123/philox.h>

#include <bit>
#include <cmath>
#include <concepts>
#include <random>
#include <type_traits>

namespace plenum {

static_assert(std::uniform_random_bit_generator<TaskRng>);
static_assert(std::is_trivially_copyable_v<TaskRng>);

namespace {

constexpr std::uint64_t numbers_per_block = 2;

std::uint32_t low(std::uint64_t word) {
    return static_cast<std::uint32_t>(word);
}

std::uint32_t high(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> 32);
}

template <std::size_t n>
double polynomial(double x, std::array<double, n> const& coefficients) {
    double sum = coefficients[n - 1];
    for (auto i = n - 1; i-- > 0;) sum = sum * x + coefficients[i];
    return sum;
}

/// Natural logarithm of a normal number, by the series of the inverse hyperbolic tangent. std::log has other
/// last bits in other libraries, and in one library on other processors.
double portable_log(double x) {
    auto const bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = static_cast<int>(bits >> 52) - 1023;
    auto mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffU) | 0x3ff0000000000000U);
    if (mantissa > 1.4142135623730951) {
        mantissa *= 0.5;
        ++exponent;
    }
    auto const s = (mantissa - 1.0) / (mantissa + 1.0);  // |s| < 0.1716
    auto const square = s * s;
    double series = 0;
    for (int k = 23; k >= 3; k -= 2) series = (series + 1.0 / k) * square;
    return static_cast<double>(exponent) * 0.6931471805599453 + (2.0 * s + 2.0 * s * series);
}

}  // namespace

std::array<std::uint32_t, 4> philox_block(std::array<std::uint32_t, 4> const& counter,
                                          std::array<std::uint32_t, 2> const& key) noexcept {
    auto const words =
        r123::Philox4x32()({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
    return {words[0], words[1], words[2], words[3]};
}

void TaskRng::refill() noexcept {
    std::array<std::uint32_t, 2> const key{low(seed_), high(seed_)};
    for (std::size_t i = 0; i < numbers_.size(); i += numbers_per_block) {
        auto const block = next_block_++;
        auto const words =
            philox_block({low(block), low(index_), high(index_), high(block) << 16 | stream_}, key);
        numbers_[i] = std::uint64_t{words[1]} << 32 | words[0];
        numbers_[i + 1] = std::uint64_t{words[3]} << 32 | words[2];
    }
    used_ = 0;
}

void TaskRng::discard(std::uint64_t count) noexcept {
    auto const ready = numbers_.size() - used_;
    if (count <= ready) {
        used_ += count;
        return;
    }
    next_block_ += (count - ready) / numbers_per_block;
    if ((count - ready) % numbers_per_block == 0) {
        used_ = numbers_.size();
    } else {
        refill();
        used_ = 1;
    }
}

namespace detail {

/// Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37
/// (1988), PPND16: rational approximations in the middle, and in sqrt(-log p) in the tails.
double normal_from_bits(std::uint64_t bits) noexcept {
    // The middles of 2^52 equal intervals: exact, symmetric, neither 0 nor 1.
    auto const p = (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
    auto const q = p - 0.5;
    if (std::abs(q) <= 0.425) {
        constexpr std::array a{3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                               1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                               3.3430575583588128105e+4, 2.5090809287301226727e+3};
        constexpr std::array b{1.0,
                               4.2313330701600911252e+1,
                               6.8718700749205790830e+2,
                               5.3941960214247511077e+3,
                               2.1213794301586595867e+4,
                               3.9307895800092710610e+4,
                               2.8729085735721942674e+4,
                               5.2264952788528545610e+3};
        auto const r = 0.180625 - q * q;
        return q * polynomial(r, a) / polynomial(r, b);
    }
    auto const r = std::sqrt(-portable_log(q < 0 ? p : 1.0 - p));
    double magnitude = 0;
    if (r <= 5.0) {
        constexpr std::array c{1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                               3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
        constexpr std::array d{1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
        magnitude = polynomial(r - 1.6, c) / polynomial(r - 1.6, d);
    } else {
        constexpr std::array e{6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
        constexpr std::array f{1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
        magnitude = polynomial(r - 5.0, e) / polynomial(r - 5.0, f);
    }
    return q < 0 ? -magnitude : magnitude;
}

}  // namespace detail
}  // namespace plenum
