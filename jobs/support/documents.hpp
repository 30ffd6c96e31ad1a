// Documents for counting: text files, or made-up text, and their division into batches.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plenum::jobs {

/// The content of the files in `names` (separated by commas), each followed by a line's end; of a folder: all
/// of its regular files, by name. A packed text (is_packed_text) is unpacked. Throws EnvironmentError that
/// names
/// --text and the file when one cannot be read, or all are empty.
[[nodiscard]] std::string read_documents(std::string_view names);

/// `count` lines of 200 words, from 20,000 words whose frequencies fall as in real text. A function of count
/// and seed only; about 1,600 bytes a line.
[[nodiscard]] std::string make_documents(std::uint64_t count, std::uint64_t seed);

/// Where the batch that begins at `first` ends: after about `size` bytes, between two words.
[[nodiscard]] std::uint64_t end_of_batch(std::string_view text, std::uint64_t first,
                                         std::uint64_t size) noexcept;

}  // namespace plenum::jobs
