#include "nodevigil/train/class_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

Result<ClassMap> of_types(const Texts& types) { return ClassMap::of_types(types); }
Result<ClassMap> of_rules(const Texts& rules) { return ClassMap::of_rules(rules); }
Result<ClassMap> of_model(const Texts& classes, const Texts& rules) {
  return ClassMap::of_model(classes, rules);
}

std::string words(const Result<ClassMap>& map) { return map ? "" : map.error().message(); }

/// The classes of a type, which must have some.
std::vector<std::uint16_t> classes_of(const Result<ClassMap>& map, const std::string& type) {
  const auto classes = map->of(Texts{type});
  if (classes) return classes->front();
  ADD_FAILURE() << classes.error().message();
  return {};
}

TEST(TypeParts, AreWhatStandsBetweenPlusSigns) {
  EXPECT_THAT(parts_of_type("cpu"), ElementsAre("cpu"));
  EXPECT_THAT(parts_of_type("cpu+disk-write"), ElementsAre("cpu", "disk-write"));
  EXPECT_THAT(parts_of_type("+a++"), ElementsAre("", "a", "", ""));
}

TEST(ClassesOfTypes, EachTypeIsAClassInTheOrderOfNames) {
  const auto map = of_types({"disk-write", "cpu", "memory+cpu"});
  ASSERT_TRUE(map) << words(map);
  EXPECT_THAT(map->classes(), ElementsAre("normal", "cpu", "disk_write", "memory"));
  EXPECT_THAT(classes_of(map, "disk-write"), ElementsAre(2));
  EXPECT_THAT(classes_of(map, "cpu"), ElementsAre(1));
}

TEST(ClassesOfTypes, WhatIsLabelledTwiceStandsForBoth) {
  const auto map = of_types({"a", "b", "c"});
  ASSERT_TRUE(map);
  EXPECT_THAT(classes_of(map, "c+a"), ElementsAre(1, 3)) << "rising";
  EXPECT_THAT(classes_of(map, "b+b"), ElementsAre(2)) << "each once";
}

TEST(ClassesOfTypes, TypesThatDifferInADashAreOneClass) {
  const auto map = of_types({"port-scan", "port_scan"});
  ASSERT_TRUE(map);
  EXPECT_THAT(map->classes(), ElementsAre("normal", "port_scan"));
  EXPECT_THAT(classes_of(map, "port-scan+port_scan"), ElementsAre(1));
}

TEST(ClassesOfTypes, NoTypesAreNoClassesButNormal) {
  const auto map = of_types({});
  ASSERT_TRUE(map);
  EXPECT_THAT(map->classes(), ElementsAre("normal"));
}

