// Random experiments of the monte_carlo job: what is drawn, what is averaged, and what must come out.
#pragma once

#include <cstdint>
#include <plenum/random.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plenum::jobs {

/// What one sample is.
enum class Experiment : std::uint8_t {
    pi,     ///< 4 if a point of the unit square is inside the circle, else 0
    gauss,  ///< exp(-x^2) for x in [0, 1)
    ball6,  ///< 64 if a point of [-1, 1)^6 is inside the unit ball, else 0
    eigen,  ///< the eigenvalues of a random symmetric matrix, ascending, then their sum and their sum of
            ///< squares
};

/// The integrand of that name. Throws UsageError that names --integrand.
[[nodiscard]] Experiment parse_integrand(std::string_view name);

/// A mean over samples and the standard error of that mean.
struct Estimate {
    double mean = 0;
    double standard_error = 0;
};

struct Observable {
    std::string name;
    double expected;  ///< the true mean; NaN where no simple formula gives it
};
/// What each sample yields. `size` is that of the matrices; integrands yield one number.
[[nodiscard]] std::vector<Observable> observables(Experiment experiment, std::size_t size);

/// Draws `samples` (2 or more) samples and writes one estimate for each observable. A pure function of its
/// arguments; pi and gauss take 5 to 15 ns a sample, matrices of 8x8 about 3 us.
///
/// Matrices are of the Gaussian orthogonal ensemble: independent normal entries of variance 1, on the
/// diagonal 2; so the mean of the sum of eigenvalues is 0, that of the sum of their squares size * (size +
/// 1).
void sample(Experiment experiment, std::size_t size, std::uint64_t samples, TaskRng rng,
            std::span<Estimate> out);

/// Puts together estimates of equally many samples each. Tasks that failed have means that are not numbers
/// and are left out.
class Combination {
public:
    void add(Estimate estimate) noexcept;
    [[nodiscard]] Estimate result() const noexcept;  ///< NaN when nothing was added

private:
    std::uint64_t count_ = 0;
    double mean_sum_ = 0;
    double square_sum_ = 0;
};

}  // namespace plenum::jobs
