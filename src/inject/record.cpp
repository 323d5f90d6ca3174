#include "record.h"

#include <algorithm>
#include <utility>

#include "nodevigil/base/json_text.h"
#include "nodevigil/base/units.h"

namespace nodevigil {

using Json = nlohmann::ordered_json;

Record::Record(std::string node, std::string type, Json details) : details_(std::move(details)) {
  window_.node = std::move(node);
  window_.type = std::move(type);
  if (!details_.contains("phases")) details_["phases"] = Json::array();
}

void Record::add_phase(std::string_view phase, std::int64_t at_us) {
  details_["phases"].push_back(Json{{"phase", phase}, {"at", format_timestamp(at_us)}});
}

void Record::begin(std::int64_t from_us, std::int64_t to_us) {
  if (first_begin_us_ == 0) first_begin_us_ = from_us;
  window_.from_us = from_us;
  window_.to_us = to_us;
  details_["open"] = true;
}

void Record::end(std::int64_t at_us, std::string_view why) {
  // A clock that was set back must not make a window that no store takes.
  window_.to_us = std::max(at_us, window_.from_us);
  details_.erase("open");
  add_phase("ended", window_.to_us);
  details_["end"] = why;
}

void Record::set(std::string_view name, Json value) {
  details_[std::string{name}] = std::move(value);
}

AnomalyWindow Record::window() const {
  AnomalyWindow whole = window_;
  whole.details = json_text(details_);
  return whole;
}

std::string Record::as_line() const {
  return json_text(Json{{"id", window_.id},
                        {"node", window_.node},
                        {"from_us", window_.from_us},
                        {"first_begin_us", first_begin_us_},
                        {"to_us", window_.to_us},
                        {"type", window_.type},
                        {"details", details_}});
}

Record Record::from_line(std::string_view line) {
  const Json json = Json::parse(line);
  Record record{json["node"], json["type"], json["details"]};
  record.window_.id = json["id"];
  record.window_.from_us = json["from_us"];
  record.first_begin_us_ = json["first_begin_us"];
  record.window_.to_us = json["to_us"];
  return record;
}

Result<void> keep_window(WindowStore& store, Record& record) {
  AnomalyWindow window = record.window();
  if (window.id != 0) return store.update(window);
  WindowFilter alike;
  alike.node = window.node;
  alike.type = window.type;
  alike.from_us = alike.to_us = record.first_begin_us();
  const auto found = store.list(alike);
  if (!found) return found.error();
  const auto same = std::ranges::find(*found, record.first_begin_us(), &AnomalyWindow::from_us);
  if (same != found->end()) {
    window.id = same->id;
    record.set_id(same->id);
    return store.update(window);
  }
  const auto id = store.add(window);
  if (!id) return id.error();
  record.set_id(*id);
  return {};
}

}  // namespace nodevigil
