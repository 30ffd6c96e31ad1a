// A rank's care for its actors: starts their host, hands calls to it, answers for it when it dies, makes
// actors again.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "pool/actor_host.hpp"
#include "pool/captured_output.hpp"
#include "pool/isolation.hpp"
#include "pool/record_socket.hpp"

namespace plenum::pool {

class ActorKeeper {
public:
    struct Options {
        Isolation isolation = Isolation::process;
        int rank = 0;
        std::string host;
        std::function<void(wire::ActorRecord const&)>
            send;  ///< answers and credit, and what actors tell actors
        std::function<void(wire::Output)> output;
    };
    /// Before the fork server, which inherits the host's output pipes and note.
    explicit ActorKeeper(Options options);
    ActorKeeper(ActorKeeper const&) = delete;
    ActorKeeper& operator=(ActorKeeper const&) = delete;
    ActorKeeper(ActorKeeper&&) = delete;
    ActorKeeper& operator=(ActorKeeper&&) = delete;
    ~ActorKeeper();

    /// How a host process is started: gets its end of the socket, gives the process id.
    void start_hosts_with(std::function<pid_t(int socket)> spawn) { spawn_ = std::move(spawn); }
    [[nodiscard]] ActorHost::Place place() const;

    /// A record for an actor of this rank.
    void take(wire::ActorRecord const& record);
    /// Moves records and output, sees the host's end. Never blocks.
    void tick();
    void add_poll(std::vector<pollfd>& fds) const;
    /// Lets the host destroy its actors and leave; kills it after `grace_ms`. Calls that wait are dropped.
    void stop(int grace_ms);

private:
    struct Actor {
        std::string type;
        wire::ActorRecord create;  // kept while it may be needed again
        std::uint64_t restarts = 0;
        std::string gone;  // why it does not live any more
    };
    struct Owed {  // to callers, when the socket has taken the bytes up to `end`
        std::uint64_t end;
        wire::ActorHead head;  // of the last record
        std::uint64_t bytes;
    };

    void start();
    void create(wire::ActorRecord const& record);
    void forward(wire::ActorRecord const& record);
    void fail(wire::ActorHead const& head, std::string const& type, FailureCause cause,
              std::string const& message);
    void pay_credit(std::uint64_t sent);
    void credit(wire::ActorHead const& head, std::uint64_t bytes);
    void on_host_record(wire::ActorRecord const& record);
    /// Moves what is there. False: the host has closed its end.
    bool exchange();
    void on_host_end(int status);

    Options options_;
    std::function<pid_t(int)> spawn_;
    ActorHostNote* note_ = nullptr;  // in memory shared with the host
    std::unique_ptr<CapturedOutput> output_;
    RecordSocket socket_;
    pid_t child_ = -1;
    base::UniqueFd child_fd_;
    std::thread thread_;  // the host with Isolation::none
    bool runs_ = false;
    std::uint64_t oom_kills_ = 0;
    std::map<std::uint64_t, Actor> actors_;
    std::uint64_t newest_ = 0;  // highest number of an actor that has come here
    std::map<std::uint64_t, std::vector<wire::ActorRecord>> early_;  // by actor; see take()
    std::deque<wire::ActorHead> unanswered_;                         // in the order in which the host answers
    std::deque<Owed> owed_;
};

}  // namespace plenum::pool
