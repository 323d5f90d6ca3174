#include "nodevigil/dataset/window_csv.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/json_text.h"
#include "nodevigil/base/part_file.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/csv_reader.h"
#include "nodevigil/dataset/csv_text.h"
#include "nodevigil/store/window_check.h"

namespace nodevigil {
namespace {

// "Anomaly type" and "anomaly_type" are one name.
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c != ' ' && c != '_') {
      text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return text;
}

// The column that has one of the names; the number of columns where there is none.
std::size_t find_column(const std::vector<std::string>& header,
                        std::initializer_list<std::string_view> names) {
  const auto found = std::ranges::find_if(header, [&](const std::string& column) {
    return std::ranges::find(names, plain(column)) != names.end();
  });
  return static_cast<std::size_t>(found - header.begin());
}

std::string as_details(std::string_view text) {
  if (text.empty()) return {};
  const auto parsed = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_object()) return std::string{text};
  return json_text(nlohmann::json{{"text", text}});
}

// What to do about a column that windows_as_csv() does not write.
enum class OtherColumns : std::uint8_t { kLeaveAlone, kRefuse };

Result<std::vector<AnomalyWindow>> read_windows(const std::string& path, const std::string& node,
                                                OtherColumns others) {
  auto opened = CsvReader::open(path);
  if (!opened) return opened.error();
  CsvReader& reader = **opened;
  const std::vector<std::string>& header = reader.header();
  const std::size_t from = find_column(header, {"timestampfrom", "from", "fromts"});
  const std::size_t to = find_column(header, {"timestampto", "to", "tots"});
  const std::size_t type = find_column(header, {"anomalytype", "type"});
  const std::size_t details = find_column(header, {"anomalydetails", "details"});
  const std::size_t node_column = find_column(header, {"node"});
  const std::size_t id = find_column(header, {"id"});
  for (const auto& [column, name] :
       {std::pair{from, "Timestamp_from"}, std::pair{to, "Timestamp_to"},
        std::pair{type, "Anomaly type"}}) {
    if (column == header.size()) {
      return Error{
          ErrorCode::kInvalid,
          "expected a column '" + std::string{name} +
              "'; windows have Timestamp_from, Timestamp_to, Anomaly type, Anomaly details",
          reader.place()};
    }
  }
  const std::array known{from, to, type, details, node_column, id};
  for (std::size_t i = 0; others == OtherColumns::kRefuse && i < header.size(); ++i) {
    if (std::ranges::find(known, i) != known.end()) continue;
    return Error{ErrorCode::kInvalid,
                 "has a column '" + printable(header[i]) +
                     "', which a change of the windows would lose; make a table without it: label "
                     "list --labels FILE --format csv -o OTHER",
                 path};
  }
  std::vector<AnomalyWindow> windows;
  for (;;) {
    const auto got = reader.next();
    if (!got) return got.error();
    if (!*got) return windows;
    const auto field = [&](std::size_t column) {
      return column < header.size() ? reader.fields()[column] : std::string_view{};
    };
    AnomalyWindow window;
    for (const auto& [column, target] :
         {std::pair{from, &window.from_us}, std::pair{to, &window.to_us}}) {
      const auto time = parse_timestamp_us(field(column));
      if (!time) {
        return Error{ErrorCode::kInvalid,
                     "column '" + header[column] + "': " + time.error().context, reader.place()};
      }
      *target = *time;
    }
    window.type = field(type);
    window.details = as_details(field(details));
    window.node = field(node_column);
    if (window.node.empty()) window.node = node;
    if (window.node.empty()) {
      return Error{ErrorCode::kInvalid,
                   "expected a node in a column Node; where windows are only read, --node may say "
                   "which",
                   reader.place()};
    }
    window.id = parse_int(field(id)).value_or(0);
    if (auto sound = check_window(window, reader.place()); !sound) return sound.error();
    windows.push_back(std::move(window));
  }
}

class WindowCsv final : public WindowStore {
 public:
  WindowCsv(std::string path, std::string node) : path_(std::move(path)), node_(std::move(node)) {}

  Result<std::vector<std::int64_t>> add_all(std::span<const AnomalyWindow> windows) override {
    std::vector<std::int64_t> ids;
    const auto done = change([&](std::vector<AnomalyWindow>& all) -> Result<void> {
      std::int64_t id = 0;  // the largest one
      for (const AnomalyWindow& one : all) id = std::max(id, one.id);
      for (const AnomalyWindow& window : windows) {
        if (auto sound = check_window(window, path_); !sound) return sound;
        all.push_back(window);
        all.back().id = ++id;
        ids.push_back(id);
      }
      return {};
    });
    if (!done) return done.error();
    return ids;
  }

