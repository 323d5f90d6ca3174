#include <algorithm>
#include <string>
#include <vector>

#include "check.h"
#include "nodevigil/train/class_map.h"

namespace {

using namespace nodevigil;

void check_words(const Error& error, std::size_t most = 1000) {
  fuzz::check(!error.context.empty() && error.context.size() < most);
  for (const char c : error.context) fuzz::check(c >= ' ' && c <= '~');
}

// What a model's file may have as classes.
void check_classes(const ClassMap& map) {
  const std::vector<std::string>& classes = map.classes();
  fuzz::check(classes.front() == "normal");
  for (std::size_t i = 1; i < classes.size(); ++i) {
    fuzz::check(!classes[i].empty() && classes[i].size() <= 40 && classes[i] != "unknown");
    for (const char c : classes[i]) {
      fuzz::check((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
    }
    fuzz::check(std::ranges::count(classes, classes[i]) == 1);
  }
}

void check_types(const ClassMap& map, const std::vector<std::string>& types) {
  const auto classes_of = map.of(types);
  if (!classes_of) {
    fuzz::check(classes_of.error().code == ErrorCode::kNotFound);
    // It names all classes that there are, 100 of 40 letters here.
    check_words(classes_of.error(), 5000);
    return;
  }
  fuzz::check(classes_of->size() == types.size());
  for (const auto& classes : *classes_of) {
    fuzz::check(!classes.empty() && std::ranges::is_sorted(classes));
    fuzz::check(std::ranges::adjacent_find(classes) == classes.end());
    fuzz::check(classes.front() >= 1 && classes.back() < map.classes().size());
  }
}

}  // namespace

// Lines of the text are rules, and types of attacks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> lines(1);
  for (const char c : fuzz::as_text(data, size)) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  // Rules are few; a search through all classes for each is not what is looked at here.
  if (lines.size() > 100) return 0;
  const std::vector<std::string> model{"normal", "cpu", "disk_io"};
  for (const auto& map :
       {ClassMap::of_types(lines), ClassMap::of_rules(lines), ClassMap::of_model(model, lines)}) {
    if (!map) {
      fuzz::check(map.error().code == ErrorCode::kInvalid);
      check_words(map.error());
      continue;
    }
    check_classes(*map);
    check_types(*map, lines);
    for (const std::string& line : lines) {
      check_types(*map, {line});
      for (const std::string_view part : parts_of_type(line)) {
        check_types(*map, {std::string{part}});
      }
    }
  }
  // Types that made the classes all have one.
  if (const auto map = ClassMap::of_types(lines)) fuzz::check(map->of(lines).ok());
  return 0;
}
