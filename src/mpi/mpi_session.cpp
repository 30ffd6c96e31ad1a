#include "mpi/mpi_session.hpp"

#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "base/memory_limits.hpp"
#include "comm/shared_mapping.hpp"
#include "mpi/mpi_error.hpp"
#include "mpi/mpi_transport.hpp"
#include "mpi/task_guard.hpp"

namespace plenum::mpi {
namespace {

/// A communicator with returning error handlers, freed with its owner.
class Communicator {
public:
    explicit Communicator(MPI_Comm handle) : handle_(handle) {
        check("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN));
    }
    Communicator(Communicator const&) = delete;
    Communicator& operator=(Communicator const&) = delete;
    Communicator(Communicator&& other) noexcept : handle_(std::exchange(other.handle_, MPI_COMM_NULL)) {}
    Communicator& operator=(Communicator&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Communicator() = default;  // freed by free(): never while an exception unwinds
    [[nodiscard]] MPI_Comm get() const noexcept { return handle_; }
    void free() { check("MPI_Comm_free", MPI_Comm_free(&handle_)); }

private:
    MPI_Comm handle_;
};

Communicator duplicate(MPI_Comm original) {
    MPI_Comm copy = MPI_COMM_NULL;
    check("MPI_Comm_dup", MPI_Comm_dup(original, &copy));
    return Communicator(copy);
}

MPI_Comm handle_of(ForeignCommunicator communicator) {
    if (communicator.bytes != sizeof(MPI_Comm))
        throw UsageError(
            "the handle is no MPI_Comm of the MPI library that Plenum was built with; build both with the "
            "same mpi.h");
    MPI_Comm handle = MPI_COMM_NULL;
    std::memcpy(&handle, &communicator.bits, sizeof handle);
    return handle;
}

Communicator split_by_node(MPI_Comm world, int rank) {
    MPI_Comm node = MPI_COMM_NULL;
    check("MPI_Comm_split_type",
          MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node));
    return Communicator(node);
}

/// Collective over the ranks of the node: the directory of the file behind a shared window, found with a
/// window of a page (about 1 ms). Asking MPI_T for osc_sm_backing_directory makes Open MPI load all its
/// plugins: 0.2 s.
std::string window_directory(MPI_Comm node) {
    MPI_Win window = MPI_WIN_NULL;
    void* base = nullptr;
    check("MPI_Win_allocate_shared", MPI_Win_allocate_shared(static_cast<MPI_Aint>(base::page_size()), 1,
                                                             MPI_INFO_NULL, node, &base, &window));
    auto const address = reinterpret_cast<std::uintptr_t>(base);
    std::string directory = "/dev/shm";
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        // "begin-end rw-s offset device inode    /path (deleted)"
        std::uintptr_t begin = 0, end = 0;
        if (std::sscanf(line.c_str(), "%zx-%zx", &begin, &end) != 2 || address < begin || address >= end)
            continue;
        auto const path = line.find('/');
        if (path != std::string::npos && path < line.rfind('/'))
            directory = line.substr(path, line.rfind('/') - path);
        break;
    }
    check("MPI_Win_free", MPI_Win_free(&window));
    return directory;
}

void init_mpi() {
    int initialized = 0;
    MPI_Initialized(&initialized);
    if (initialized != 0)
        throw UsageError(
            "MPI is initialised already, or has ended with an earlier plenum::run; start MPI in main and "
            "hand over a "
            "communicator: plenum::run(MPI_COMM_WORLD, body)");
    int provided = MPI_THREAD_SINGLE;
    check("MPI_Init_thread", MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided));
    check("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    if (provided < MPI_THREAD_FUNNELED)
        throw EnvironmentError("this MPI library has no MPI_THREAD_FUNNELED; Plenum needs it");
}

class MpiSession : public comm::Session {
public:
    enum class Ends { mpi, own_handles };