  Result<void> update(const AnomalyWindow& window) override {
    return change([&](std::vector<AnomalyWindow>& windows) -> Result<void> {
      const auto found = std::ranges::find(windows, window.id, &AnomalyWindow::id);
      if (found == windows.end()) {
        return Error{ErrorCode::kNotFound, "has no window " + std::to_string(window.id), path_};
      }
      *found = window;
      return check_window(window, path_);
    });
  }

  Result<std::int64_t> remove(const WindowFilter& filter) override {
    std::int64_t removed = 0;
    const auto done = change([&](std::vector<AnomalyWindow>& windows) -> Result<void> {
      removed = static_cast<std::int64_t>(
          std::erase_if(windows, [&](const AnomalyWindow& one) { return fits(one, filter); }));
      return {};
    });
    if (!done) return done.error();
    return removed;
  }

  Result<std::vector<AnomalyWindow>> list(const WindowFilter& filter) override {
    auto windows = read(node_, OtherColumns::kLeaveAlone);
    if (!windows) return windows;
    std::erase_if(*windows, [&](const AnomalyWindow& one) { return !fits(one, filter); });
    std::ranges::sort(*windows, [](const AnomalyWindow& a, const AnomalyWindow& b) {
      return std::pair{a.from_us, a.id} < std::pair{b.from_us, b.id};
    });
    return windows;
  }

  [[nodiscard]] std::string place() const override { return path_; }

 private:
  Result<std::vector<AnomalyWindow>> read(const std::string& node, OtherColumns others) const {
    std::error_code ignored;
    if (!std::filesystem::exists(path_, ignored)) return std::vector<AnomalyWindow>{};
    auto windows = read_windows(path_, node, others);
    if (!windows) return windows;
    std::int64_t id = 0;  // the largest one
    for (const AnomalyWindow& window : *windows) id = std::max(id, window.id);
    for (AnomalyWindow& window : *windows) {
      if (window.id == 0) window.id = ++id;
    }
    return windows;
  }

  template <typename Change>
  Result<void> change(const Change& edit) {
    std::error_code ignored;
    // Beside what links lead to: whatever name a process has for the file, the lock is one.
    const std::string file = std::filesystem::weakly_canonical(path_, ignored);
    const std::string lock_path = (file.empty() ? path_ : file) + ".lock";
    const Descriptor lock{::open(lock_path.c_str(),  // NOLINT: vararg
                                 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
    if (lock.get() < 0) return errno_error(errno, "open", lock_path);
    if (::flock(lock.get(), LOCK_EX) != 0) return errno_error(errno, "lock", lock_path);
    // Not with node_: what a person supposes for once would be written down for good.
    auto windows = read("", OtherColumns::kRefuse);
    if (!windows) return windows.error();
    if (auto edited = edit(*windows); !edited) return edited;
    return write(windows_as_csv(*windows));
  }

  Result<void> write(const std::string& text) const {
    PartFile part;
    if (auto opened = part.open(path_); !opened) return opened;
    {
      const Descriptor file{::open(part.name().c_str(),  // NOLINT: vararg
                                   O_WRONLY | O_TRUNC | O_CLOEXEC)};
      if (file.get() < 0) return errno_error(errno, "open for writing", path_);
      if (const int error = write_all(file.get(), text); error != 0) {
        return errno_error(error, "write", path_);
      }
    }
    return part.publish();
  }

  std::string path_;
  std::string node_;  // of windows whose line names none
};

}  // namespace

Result<std::vector<AnomalyWindow>> read_window_csv(const std::string& path,
                                                   const std::string& node) {
  return read_windows(path, node, OtherColumns::kLeaveAlone);
}

std::string windows_as_csv(std::span<const AnomalyWindow> windows) {
  std::string text = "Timestamp_from,Timestamp_to,Anomaly type,Anomaly details,Node,Id\n";
  for (const AnomalyWindow& window : windows) {
    text += format_timestamp(window.from_us) + ',' + format_timestamp(window.to_us) + ',';
    append_csv(text, window.type);
    text += ',';
    append_csv(text, window.details);
    text += ',';
    append_csv(text, window.node);
    text += ',' + std::to_string(window.id) + '\n';
  }
  return text;
}

Result<std::unique_ptr<WindowStore>> open_window_csv(const std::string& path,
                                                     const std::string& node) {
  std::unique_ptr<WindowStore> store = std::make_unique<WindowCsv>(path, node);
  const auto readable = store->list({});
  if (!readable) return readable.error();
  return store;
}

}  // namespace nodevigil
