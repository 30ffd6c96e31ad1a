// The pictures of a folder, as grey images of one size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "support/extent.hpp"
#include "support/image.hpp"

namespace plenum::jobs {

/// Paths of the PNG, JPEG and BMP files (by their endings) directly in `folder`, sorted by name. Throws
/// EnvironmentError that names the folder when it cannot be read or has none.
[[nodiscard]] std::vector<std::string> pictures_in(std::filesystem::path const& folder);

/// The largest part of the image about its centre that has the shape of `extent`, averaged over areas down
/// (or repeated up) to it, as 8 bits. `grey` has extent.size() bytes, row-major.
void fit_image(Image const& image, Extent extent, std::span<std::uint8_t> grey);

}  // namespace plenum::jobs