    MpiSession(MPI_Comm communicator, Ends ends)
        : ends_(ends),
          world_(duplicate(communicator)),
          transport_(world_.get()),
          node_(split_by_node(world_.get(), transport_.rank())) {
        fill_topology();
        if (topology_.node_ranks > 1) window_directory_ = window_directory(node_.get());
    }

    comm::Topology const& topology() const noexcept override { return topology_; }
    comm::Transport& transport() noexcept override { return transport_; }

    std::string mpi_version() const override {
        std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
        int length = 0;
        MPI_Get_library_version(text.data(), &length);
        // "Open MPI v4.1.4, package: ..."
        std::string_view const all(text.data());
        auto short_form = std::string(all.substr(0, all.find_first_of(",\n")));
        if (auto const v = short_form.find(" v"); v != std::string::npos) short_form.erase(v + 1, 1);
        return short_form;
    }

    std::string backing_directory() const override { return window_directory_; }

    comm::NodeMemory reserve_node_memory(std::size_t bytes) override {
        if (topology_.node_ranks == 1) {
            // Open MPI gives private memory here, which executors would not share.
            mapping_ = comm::SharedMapping(bytes);
            return {mapping_.base(), mapping_.bytes()};
        }
        void* base = nullptr;
        auto const page = base::page_size();
        // The window starts somewhere within a page, at the same place in every process: ask for one page
        // more.
        auto const mine = topology_.node_rank == 0 ? static_cast<MPI_Aint>(bytes + page) : MPI_Aint{0};
        check("MPI_Win_allocate_shared",
              MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, node_.get(), &base, &window_));
        check("MPI_Win_set_errhandler", MPI_Win_set_errhandler(window_, MPI_ERRORS_RETURN));
        MPI_Aint size = 0;
        int unit = 0;
        check("MPI_Win_shared_query", MPI_Win_shared_query(window_, 0, &size, &unit, &base));
        auto const address = reinterpret_cast<std::uintptr_t>(base);
        auto const aligned = (address + page - 1) / page * page;
        return {reinterpret_cast<std::byte*>(aligned), bytes};
    }

    void close(std::function<void()> const& last) override {
        transport_.barrier();
        if (last) last();
        if (window_ != MPI_WIN_NULL) check("MPI_Win_free", MPI_Win_free(&window_));
        node_.free();
        world_.free();
        if (ends_ == Ends::mpi) check("MPI_Finalize", MPI_Finalize());
    }

    [[noreturn]] void abort(int code) noexcept override {
        MPI_Abort(MPI_COMM_WORLD, code);
        std::_Exit(code);
    }

private:
    void fill_topology() {
        std::array<char, MPI_MAX_PROCESSOR_NAME> host{};
        int length = 0;
        check("MPI_Get_processor_name", MPI_Get_processor_name(host.data(), &length));
        topology_.rank = transport_.rank();
        topology_.ranks = transport_.ranks();
        check("MPI_Comm_rank", MPI_Comm_rank(node_.get(), &topology_.node_rank));
        check("MPI_Comm_size", MPI_Comm_size(node_.get(), &topology_.node_ranks));
        topology_.hosts = transport_.exchange(host.data());
        int leader = topology_.rank;
        check("MPI_Bcast", MPI_Bcast(&leader, 1, MPI_INT, 0, node_.get()));
        std::vector<int> leader_of(static_cast<std::size_t>(topology_.ranks));
        check("MPI_Allgather",
              MPI_Allgather(&leader, 1, MPI_INT, leader_of.data(), 1, MPI_INT, world_.get()));
        topology_.leaders.clear();
        topology_.node_of.assign(leader_of.size(), 0);
        for (std::size_t i = 0; i < leader_of.size(); ++i) {
            if (leader_of[i] == static_cast<int>(i)) {
                topology_.node_of[i] = static_cast<int>(topology_.leaders.size());
                topology_.leaders.push_back(static_cast<int>(i));
            } else {
                topology_.node_of[i] = topology_.node_of[static_cast<std::size_t>(leader_of[i])];
            }
        }
        topology_.nodes = static_cast<int>(topology_.leaders.size());
        topology_.node = topology_.node_of[static_cast<std::size_t>(topology_.rank)];
    }

