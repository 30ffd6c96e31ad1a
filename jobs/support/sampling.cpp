// Random experiments of the monte_carlo job.
#include "support/sampling.hpp"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <plenum/error.hpp>

namespace plenum::jobs {
namespace {

Estimate estimate_from(double sum, double square_sum, std::uint64_t samples) {
    auto const n = static_cast<double>(samples);
    auto const mean = sum / n;
    auto const variance = std::max(0.0, square_sum / n - mean * mean) * n / (n - 1);
    return {.mean = mean, .standard_error = std::sqrt(variance / n)};
}

/// The mean of `draw(rng)`.
template <class Draw>
Estimate average(std::uint64_t samples, TaskRng& rng, Draw draw) {
    double sum = 0, square_sum = 0;
    for (std::uint64_t i = 0; i < samples; ++i) {
        double const value = draw(rng);
        sum += value;
        square_sum += value * value;
    }
    return estimate_from(sum, square_sum, samples);
}

double square_distance(TaskRng& rng, int dimensions) {
    double sum = 0;
    for (int i = 0; i < dimensions; ++i) {
        auto const x = rng.uniform01();
        sum += x * x;
    }
    return sum;
}

/// Fills the lower triangle, the only one that the solver reads.
void draw_matrix(Eigen::MatrixXd& matrix, TaskRng& rng) {
    for (Eigen::Index row = 0; row < matrix.rows(); ++row) {
        for (Eigen::Index column = 0; column < row; ++column) matrix(row, column) = rng.normal();
        matrix(row, row) = std::numbers::sqrt2 * rng.normal();
    }
}

void sample_eigenvalues(std::size_t size, std::uint64_t samples, TaskRng& rng, std::span<Estimate> out) {
    auto const n = static_cast<Eigen::Index>(size);
    Eigen::MatrixXd matrix(n, n);
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(n);
    Eigen::ArrayXd values(n + 2), sum = Eigen::ArrayXd::Zero(n + 2), square_sum = sum;
    for (std::uint64_t i = 0; i < samples; ++i) {
        draw_matrix(matrix, rng);
        solver.compute(matrix, Eigen::EigenvaluesOnly);
        if (solver.info() != Eigen::Success)
            throw Error(
                ExitCode::tasks_failed,
                fmt::format("the eigenvalues of matrix {} did not converge (size {}); leave this task out", i,
                            size));
        values.head(n) = solver.eigenvalues();
        values(n) = solver.eigenvalues().sum();
        values(n + 1) = solver.eigenvalues().squaredNorm();
        sum += values;
        square_sum += values.square();
    }
    for (Eigen::Index k = 0; k < n + 2; ++k)
        out[static_cast<std::size_t>(k)] = estimate_from(sum(k), square_sum(k), samples);
}

}  // namespace

Experiment parse_integrand(std::string_view name) {
    if (name == "pi") return Experiment::pi;
    if (name == "gauss") return Experiment::gauss;
    if (name == "ball6") return Experiment::ball6;
    throw UsageError(fmt::format("--integrand: '{}' is not known; choose from pi, gauss, ball6", name));
}

std::vector<Observable> observables(Experiment experiment, std::size_t size) {
    using std::numbers::pi;
    switch (experiment) {
        case Experiment::pi:
            return {{"pi", pi}};
        case Experiment::gauss:
            return {{"integral of exp(-x^2) from 0 to 1", 0.5 * std::sqrt(pi) * std::erf(1.0)}};
        case Experiment::ball6:
            return {{"volume of the six-dimensional unit ball", pi * pi * pi / 6}};
        case Experiment::eigen:
            break;
    }
    std::vector<Observable> all;
    for (std::size_t k = 0; k < size; ++k)
        all.push_back({fmt::format("eigenvalue {}", k), std::numeric_limits<double>::quiet_NaN()});
    auto const n = static_cast<double>(size);
    all.push_back({"sum of eigenvalues", 0.0});
    all.push_back({"sum of squared eigenvalues", n * (n + 1)});
    return all;
}

void sample(Experiment experiment, std::size_t size, std::uint64_t samples, TaskRng rng,
            std::span<Estimate> out) {
    switch (experiment) {
        case Experiment::pi:
            out[0] = average(samples, rng, [](TaskRng& r) { return square_distance(r, 2) < 1 ? 4.0 : 0.0; });
            return;
        case Experiment::gauss:
            out[0] = average(samples, rng, [](TaskRng& r) { return std::exp(-square_distance(r, 1)); });
            return;
        case Experiment::ball6:
            out[0] = average(samples, rng, [](TaskRng& r) { return square_distance(r, 6) < 1 ? 64.0 : 0.0; });
            return;
        case Experiment::eigen:
            sample_eigenvalues(size, samples, rng, out);
    }
}

void Combination::add(Estimate estimate) noexcept {
    if (std::isnan(estimate.mean)) return;
    ++count_;
    mean_sum_ += estimate.mean;
    square_sum_ += estimate.standard_error * estimate.standard_error;
}

Estimate Combination::result() const noexcept {
    auto const n = static_cast<double>(count_);
    return {.mean = mean_sum_ / n, .standard_error = std::sqrt(square_sum_) / n};
}

}  // namespace plenum::jobs