TEST(ClassesOfTypes, ATypeThatIsNoNameIsToldWithARemedy) {
  for (const char* type : {"Memory", "it's", "", "normal", "unknown", "cpu+", "a b", "\xc3\xa4",
                           "a23456789_b23456789_c23456789_d23456789_e"}) {
    const auto map = of_types({"cpu", type});
    ASSERT_FALSE(map) << type;
    EXPECT_EQ(map.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(words(map), HasSubstr("cannot be a class"));
    EXPECT_THAT(words(map), HasSubstr("--class NAME=TYPE"));
  }
  EXPECT_THAT(words(of_types({"x\x1b[2J"})), HasSubstr("'x\\x1b[2J'")) << "nothing for terminals";
  EXPECT_TRUE(of_types({"a23456789_b23456789_c23456789_d23456789_"}));
}

TEST(ClassRules, ClassesComeInTheOrderOfTheRules) {
  const auto map = of_rules({"disk=disk-write,disk-read", "busy=cpu", "disk=disk-fill"});
  ASSERT_TRUE(map) << words(map);
  EXPECT_THAT(map->classes(), ElementsAre("normal", "disk", "busy"));
  for (const char* type : {"disk-write", "disk-read", "disk-fill", "disk-fill+disk-read"}) {
    EXPECT_THAT(classes_of(map, type), ElementsAre(1)) << type;
  }
  EXPECT_THAT(classes_of(map, "cpu+disk-read"), ElementsAre(1, 2));
}

TEST(ClassRules, MayNameTypesThatCouldNotBeClasses) {
  const auto map = of_rules({"memory=Memory leak (1=2)"});
  ASSERT_TRUE(map) << words(map);
  EXPECT_THAT(classes_of(map, "Memory leak (1=2)"), ElementsAre(1));
}

TEST(ClassRules, ATypeWithoutAClassIsToldWithBothRemedies) {
  const auto map = of_rules({"busy=cpu"});
  ASSERT_TRUE(map);
  for (const char* type : {"disk-write", "cpu+disk-write"}) {
    const auto classes = map->of(Texts{type});
    ASSERT_FALSE(classes) << type;
    EXPECT_EQ(classes.error().code, ErrorCode::kNotFound);
    EXPECT_THAT(classes.error().message(), HasSubstr("attacks of type 'disk-write'"));
    EXPECT_THAT(classes.error().message(), HasSubstr("--class NAME=disk-write"));
    EXPECT_THAT(classes.error().message(), HasSubstr("--leave-out"));
  }
  EXPECT_FALSE(map->of(Texts{"normal"})) << "no attack is of that class";
  EXPECT_FALSE(map->of(Texts{""}));
}

TEST(ClassRules, AllTypesWithoutAClassAreToldAtOnce) {
  const auto classes = of_rules({"busy=cpu"})->of(Texts{"miner", "cpu", "fd-leak+cpu+miner"});
  ASSERT_FALSE(classes);
  EXPECT_THAT(classes.error().message(), HasSubstr("attacks of type 'fd-leak', 'miner', there"));
}

TEST(ClassRules, WhatIsNoRuleIsRefused) {
  for (const char* rule :
       {"", "cpu", "cpu=", "=cpu", "=", "Cpu=x", "c-u=x", " c=x", "normal=x", "unknown=x",
        "a23456789_b23456789_c23456789_d23456789_e=x", "a=x,", "a=,x", "a=x,,y"}) {
    const auto map = of_rules({rule});
    ASSERT_FALSE(map) << rule;
    EXPECT_EQ(map.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(words(map), HasSubstr("expected"));
  }
  EXPECT_THAT(words(of_rules({"cpu"})), HasSubstr("expected CLASS=TYPE or CLASS=TYPE,TYPE, got"));
}

TEST(ClassRules, SeveralAttacksAtOnceHaveNoClassOfTheirOwn) {
  EXPECT_THAT(words(of_rules({"busy=cpu,disk-write", "both=cpu+disk-write"})),
              HasSubstr("'cpu+disk-write' is several attacks at once"));
  EXPECT_THAT(words(of_model({"normal", "busy"}, {"busy=a+b"})), HasSubstr("several attacks"));
}

TEST(ClassRules, ATypeIsOfOneClass) {
  EXPECT_THAT(words(of_rules({"a=x,y", "b=y"})), HasSubstr("'y' is in two classes, a and b"));
  EXPECT_TRUE(of_rules({"a=x,x", "a=x"})) << "to say it twice does no harm";
}

TEST(ClassesOfAModel, ATypeIsTheClassOfItsName) {
  const auto map = of_model({"normal", "net", "disk_io"}, {});
  ASSERT_TRUE(map);
  EXPECT_THAT(map->classes(), ElementsAre("normal", "net", "disk_io"));
  EXPECT_THAT(classes_of(map, "disk-io"), ElementsAre(2));
  EXPECT_THAT(classes_of(map, "disk_io+net"), ElementsAre(1, 2));
  EXPECT_FALSE(map->of(Texts{"cpu"}));
  EXPECT_FALSE(map->of(Texts{"normal"}));
}

TEST(ClassesOfAModel, RulesWinOverNames) {
  const auto map = of_model({"normal", "net", "disk"}, {"disk=net,udp-flood"});
  ASSERT_TRUE(map) << words(map);
  EXPECT_THAT(map->classes(), ElementsAre("normal", "net", "disk")) << "the model's own order";
  EXPECT_THAT(classes_of(map, "net"), ElementsAre(2));
  EXPECT_THAT(classes_of(map, "udp-flood"), ElementsAre(2));
  EXPECT_THAT(classes_of(map, "disk"), ElementsAre(2)) << "what no rule names keeps its own";
}

TEST(ClassesOfAModel, ARuleForAClassItHasNotIsRefused) {
  const auto map = of_model({"normal", "net"}, {"net=a", "gpu=b"});
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error().path, "--class");
  EXPECT_THAT(words(map), HasSubstr("the model has no class gpu"));
}

}  // namespace
}  // namespace nodevigil
