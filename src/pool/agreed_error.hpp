// An error that every rank throws at the same point: the program can still end in order.
#pragma once

#include <plenum/error.hpp>

namespace plenum::pool {

class AgreedError : public EnvironmentError {
public:
    using EnvironmentError::EnvironmentError;
};

}  // namespace plenum::pool
