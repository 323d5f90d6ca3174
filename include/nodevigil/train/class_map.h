#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Which classes of a model stand for an attack of some type. What is labelled with two types at
/// once ("cpu+disk-write") stands for the classes of both.
class ClassMap {
 public:
  /// Each type for itself, in the order of their names: "disk-write" is the class disk_write.
  /// Errors: kInvalid, a type whose name cannot be made a class's.
  [[nodiscard]] static Result<ClassMap> of_types(std::span<const std::string> types);
  /// By rules "CLASS=TYPE,TYPE,...", in this order. Errors: kInvalid, a rule that is none, or is
  /// about several attacks at once.
  [[nodiscard]] static Result<ClassMap> of_rules(std::span<const std::string> rules);
  /// For a model's classes: by `rules`, else a type is the class of its name. Classes that rules
  /// name and the model has not: error kInvalid.
  [[nodiscard]] static Result<ClassMap> of_model(std::span<const std::string> classes,
                                                 std::span<const std::string> rules);

  /// "normal", then the others.
  [[nodiscard]] const std::vector<std::string>& classes() const { return classes_; }
  /// The classes of an attack of each type, rising. Error kNotFound: names the first
  /// parts of types that have none.
  [[nodiscard]] Result<std::vector<std::vector<std::uint16_t>>> of(
      std::span<const std::string> types) const;

 private:
  [[nodiscard]] Result<void> add_rule(const std::string& rule);
  [[nodiscard]] Result<void> add(const std::string& type, const std::string& class_name);

  std::vector<std::string> classes_{"normal"};
  std::map<std::string, std::uint16_t, std::less<>> class_of_;  // by type
};

/// The parts of a type: "cpu+disk-write" is "cpu" and "disk-write".
[[nodiscard]] std::vector<std::string_view> parts_of_type(std::string_view type);

}  // namespace nodevigil