    Ends ends_;
    Communicator world_;
    MpiTransport transport_;
    Communicator node_;
    comm::Topology topology_;
    std::string window_directory_;  // empty without a window
    comm::SharedMapping mapping_;
    MPI_Win window_ = MPI_WIN_NULL;
};

std::optional<int> number_in(char const* variable) {
    auto const* const text = std::getenv(variable);
    if (text == nullptr) return std::nullopt;
    int value = 0;
    auto const [end, error] = std::from_chars(text, text + std::strlen(text), value);
    return error == std::errc{} && *end == '\0' && value >= 0 ? std::optional(value) : std::nullopt;
}

/// Variable and number.
std::optional<std::pair<char const*, int>> rank_from_launcher() {
    for (auto const* const variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
        if (auto const rank = number_in(variable)) return std::pair(variable, *rank);
    return std::nullopt;
}

}  // namespace

MpiError::MpiError(char const* call, int code)
    : EnvironmentError([&] {
          std::array<char, MPI_MAX_ERROR_STRING> text{};
          int length = 0;
          MPI_Error_string(code, text.data(), &length);
          return fmt::format("{} failed ({})", call, std::string_view(text.data()));
      }()),
      call_(call),
      code_(code) {}

bool launched_as_rank() noexcept {
    guard_tasks();
    return rank_from_launcher().has_value();
}

int launched_rank() noexcept {
    auto const rank = rank_from_launcher();
    return rank ? rank->second : 0;
}

std::string launcher_mark() {
    auto const rank = rank_from_launcher();
    return rank ? fmt::format("{}={}", rank->first, std::getenv(rank->first)) : std::string();
}

std::unique_ptr<comm::Session> make_mpi_session() {
    init_mpi();
    return std::make_unique<MpiSession>(MPI_COMM_WORLD, MpiSession::Ends::mpi);
}

void require_usable(ForeignCommunicator communicator) {
    auto const handle = handle_of(communicator);
    int initialized = 0, finalized = 0;
    MPI_Initialized(&initialized);
    MPI_Finalized(&finalized);
    if (initialized == 0 || finalized != 0)
        throw UsageError(
            finalized != 0 ? "MPI has ended; call plenum::run(communicator, body) before MPI_Finalize"
                           : "MPI is not started; call MPI_Init_thread(..., MPI_THREAD_FUNNELED, ...) before "
                             "plenum::run(communicator, body)");
    int level = MPI_THREAD_SINGLE, is_main = 0;
    check("MPI_Query_thread", MPI_Query_thread(&level));
    if (level < MPI_THREAD_FUNNELED)
        throw UsageError(
            "MPI was started with MPI_THREAD_SINGLE, but Plenum has threads; call MPI_Init_thread(..., "
            "MPI_THREAD_FUNNELED, ...) in place of MPI_Init");
    check("MPI_Is_thread_main", MPI_Is_thread_main(&is_main));
    if (is_main == 0)
        throw UsageError("plenum::run is not on the thread that started MPI; call it from there");
    if (handle == MPI_COMM_NULL)
        throw UsageError("the communicator is MPI_COMM_NULL; only its ranks may call plenum::run");
    int is_inter = 0;
    check("MPI_Comm_test_inter", MPI_Comm_test_inter(handle, &is_inter));
    if (is_inter != 0)
        throw UsageError("the communicator is an intercommunicator; merge it with MPI_Intercomm_merge");
}

std::unique_ptr<comm::Session> make_mpi_session(ForeignCommunicator communicator) {
    return std::make_unique<MpiSession>(handle_of(communicator), MpiSession::Ends::own_handles);
}

}  // namespace plenum::mpi
