// What the guardian does with labels; tests/system/inject_test.py has the rest.
#include "src/inject/guardian.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "support/temp_dir.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kNoon = 1'700'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000;

Record begun(const std::string& type) {
  Record record{"n1", type, nlohmann::ordered_json::object()};
  record.begin(kNoon, kNoon + 60 * kSecond);
  return record;
}

TEST(Guardian, ClosesWhatIsOpenAndKeepsWhatHadEndedAsItIs) {
  const testing::TempDir dir;
  {
    auto guardian = Guardian::start([&] { return open_window_file(dir.path()); });
    ASSERT_TRUE(guardian);
    Record waiting = begun("cpu");
    waiting.end(kNoon + kSecond, "time limit");
    guardian->watch_window(1, waiting);
    guardian->watch_window(2, begun("memory"));
    guardian->watch_window(3, begun("miner"));
    guardian->forget_window(3);
  }  // it is told nothing more: its supervisor was killed
  ::wait(nullptr);
  const auto store = open_window_file(dir.path());
  ASSERT_TRUE(store);
  const auto kept = (*store)->list({});
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->size(), 2U);
  for (const AnomalyWindow& window : *kept) {
    const bool waited = window.type == "cpu";
    EXPECT_EQ(window.to_us == kNoon + kSecond, waited) << window.type;
    EXPECT_EQ(nlohmann::json::parse(window.details)["end"],
              waited ? "time limit" : "supervisor killed");
  }
}

}  // namespace
}  // namespace nodevigil
