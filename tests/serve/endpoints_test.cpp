#include "nodevigil/serve/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "serve/hand_made.h"
#include "serve/http_client.h"

namespace nodevigil {
namespace {

using nlohmann::json;
using serve_test::HandMade;
using ::testing::HasSubstr;
using ::testing::Not;

HttpResponse ask(HandMade& made, const std::string& path) {
  return make_routes(made.sources()).at(path).answer({path, {}});
}

TEST(Healthz, IsFineWhileTicksAreFresh) {
  HandMade made;
  const auto routes = make_routes(made.sources());
  made.clock.advance_seconds(30);
  EXPECT_EQ(routes.at("/healthz").answer({}).status, 200);
}

TEST(Healthz, FailsWithTheReasonWhenTicksStop) {
  HandMade made;
  const auto routes = make_routes(made.sources());
  made.clock.advance_seconds(31);
  const auto answer = routes.at("/healthz").answer({});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "last tick 31.0 s ago, expected within 30.0 s\n");
}

TEST(Healthz, GivesTheFirstTickItsTime) {
  HandMade made{Live{}};
  const auto routes = make_routes(made.sources());
  EXPECT_EQ(routes.at("/healthz").answer({}).status, 200);
  made.clock.advance_seconds(31);
  EXPECT_EQ(routes.at("/healthz").answer({}).status, 503);
  EXPECT_THAT(routes.at("/healthz").answer({}).body,
              HasSubstr("no tick in the 31.0 s since the start"));
}

TEST(Readyz, IsNotReadyBeforeTheFirstRow) {
  HandMade made{Live{}};
  const auto answer = ask(made, "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("first sample"));
}

TEST(Readyz, CountsWarmupAsReadyAndSaysSo) {
  Live live = serve_test::hand_made_live();
  live.row.scored.phase = Phase::kWarmup;
  live.warmup_progress = 0.559;
  HandMade made{live};
  const auto answer = ask(made, "/readyz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("warm-up: 55 %"));
}

TEST(Readyz, CountsADegradedJournalAsReadyAndSaysSo) {
  HandMade made;
  made.journal.healthy = false;
  made.journal.error = "/s/journal.db: cannot append rows: disk is full";
  const auto answer = ask(made, "/readyz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("journal: degraded, /s/journal.db: cannot append rows"));
  EXPECT_THAT(answer.body, HasSubstr("3 rows queued, 4 lost"));
}

TEST(Readyz, FailsWhenTicksStop) {
  HandMade made;
  const auto routes = make_routes(made.sources());
  made.clock.advance_seconds(31);
  EXPECT_EQ(routes.at("/readyz").answer({}).status, 503);
}

TEST(Status, TellsOfTheAgentAndItsNewestRow) {
  HandMade made;
  const auto answer = ask(made, "/api/v1/status");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  const json body = json::parse(answer.body);
  EXPECT_EQ(body["node"], "node-1");
  EXPECT_EQ(body["started"], "2026-11-22T00:00:00.000000Z");
  EXPECT_EQ(body["interval_seconds"], 10);
  EXPECT_EQ(body["phase"], "ready");
  EXPECT_EQ(body["warmup_progress"], 1);
  EXPECT_EQ(body["anomalies"], 5);
  EXPECT_EQ(body["baseline_samples"], 60480);
  EXPECT_EQ(body["slow_baseline_warm"], true);
  EXPECT_TRUE(body["version"].is_string());
  EXPECT_TRUE(body["revision"].is_string());

  const json& row = body["row"];
  EXPECT_EQ(row["seq"], 4711);
  EXPECT_EQ(row["ts"], "2026-11-22T00:00:00.000000Z");
  EXPECT_EQ(row["verdict"], "cpu");
  EXPECT_EQ(row["anomalous"], true);
  EXPECT_EQ(row["over"], true);
  EXPECT_EQ(row["frozen"], true);
  EXPECT_EQ(row["relearning"], false);
  EXPECT_EQ(row["score"], 5.5);
  EXPECT_EQ(row["threshold"], 4.5);
  EXPECT_EQ(row["score_smoothed"], 4.125);
  EXPECT_EQ(row["threshold_smoothed"], 3.75);
  EXPECT_EQ(row["metrics"].size(), kMetricCount);
  EXPECT_EQ(row["metrics"]["load1"], (json{{"value", 1009.5},
                                           {"feature", 6.25},
                                           {"z", 14.25},
                                           {"usual_low", 0.1},
                                           {"usual_high", 0.9}}));
  EXPECT_EQ(row["metrics"]["disk_read"]["value"], nullptr);
  EXPECT_EQ(row["metrics"]["disk_read"]["z"], nullptr);
  EXPECT_EQ(row["explanation"]["verdict"], "cpu");
  EXPECT_TRUE(row["explanation"]["summary"].is_string());
}

TEST(Status, TellsOfSourcesTicksJournalAndModel) {
  HandMade made;
  const json body = json::parse(ask(made, "/api/v1/status").body);
  EXPECT_EQ(body["sources"].size(), kSourceCount);
  EXPECT_EQ(body["sources"]["diskstats"],
            (json{{"up", false}, {"failures", 7}, {"read_seconds", 0.003}}));
  EXPECT_EQ(body["sources"]["stat"]["up"], true);
  EXPECT_EQ(body["ticks"],
            (json{{"count", 18}, {"late", 3}, {"missed", 1}, {"duration_seconds_sum", 0.0625}}));
  EXPECT_EQ(body["journal"]["rows"], 80);
  EXPECT_EQ(body["journal"]["healthy"], true);
  EXPECT_EQ(body["journal"]["dropped_rows"], 4);
  EXPECT_EQ(body["model"]["name"], "hand-made");
  EXPECT_EQ(body["model"]["hash"], "0123456789abcdef");
  EXPECT_EQ(body["model"]["origin"], "compiled-in");
  EXPECT_EQ(body["model"]["classes"], (json{"normal", "cpu", "disk"}));
  EXPECT_EQ(body["model"]["reload_failures"], 2);
}

TEST(Status, TellsOfPostgresAndItsFailuresByKind) {
  HandMade made;
  EndpointSources sources = made.sources();
  EXPECT_EQ(json::parse(ask(made, "/api/v1/status").body).at("postgres"), nullptr);
  ForwarderStats stats;
  stats.connections = 9;
  stats.failures[static_cast<std::size_t>(ErrorCode::kTimeout)] = 2;
  sources.forwarder_stats = [stats] { return stats; };
  const json body = json::parse(make_routes(sources).at("/api/v1/status").answer({}).body);
  const json& told = body.at("postgres");
  EXPECT_EQ(told.at("connections"), 9);
  EXPECT_EQ(told.at("failures").size(), kErrorCodeNames.size());
  EXPECT_EQ(told.at("failures").at("timeout"), 2);
  EXPECT_EQ(told.at("failures").at("io"), 0);
}

TEST(Status, TellsOfAlertmanagers) {
  HandMade made;
  const json told = json::parse(ask(made, "/api/v1/status").body).at("alertmanagers").at(0);
  EXPECT_EQ(told.at("url"), "http://am:9093");
  EXPECT_EQ(told.at("healthy"), false);
  EXPECT_THAT(told.at("error").get<std::string>(), HasSubstr("Connection refused"));
  EXPECT_EQ(told.at("notifications"), 3);
  EXPECT_EQ(told.at("failures"), 1);
  EXPECT_EQ(told.at("dropped"), 2);
  EXPECT_EQ(told.at("alerts"), 1);
}

TEST(Readyz, CountsAnAlertmanagerThatIsAwayAsReadyAndSaysSo) {
  HandMade made;
  const auto answer = ask(made, "/readyz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("alertmanager http://am:9093/api/v2/alerts: Connection "
                                     "refused; alerts are kept"));
}

TEST(Status, AnswersBeforeTheFirstTick) {
  HandMade made{Live{}};
  const json body = json::parse(ask(made, "/api/v1/status").body);
  EXPECT_EQ(body["phase"], "starting");
  EXPECT_EQ(body["row"], nullptr);
  EXPECT_EQ(body["model"], nullptr);
}

TEST(Status, HasNoVerdictInWarmup) {
  Live live = serve_test::hand_made_live();
  live.row.scored = Scored{};
  HandMade made{live};
  const json body = json::parse(ask(made, "/api/v1/status").body);
  EXPECT_EQ(body["phase"], "warmup");
  EXPECT_EQ(body["row"]["verdict"], nullptr);
  EXPECT_EQ(body["row"]["score"], nullptr);
  EXPECT_EQ(body["row"]["explanation"], nullptr);
  EXPECT_EQ(body["row"]["metrics"]["load1"]["value"], 1009.5);
  EXPECT_EQ(body["row"]["metrics"]["load1"]["z"], nullptr);
}

TEST(Status, IsJsonWhateverTheNodeIsCalled) {
  HandMade made;
  EndpointSources sources = made.sources();
  sources.node = "a\"\xff\n";
  const auto answer = make_routes(sources).at("/api/v1/status").answer({});
  EXPECT_TRUE(json::accept(answer.body));
}

TEST(Page, ShowsVerdictScoreExplanationAndAllMetrics) {
  HandMade made;
  const auto answer = ask(made, "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  for (const char* part :
       {"<title>node-1", "anomaly: cpu", "5.5 <small>of 4.5</small>",
        "4.125 <small>of 3.75</small>", "+14.2", "0.1 to 0.9 tasks", "hand-made (compiled-in)",
        "not readable: diskstats", "http://am:9093/api/v2/alerts: Connection refused, 1 alerts"}) {
    EXPECT_THAT(answer.body, HasSubstr(part));
  }
  for (const MetricSpec& metric : metric_table()) {
    EXPECT_THAT(answer.body, HasSubstr(std::string{metric.name}.append("</td>")));
  }
  for (const auto& [path, handler] : make_routes(made.sources())) {
    EXPECT_TRUE(path == "/" || answer.body.find("href=\"" + path.substr(1)) != std::string::npos)
        << path;
  }
}

TEST(Page, NeedsNothingFromElsewhere) {
  HandMade made;
  made.alertmanagers.clear();  // they have URLs
  const std::string html = ask(made, "/").body;
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("//")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, Not(HasSubstr("url(")));
}

TEST(Page, EscapesWhatComesFromOutside) {
  const std::string evil = "<script>alert('1' & \"2\")</script>";
  Live live = serve_test::hand_made_live();
  Model model = *live.model;
  model.name = model.origin = model.classes[1] = evil;
  live.model = std::make_shared<const Model>(model);
  HandMade made{live};
  EndpointSources sources = made.sources();
  sources.node = evil;
  const std::string html = make_routes(sources).at("/").answer({}).body;
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("anomaly: &lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)"));
}

TEST(Page, SaysWhatThereIsToSayInEveryPhase) {
  HandMade before{Live{}};
  EXPECT_THAT(ask(before, "/").body, HasSubstr("starting"));

  Live live = serve_test::hand_made_live();
  live.row.scored.anomalous = false;
  live.row.scored.verdict = kClassNormal;
  HandMade normal{live};
  const auto routes = make_routes(normal.sources());
  EXPECT_THAT(routes.at("/").answer({}).body, HasSubstr("<strong>normal</strong>"));
  normal.clock.advance_seconds(31);
  EXPECT_THAT(routes.at("/").answer({}).body, HasSubstr("<strong>stale</strong>"));

  live.row.scored = Scored{};
  live.warmup_progress = 0.374;
  HandMade warming{live};
  EXPECT_THAT(ask(warming, "/").body, HasSubstr("warming up"));
  EXPECT_THAT(ask(warming, "/").body, HasSubstr("37.4%"));
}

TEST(Endpoints, AnswerOverHttpWhileTheAgentGoesOn) {
  HandMade made;
  const auto server = HttpServer::start("127.0.0.1:0", make_routes(made.sources()));
  ASSERT_TRUE(server) << server.error().message();
  const int port = (*server)->port();
  EXPECT_EQ(serve_test::get(port, "/metrics").headers.at("content-type"),
            "text/plain; version=0.0.4; charset=utf-8");
  std::atomic<bool> done{false};
  std::atomic<int> bad{0};
  {
    std::vector<std::jthread> clients;
    for (const char* path : {"/metrics", "/metrics", "/api/v1/status", "/", "/healthz"}) {
      clients.emplace_back([&, path] {
        while (!done) {
          if (serve_test::get(port, path).status != 200) ++bad;
        }
      });
    }
    Live live = serve_test::hand_made_live();
    for (int n = 0; n < 2000; ++n) {
      ++live.row.seq;
      made.live.publish(live);
    }
    EXPECT_EQ(serve_test::get(port, "/metrics").status, 200);
    done = true;
  }
  EXPECT_EQ(bad, 0);
}

}  // namespace
}  // namespace nodevigil
