// MPI's error codes as exceptions, and the one way to call MPI.
#pragma once

#include <mpi.h>

#include <plenum/error.hpp>
#include <string>

namespace plenum::mpi {

/// An MPI call failed.
class MpiError : public EnvironmentError {
public:
    MpiError(char const* call, int code);
    [[nodiscard]] char const* call() const noexcept { return call_; }
    [[nodiscard]] int code() const noexcept { return code_; }

private:
    char const* call_;
    int code_;
};

/// Throws MpiError unless `code` is success: check("MPI_Send", MPI_Send(...)).
inline void check(char const* call, int code) {
    if (code != MPI_SUCCESS) throw MpiError(call, code);
}

}  // namespace plenum::mpi
