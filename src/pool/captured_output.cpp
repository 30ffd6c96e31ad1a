#include "pool/captured_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

namespace plenum::pool {

CapturedOutput::CapturedOutput(Emit const& emit, std::array<OutputTaken, 2>& taken) : taken_(taken) {
    for (std::size_t stream = 0; stream < pipes_.size(); ++stream) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw EnvironmentError(
                fmt::format("cannot open a pipe ({}); raise the limit on open files", std::strerror(errno)));
        pipes_[stream].read_end.reset(ends[0]);
        pipes_[stream].write_end.reset(ends[1]);
        readers_[stream] = std::make_unique<OutputReader>(
            [emit, error = stream == 1](wire::TaskRange who, std::optional<std::uint32_t> /*batch*/,
                                        std::string text) { emit(who, error, std::move(text)); });
    }
}

void CapturedOutput::read(std::function<std::optional<std::uint64_t>()> const& running) {
    std::array<char, 1 << 16> buffer;
    for (std::size_t stream = 0; stream < pipes_.size(); ++stream) {
        auto const fd = pipes_[stream].read_end.get();
        for (;;) {
            int waiting = 0;
            if (::ioctl(fd, FIONREAD, &waiting) != 0 || waiting <= 0) break;
            auto const size = std::min(static_cast<std::size_t>(waiting), buffer.size());
            auto const before = running();
            auto& taken = taken_[stream];
            taken.begun.store(taken.begun.load() + size);
            auto const bytes = ::read(fd, buffer.data(), size);
            taken.ended.store(taken.begun.load());
            if (bytes <= 0) break;
            readers_[stream]->add({buffer.data(), static_cast<std::size_t>(bytes)},
                                  before == running() ? before : std::nullopt);
        }
    }
}

void CapturedOutput::finish(std::uint64_t current) {
    for (auto& reader : readers_) reader->finish(current);
}

void CapturedOutput::add_poll(std::vector<pollfd>& fds) const {
    for (auto const& pipe : pipes_)
        fds.push_back({.fd = pipe.read_end.get(), .events = POLLIN, .revents = 0});
}

}  // namespace plenum::pool
