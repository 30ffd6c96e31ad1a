// The whole public interface, but the opt-in headers: plenum/eigen.hpp, plenum/hdf5.hpp, plenum/image.hpp.
#pragma once

#include <plenum/actor.hpp>
#include <plenum/codec.hpp>
#include <plenum/element.hpp>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/job_context.hpp>
#include <plenum/memory.hpp>
#include <plenum/pool.hpp>
#include <plenum/random.hpp>
#include <plenum/result_file.hpp>
#include <plenum/results.hpp>
#include <plenum/run.hpp>
#include <plenum/scratch.hpp>
#include <plenum/shared.hpp>
#include <plenum/worker_context.hpp>
#include <plenum/worker_state.hpp>
