#include "option_setters.h"

#include <algorithm>
#include <utility>

#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/schedule.h"
#include "nodevigil/scoring/baselines.h"
#include "nodevigil/serve/http_server.h"

namespace nodevigil {

using Text = std::string_view;
using std::chrono::milliseconds;

namespace {

Error expected(const std::string& what, Text got) {
  return Error{ErrorCode::kInvalid, "expected " + what + ", got '" + printable(got) + "'", ""};
}

// The longest that nanoseconds of 64 bits can count a thousand of.
constexpr milliseconds kLongest = std::chrono::days{100};

}  // namespace

Result<void> set_duration(milliseconds& target, Text text, milliseconds least) {
  const auto duration = parse_duration(text);
  if (!duration) return duration.error();
  if (*duration < least) return expected("at least " + format_duration(least), text);
  if (*duration > kLongest) return expected("at most " + format_duration(kLongest), text);
  target = *duration;
  return {};
}

Result<void> set_text(std::string& target, Text text) {
  target = text;
  return {};
}

Result<void> set_short_text(std::string& target, Text text, std::size_t most) {
  if (text.size() > most) return expected("at most " + std::to_string(most) + " bytes", text);
  return set_text(target, text);
}

Result<void> add_text(std::vector<std::string>& target, Text text) {
  if (!text.empty()) target.emplace_back(text);
  return {};
}

Result<void> set_regex(std::string& target, Text text) {
  const auto filter =
      DeviceFilter::make(std::string{text}, "", [](std::string_view) { return true; });
  if (!filter) return Error{ErrorCode::kInvalid, filter.error().context, ""};
  target = text;
  return {};
}

Result<void> set_switch(bool& target, Text text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") {
    target = true;
  } else if (text == "false" || text == "0" || text == "no" || text == "off") {
    target = false;
  } else {
    return expected("true or false", text);
  }
  return {};
}

Result<void> set_one_of(std::string& target, Text text, std::initializer_list<Text> choices) {
  if (std::ranges::find(choices, text) == choices.end()) {
    return expected("one of " + comma_list(choices), text);
  }
  target = text;
  return {};
}

Result<void> set_console(Options& options, Text text) {
  std::string word;
  if (auto result = set_one_of(word, text, {"auto", "on", "off"}); !result) return result;
  options.console = word == "auto" ? Console::kAuto : word == "on" ? Console::kOn : Console::kOff;
  return {};
}

Result<void> set_records(Options& options, Text text) {
  const auto number = parse_int(text);
  if (!number || *number < 0) return expected("a number of rows, 0 for no end", text);
  options.records = *number;
  return {};
}

Result<void> set_number(std::int64_t& target, Text text, std::int64_t least, std::int64_t most) {
  const auto number = parse_int(text);
  if (!number || *number < least || *number > most) {
    return expected("a number from " + std::to_string(least) + " to " + std::to_string(most), text);
  }
  target = *number;
  return {};
}

// Of faults: not longer than a day, so that one that was forgotten ends.
Result<void> set_fault_time(milliseconds& target, Text text, milliseconds least) {
  auto set = set_duration(target, text, least);
  if (set && target > kLongestFault) return expected("at most 24h", text);
  return set;
}

Result<void> set_budget(Options& options, Text text) {
  const auto number = parse_double(text);
  if (!number || *number <= 0 || *number > 10'000) {
    return expected("false alarms per week, more than 0 and at most 10000", text);
  }
  options.scoring.alerts_per_week = *number;
  return {};
}

Result<void> set_share(double& target, Text text) {
  const auto number = parse_double(text);
  if (!number || *number < 0 || *number > 1) return expected("a number from 0 to 1", text);
  target = *number;
  return {};
}

Result<void> set_deviation(double& target, Text text) {
  const auto number = parse_double(text);
  if (!number || *number < 0 || *number > Baselines::kMaxZ) {
    return expected("deviations, from 0 to 20", text);
  }
  target = *number;
  return {};
}

Result<void> set_balance(Options& options, Text text) {
  const auto found = std::ranges::find(kBalanceNames, text);
  if (found == kBalanceNames.end()) return expected("one of " + comma_list(kBalanceNames), text);
  options.train.balance = static_cast<Balance>(found - kBalanceNames.begin());
  return {};
}

Result<void> set_alpha(Options& options, Text text) {
  options.train.alpha.reset();
  if (text == "auto") return {};
  double alpha = 0;
  if (!set_share(alpha, text)) return expected("auto, or a number from 0 to 1", text);
  options.train.alpha = alpha;
  return {};
}

Result<void> add_fold_by(Options& options, Text text) {
  std::string word;
  if (auto result = set_one_of(word, text, {"incident", "node", "row"}); !result) return result;
  options.train.fold_by.push_back(std::move(word));
  return {};
}

