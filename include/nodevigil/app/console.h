#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "nodevigil/serve/live.h"
#include "nodevigil/store/forwarder.h"
#include "nodevigil/store/journal_writer.h"

namespace nodevigil {

/// One line for people: time, score against its threshold, verdict, the metrics that stand out.
/// `columns`: the width of the terminal: the line is cut to it, begins with a carriage return and
/// clears the rest, so that it takes the place of the one before. 0: no terminal; the line is
/// whole and ends with a newline.
[[nodiscard]] std::string console_line(const Live& live, std::size_t columns);

/// The last line: what has become of the rows, the newest of which has number `newest_seq`.
/// `postgres`: nullopt where none is used.
[[nodiscard]] std::string closing_line(const JournalWriterStats& journal, std::int64_t newest_seq,
                                       const std::optional<ForwarderStats>& postgres,
                                       const std::string& journal_path);

}  // namespace nodevigil
