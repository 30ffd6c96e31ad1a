#include <plenum/detail/completion.hpp>

namespace plenum::detail {

Completions& completions() noexcept {
    static Completions all;
    return all;
}

bool& runs_callbacks() noexcept {
    static thread_local bool here = false;
    return here;
}

}  // namespace plenum::detail
