#include "nodevigil/train/class_map.h"

#include <algorithm>
#include <set>
#include <span>

#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/split.h"
#include "nodevigil/scoring/model.h"

namespace nodevigil {
namespace {

std::string class_name_of(std::string_view type) {
  std::string name{type};
  std::ranges::replace(name, '-', '_');
  return name;
}

Error no_class_name(std::string_view name) {
  return Error{ErrorCode::kInvalid,
               "'" + printable(std::string{name}) +
                   "' cannot be a class; expected at most 40 of a-z, 0-9 and _, neither normal nor "
                   "unknown (--class NAME=TYPE gives a type another name)",
               ""};
}

}  // namespace

std::vector<std::string_view> parts_of_type(std::string_view type) { return split(type, '+'); }

Result<void> ClassMap::add(const std::string& type, const std::string& class_name) {
  if (!is_cause_name(class_name)) return no_class_name(class_name);
  auto found = std::ranges::find(classes_, class_name);
  if (found == classes_.end()) {
    classes_.push_back(class_name);
    found = classes_.end() - 1;
  }
  const auto index = static_cast<std::uint16_t>(found - classes_.begin());
  if (const auto [at, fresh] = class_of_.try_emplace(type, index); !fresh && at->second != index) {
    return Error{ErrorCode::kInvalid,
                 "'" + printable(type) + "' is in two classes, " + classes_[at->second] + " and " +
                     class_name,
                 ""};
  }
  return {};
}

Result<void> ClassMap::add_rule(const std::string& rule) {
  const auto wrong = [](const std::string& context) {
    return Error{ErrorCode::kInvalid, context, "--class"};
  };
  const std::size_t equals = rule.find('=');
  const auto types = equals == std::string::npos
                         ? std::vector<std::string_view>{""}
                         : split(std::string_view{rule}.substr(equals + 1), ',');
  for (const std::string_view type : types) {
    if (type.empty()) {
      return wrong("expected CLASS=TYPE or CLASS=TYPE,TYPE, got '" + printable(rule) + "'");
    }
    // Such a rule would never be looked at: of() asks for the parts.
    if (type.find('+') != std::string_view::npos) {
      return wrong("'" + printable(std::string{type}) +
                   "' is several attacks at once, which stand for the classes of each; expected "
                   "the type of one");
    }
    if (auto added = add(std::string{type}, rule.substr(0, equals)); !added) {
      return wrong(added.error().context);
    }
  }
  return {};
}

Result<ClassMap> ClassMap::of_types(std::span<const std::string> types) {
  std::vector<std::string> parts;
  for (const std::string& type : types) {
    for (const std::string_view part : parts_of_type(type)) parts.emplace_back(part);
  }
  std::ranges::sort(parts);
  ClassMap map;
  for (const std::string& part : parts) {
    if (auto added = map.add(part, class_name_of(part)); !added) return added.error();
  }
  return map;
}

Result<ClassMap> ClassMap::of_rules(std::span<const std::string> rules) {
  ClassMap map;
  for (const std::string& rule : rules) {
    if (auto added = map.add_rule(rule); !added) return added.error();
  }
  return map;
}

Result<ClassMap> ClassMap::of_model(std::span<const std::string> classes,
                                    std::span<const std::string> rules) {
  ClassMap map;
  map.classes_.assign(classes.begin(), classes.end());
  for (const std::string& rule : rules) {
    if (auto added = map.add_rule(rule); !added) return added.error();
  }
  if (map.classes_.size() > classes.size()) {
    return Error{ErrorCode::kInvalid,
                 "the model has no class " + map.classes_[classes.size()] +
                     "; a class is one of those it was trained for",
                 "--class"};
  }
  for (std::size_t i = 1; i < classes.size(); ++i) {
    map.class_of_.try_emplace(classes[i], static_cast<std::uint16_t>(i));
  }
  return map;
}

Result<std::vector<std::vector<std::uint16_t>>> ClassMap::of(
    std::span<const std::string> types) const {
  std::vector<std::vector<std::uint16_t>> all;
  std::set<std::string> without;
  for (const std::string& type : types) {
    std::vector<std::uint16_t>& classes = all.emplace_back();
    for (const std::string_view part : parts_of_type(type)) {
      auto found = class_of_.find(part);
      if (found == class_of_.end()) found = class_of_.find(class_name_of(part));
      if (found == class_of_.end()) {
        without.insert(printable(std::string{part}));
      } else {
        classes.push_back(found->second);
      }
    }
    std::ranges::sort(classes);
    classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  }
  if (without.empty()) return all;
  const std::string there = comma_list(std::span{classes_}.subspan(1));
  return Error{ErrorCode::kNotFound,
               "no class stands for attacks of type " +
                   short_list(without, [](const std::string& type) { return "'" + type + "'"; }) +
                   ", there are " + (there.empty() ? "none" : there) +
                   "; name one with --class NAME=" + *without.begin() +
                   ", or leave them out with --leave-out",
               ""};
}

}  // namespace nodevigil
