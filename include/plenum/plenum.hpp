// The whole public interface, but plenum/eigen.hpp.
#pragma once

#include <plenum/actor.hpp>
#include <plenum/codec.hpp>
#include <plenum/element.hpp>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/job_context.hpp>
#include <plenum/pool.hpp>
#include <plenum/result_file.hpp>
#include <plenum/results.hpp>
#include <plenum/run.hpp>
#include <plenum/scratch.hpp>
#include <plenum/shared.hpp>