Result<void> set_warmup(Options& options, Text text) {
  const auto number = parse_int(text);
  if (!number || *number < 10 || *number > 1000) {
    return expected("a number of samples from 10 to 1000", text);
  }
  options.scoring.warmup_samples = static_cast<int>(*number);
  return {};
}

Result<void> set_node(Options& options, Text text) {
  if (text.size() > 253) return expected("a node name of at most 253 bytes", text);
  options.node = text;
  return {};
}

// Postgres would cut a longer name, and mean another login than the one that gets the rights.
Result<void> set_login(Options& options, Text text) {
  if (text.size() > 63) return expected("a login of at most 63 bytes", text);
  options.login = text;
  return {};
}

Result<void> set_bytes(std::int64_t& target, Text text, std::int64_t least) {
  const auto bytes = parse_bytes(text);
  if (!bytes) return bytes.error();
  if (*bytes < least) return expected("at least " + format_bytes(least), text);
  target = *bytes;
  return {};
}

// A time, or how long ago.
Result<void> set_instant(std::optional<std::int64_t>& target, Text text) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  target.reset();
  if (text.empty()) return {};
  const auto now = duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch());
  if (text == "now") {
    target = now.count();
    return {};
  }
  if (const auto ago = parse_duration(text)) {
    target = (now - duration_cast<microseconds>(*ago)).count();
    return {};
  }
  const auto time = parse_timestamp_us(text);
  if (!time) {
    return expected("a time such as 2026-11-21T23:00:00Z, seconds since 1970, or 2h (ago)", text);
  }
  target = *time;
  return {};
}

Result<void> set_id(Options& options, Text text) {
  const auto number = parse_int(text);
  if (!number || *number < 0) return expected("the number of a window", text);
  options.id = *number;
  return {};
}

Result<void> set_postgres_url(Options& options, Text text) {
  if (!text.empty()) {
    if (auto sound = check_postgres_url(std::string{text}); !sound) {
      return Error{ErrorCode::kInvalid, sound.error().context, ""};
    }
  }
  options.postgres.url = text;
  return {};
}

Result<void> add_alertmanager(Options& options, Text text) {
  if (text.empty()) return {};
  const std::string url{text};
  const auto name = public_url(url);
  if (!name) return name.error();
  const auto same = [&](const std::string& other) { return *public_url(other) == *name; };
  if (std::ranges::any_of(options.alertmanager_urls, same)) {
    return Error{ErrorCode::kInvalid, "'" + *name + "' is given twice", ""};
  }
  options.alertmanager_urls.push_back(url);
  return {};
}

Result<void> add_alert_label(Options& options, Text text) {
  if (text.empty()) return {};
  const std::size_t equals = text.find('=');
  const Text name = text.substr(0, equals);
  const auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  if (equals == Text::npos || name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) ||
      !std::ranges::all_of(name, fits)) {
    return expected("NAME=VALUE with a name of letters, digits and '_'", text);
  }
  if (is_own_alert_label(name)) {
    return expected("a label that alerts do not have already", name);
  }
  options.alertmanager.alerts.labels[std::string{name}] = text.substr(equals + 1);
  return {};
}

Result<void> set_external_url(Options& options, Text text) {
  if (!text.empty()) {
    const std::string url{text};
    if (!public_url(url) || has_user(url)) {
      return Error{ErrorCode::kInvalid, "expected a URL like https://HOST/PATH, without user", ""};
    }
  }
  options.web_external_url = text;
  return {};
}

Result<void> set_prometheus_url(Options& options, Text text) {
  if (!text.empty()) {
    if (const auto name = public_url(std::string{text}); !name) return name.error();
  }
  options.import.url = text;
  return {};
}

Result<void> set_max_points(Options& options, Text text) {
  // What Prometheus gives at most.
  constexpr std::int64_t kMost = 11'000;
  const auto number = parse_int(text);
  if (!number || *number < 1 || *number > kMost) {
    return expected("a number of points from 1 to " + std::to_string(kMost), text);
  }
  options.import.most_points = static_cast<std::size_t>(*number);
  return {};
}

Result<void> set_max_answer(Options& options, Text text) {
  std::int64_t bytes = 0;
  if (auto set = set_bytes(bytes, text, std::int64_t{64} << 10); !set) return set;
  options.import.http.longest_answer = static_cast<std::size_t>(bytes);
  return {};
}

Result<void> set_listen_address(Options& options, Text text) {
  if (auto sound = check_listen_address(std::string{text}); !sound) {
    return Error{ErrorCode::kInvalid, sound.error().context + ", got '" + printable(text) + "'",
                 ""};
  }
  options.listen_address = text;
  return {};
}

Result<void> set_web_config(Options& options, Text text) {
  if (!text.empty()) {
    return Error{ErrorCode::kInvalid,
                 "TLS and authentication are not built into this version; leave it empty and put a "
                 "proxy or a NetworkPolicy in front",
                 ""};
  }
  options.web_config_file.clear();
  return {};
}

}  // namespace nodevigil
