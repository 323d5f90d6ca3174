#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"

// What turns the text of an option into its value, each by its name in the table. An error says
// what was expected.
namespace nodevigil {

Result<void> set_duration(std::chrono::milliseconds& target, std::string_view text,
                          std::chrono::milliseconds least);
Result<void> set_text(std::string& target, std::string_view text);
/// Of at most `most` bytes.
Result<void> set_short_text(std::string& target, std::string_view text, std::size_t most);
Result<void> add_text(std::vector<std::string>& target, std::string_view text);
Result<void> set_regex(std::string& target, std::string_view text);
Result<void> set_switch(bool& target, std::string_view text);
Result<void> set_one_of(std::string& target, std::string_view text,
                        std::initializer_list<std::string_view> choices);
Result<void> set_console(Options& options, std::string_view text);
Result<void> set_records(Options& options, std::string_view text);
Result<void> set_number(std::int64_t& target, std::string_view text, std::int64_t least,
                        std::int64_t most);
// Of faults: not longer than a day, so that one that was forgotten ends.
Result<void> set_fault_time(std::chrono::milliseconds& target, std::string_view text,
                            std::chrono::milliseconds least);
Result<void> set_budget(Options& options, std::string_view text);
Result<void> set_share(double& target, std::string_view text);
Result<void> set_deviation(double& target, std::string_view text);
Result<void> set_balance(Options& options, std::string_view text);
Result<void> set_alpha(Options& options, std::string_view text);
Result<void> add_fold_by(Options& options, std::string_view text);
Result<void> set_warmup(Options& options, std::string_view text);
Result<void> set_node(Options& options, std::string_view text);
// Postgres would cut a longer name, and mean another login than the one that gets the rights.
Result<void> set_login(Options& options, std::string_view text);
Result<void> set_bytes(std::int64_t& target, std::string_view text, std::int64_t least);
// A time, or how long ago.
Result<void> set_instant(std::optional<std::int64_t>& target, std::string_view text);
Result<void> set_id(Options& options, std::string_view text);
Result<void> set_postgres_url(Options& options, std::string_view text);
Result<void> add_alertmanager(Options& options, std::string_view text);
Result<void> add_alert_label(Options& options, std::string_view text);
Result<void> set_external_url(Options& options, std::string_view text);
Result<void> set_prometheus_url(Options& options, std::string_view text);
Result<void> set_max_points(Options& options, std::string_view text);
Result<void> set_max_answer(Options& options, std::string_view text);
Result<void> set_listen_address(Options& options, std::string_view text);
Result<void> set_web_config(Options& options, std::string_view text);

}  // namespace nodevigil
