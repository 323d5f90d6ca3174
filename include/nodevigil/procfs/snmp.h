#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// "CurrEstab" of the Tcp rows of /proc/<pid>/net/snmp: connections in ESTABLISHED or CLOSE-WAIT
/// (RFC 4022 tcpCurrEstab), in constant time. The column is found by its name in the heading row.
/// nullopt where there are no Tcp rows or no such column. The kernel sums without a lock and can
/// print a momentary -1 as 2^64 - 1: a value of 2^63 or more is read as 0. Error kInvalid (quotes
/// the line): a value row missing or shorter than its heading, or no number. Does not allocate on
/// success.
[[nodiscard]] Result<std::optional<std::uint64_t>> parse_snmp_curr_estab(std::string_view text);

}  // namespace nodevigil
