// The engine as the public Pool sees it.
#pragma once

#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/refusals.hpp>

#include "io/dataset_source.hpp"
#include "pool/engine.hpp"

namespace plenum::app {

class EnginePool : public detail::PoolCore {
public:
    /// Both outlive this.
    EnginePool(pool::Engine& engine, io::DatasetSource& datasets) : engine_(engine), datasets_(datasets) {}

    std::shared_ptr<detail::ResultStore> run(detail::BatchRequest request) override;
    std::uint64_t place_array(std::uint64_t bytes) override {
        detail::refuse_inside_task("a shared array made");
        return engine_.host().place_array(bytes);
    }
    void publish_array(std::uint64_t offset, std::uint64_t bytes) override {
        engine_.host().publish_array(offset, bytes);
    }
    void free_array(std::uint64_t offset) noexcept override { engine_.host().free_array(offset); }
    void copy_in(std::uint64_t offset, ByteView bytes) override;
    std::pair<ElementType, Shape> dataset_info(std::string const& file, std::string const& dataset) override;
    void read_dataset(std::string const& file, std::string const& dataset, ElementType as,
                      std::span<std::byte> into) override;
    int ranks() const noexcept override { return engine_.topology().ranks; }
    int nodes() const noexcept override { return engine_.topology().nodes; }

private:
    pool::Engine& engine_;
    io::DatasetSource& datasets_;
};

}  // namespace plenum::app
