#include <plenum/detail/completion.hpp>

namespace plenum::detail {

Completions& completions() noexcept {
    static Completions all;
    return all;
}

}  // namespace plenum::detail
