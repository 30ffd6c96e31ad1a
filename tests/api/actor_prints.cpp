// Actors that print, for api_actor_output: each line names the actor that wrote it, also the last one before
// a crash and that of a destructor at the end of the program.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <plenum/plenum.hpp>
#include <string_view>

namespace {

class Teller {
public:
    explicit Teller(int value) : value_(value) {}
    Teller(Teller const&) = delete;
    Teller& operator=(Teller const&) = delete;
    ~Teller() { std::printf("value %d ends", value_); }
    void print() const { std::printf("value %d", value_); }
    void stream() const { std::cout << "value " << value_; }
    void die() const {
        constexpr std::string_view words = "last words";
        [[maybe_unused]] auto const written = ::write(STDOUT_FILENO, words.data(), words.size());
        std::abort();
    }

private:
    int value_;
};

}  // namespace

int main(int argc, char** argv) {
    return plenum::run(argc, argv, [](plenum::Pool& pool) {
        auto first = pool.actor<Teller>(plenum::ActorOptions{.rank = pool.ranks() - 1}, 5);
        auto second = pool.actor<Teller>(plenum::ActorOptions{.rank = pool.ranks() - 1}, 7);
        first.tell<&Teller::print>();
        second.call<&Teller::stream>().get();
        try {
            first.call<&Teller::die>().get();
            return 1;
        } catch (plenum::ActorError const&) {
        }
        // Outlives the run: its object is destroyed when the program ends.
        static auto last = pool.actor<Teller>(plenum::ActorOptions{.rank = pool.ranks() - 1}, 9);
        last.wait_until_ready();
        return 0;
    });
}
