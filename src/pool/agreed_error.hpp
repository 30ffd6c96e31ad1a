// An error that every rank throws at the same point: the program can still end in order.
#pragma once

#include <plenum/error.hpp>

namespace plenum::pool {

class AgreedError : public Error {
public:
    explicit AgreedError(std::string const& message, ExitCode code = ExitCode::environment)
        : Error(code, message) {}
};

}  // namespace plenum::pool
