#include "nodevigil/scoring/scorer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "missing.h"
#include "nodevigil/base/hash.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/alarm.h"
#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/baselines.h"
#include "nodevigil/scoring/node_score.h"
#include "nodevigil/scoring/rates.h"
#include "nodevigil/scoring/steady.h"
#include "nodevigil/scoring/suspicion.h"
#include "nodevigil/scoring/tree_inputs.h"

namespace nodevigil {
namespace {

// Changes whenever equal samples would give other scores, or the saved bytes another layout.
constexpr std::string_view kStateFormat = "nodevigil-state-6";
// A class is named when it is likelier than all others that are not normal together, as far as the
// tree sees an attack at all; else the cause is unknown.
constexpr double kSureEnough = 0.5;
constexpr double kSeesAttack = 0.05;
constexpr double kSeesAnother = 0.2;  // to take the place of a cause that is named
// What all series deviate by, at least, where a direction is to be plain; the first one is also
// what is counted as far.
constexpr double kFarOut = 3.0;
constexpr double kFarOutForLong = 1.0;

std::optional<double> optional(double value) {
  if (std::isnan(value)) return std::nullopt;
  return value;
}

std::string make_state_hash(std::span<const SeriesSpec> series, const ScoringOptions& options) {
  Fnv1a hash;
  hash.add(kStateFormat);
  hash.add(scoring_options_json(options));
  hash.add(table_hash(series));
  for (const SeriesSpec& one : series) {
    hash.add(format_double(one.floor.absolute) + "," + format_double(one.floor.relative) +
             (one.late ? ",late;" : ";"));
  }
  return hash.hex();
}

}  // namespace

struct Scorer::State {
  State(std::vector<SeriesSpec> series_list, const ScoringOptions& scoring_options)
      : series(std::move(series_list)),
        options(scoring_options),
        hash(make_state_hash(series, options)),
        interval_ns(std::chrono::nanoseconds{options.interval}.count()),
        rates(series),
        baselines(series, options),
        node_score(series.size(), options),
        steady(series.size()),
        suspicion(options, 0),
        alarm(options),
        freeze(options),
        held(series.size()),
        features(series.size()),
        lasting(series.size()) {
    judgement.z.resize(series.size());
    judgement.fast.resize(series.size());
    judgement.deviation.resize(series.size());
  }

  std::vector<SeriesSpec> series;
  ScoringOptions options;
  std::string hash;
  std::int64_t interval_ns;
  Classifier classifier;

  // What is saved.
  Rates rates;
  Baselines baselines;
  NodeScore node_score;
  Steady steady;
  Suspicion suspicion;  // of the classifier's model
  Alarm alarm;
  Freeze freeze;
  Moments held;  // samples kept out of the baselines in the alarm that is raised now
  std::int32_t cause = kClassUnknown;  // of that alarm, as far as it could be named

  // Scratch of one step.
  std::vector<double> features;
  std::vector<double> lasting;  // what Steady makes of judgement.z
  Baselines::Judgement judgement;

  void begin(Scored& scored) const;
  void judge(Scored& scored);
  void explain_top(Scored& scored) const;
  void fill_tree_inputs(Scored& scored) const;
  void put_direction(std::span<const double> values, double least_squares,
                     std::span<double> inputs) const;
  [[nodiscard]] double ask_tree(Scored& scored);
  void name_cause(Scored& scored);
  void begin_suspicion();
  [[nodiscard]] std::uint64_t model_tag() const;
  [[nodiscard]] std::uint64_t cause_tag() const;
  void set_cause(std::uint64_t tag);
  void learn(std::int64_t elapsed_ns, Scored& scored);
};

Scorer::Scorer(std::vector<SeriesSpec> series, const ScoringOptions& options)
    : state_(std::make_unique<State>(std::move(series), options)) {}
Scorer::~Scorer() = default;

void Scorer::set_classifier(Classifier classifier) {
  const Model* const before = state_->classifier.model.get();
  const Model* const now = classifier.model.get();
  // An index in another list of classes would name something else.
  if (before != nullptr && (now == nullptr || now->classes != before->classes)) {
    state_->cause = kClassUnknown;
  }
  const std::uint64_t tag = state_->model_tag();
  state_->classifier = std::move(classifier);
  // What another tree held for an attack says nothing about this one.
  if (state_->model_tag() != tag) state_->begin_suspicion();
}
std::span<const SeriesSpec> Scorer::series() const { return state_->series; }
std::optional<UsualRange> Scorer::usual(std::size_t i) const {
  if (!state_->baselines.knows(i)) return std::nullopt;
  const SeriesSpec& one = state_->series[i];
  return usual_range(state_->baselines.mean(i), state_->baselines.deviation(i), one.kind,
                     one.ceiling);
}
std::uint64_t Scorer::baseline_samples() const { return state_->baselines.samples(); }
double Scorer::warmup_progress() const { return state_->baselines.progress(); }
const std::string& Scorer::state_hash() const { return state_->hash; }

void Scorer::score(const Sample& sample, Scored& scored) {
  State& state = *state_;
  // The first sample of a run stands for one interval, like any other.
  const std::int64_t elapsed_ns = sample.elapsed_ns.value_or(state.interval_ns);
  state.rates.update(sample, state.features);
  state.baselines.advance(elapsed_ns);
  state.node_score.advance(elapsed_ns);
  state.suspicion.advance(elapsed_ns);
  state.begin(scored);
  state.judge(scored);
  state.learn(elapsed_ns, scored);
}

// Empties `scored` and gives its lists their sizes.
void Scorer::State::begin(Scored& scored) const {
  const TreeInputLayout layout{series.size()};
  scored.phase = Phase::kWarmup;
  scored.slow_warm = baselines.slow_warm();
  scored.frozen = scored.relearning = scored.over = scored.anomalous = false;
  scored.suspected = false;
  static_cast<Figures&>(scored) = Figures{};
  scored.explanation.top_size = 0;
  scored.explanation.path_size = 0;
  scored.features.resize(series.size());
  scored.z.resize(series.size());
  scored.tree_inputs.resize(layout.size());
  scored.probabilities.clear();
  if (classifier.model) scored.probabilities.reserve(classifier.model->classes.size());
  for (std::size_t i = 0; i < series.size(); ++i) scored.features[i] = optional(features[i]);
}

void Scorer::State::judge(Scored& scored) {
  baselines.judge(features, judgement);
  for (std::size_t i = 0; i < series.size(); ++i) scored.z[i] = optional(judgement.z[i]);
  const bool any =
      std::ranges::any_of(judgement.deviation, [](double d) { return !std::isnan(d); });
  if (!baselines.ready() || !any) {
    // Nothing to judge by. A raised alarm stays as it is: a reading that failed clears nothing.
    scored.anomalous = alarm.raised();
    scored.verdict = alarm.raised() ? cause : kClassNone;
    return;
  }
  scored.phase = Phase::kReady;
  const NodeScore::Figures figures = node_score.update(judgement.deviation);
  scored.score = figures.score;
  scored.score_smoothed = figures.smoothed;
  scored.rank = figures.rank;
  scored.threshold = figures.threshold;
  scored.threshold_smoothed = figures.threshold_smoothed;
  steady.update(judgement.z, lasting);
  explain_top(scored);
  fill_tree_inputs(scored);
  double ratio = figures.ratio();
  if (classifier.model) ratio = std::max(ratio, ask_tree(scored));
  scored.over = ratio > 1.0;
  scored.anomalous = alarm.update(ratio);
  name_cause(scored);
}

void Scorer::State::explain_top(Scored& scored) const {
  // Sorted by insertion without branches on the data, which would cost more (measured).
  std::array<double, kTopCount> deviation{};  // falling
  std::array<std::uint32_t, kTopCount> index{};
  for (std::uint32_t i = 0; i < series.size(); ++i) {
    double here = judgement.deviation[i];
    std::uint32_t at = i;
    for (std::size_t j = 0; j < kTopCount; ++j) {
      const bool larger = here > deviation[j];
      const double rest = larger ? deviation[j] : here;
      const std::uint32_t rest_at = larger ? index[j] : at;
      deviation[j] = larger ? here : deviation[j];
      index[j] = larger ? at : index[j];
      here = rest;
      at = rest_at;
    }
  }
  Explanation& explanation = scored.explanation;
  for (const std::uint32_t i : index) {
    if (!(deviation[explanation.top_size] > 0)) break;
    explanation.top[explanation.top_size++] = {i, judgement.z[i], features[i], baselines.mean(i),
                                               baselines.deviation(i)};
  }
}

void Scorer::State::fill_tree_inputs(Scored& scored) const {
  const TreeInputLayout layout{series.size()};
  double sum = 0;
  double largest = 0;
  double present = 0;
  double far_out = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    scored.tree_inputs[layout.of(SeriesInput::kZ, i)] = judgement.z[i];
    scored.tree_inputs[layout.of(SeriesInput::kFast, i)] = judgement.fast[i];
    if (std::isnan(judgement.deviation[i])) continue;
    present += 1;
    sum += judgement.deviation[i];
    largest = std::max(largest, judgement.deviation[i]);
    if (judgement.deviation[i] > kFarOut) far_out += 1;
  }
  const auto inputs_of = [&](SeriesInput kind) {
    return std::span{scored.tree_inputs}.subspan(layout.of(kind, 0), series.size());
  };
  put_direction(judgement.z, kFarOut * kFarOut * present, inputs_of(SeriesInput::kDirection));
  put_direction(lasting, kFarOutForLong * kFarOutForLong * present,
                inputs_of(SeriesInput::kSteady));
  const auto put = [&](Aggregate which, double value) {
    scored.tree_inputs[layout.of(which)] = value;
  };
  put(Aggregate::kScore, scored.score.value_or(kMissing));
  put(Aggregate::kScoreSmoothed, scored.score_smoothed.value_or(kMissing));
  put(Aggregate::kLargest, largest);
  put(Aggregate::kMean, sum / present);
  put(Aggregate::kOver3, far_out / present);
}

// Writes `values`, one per series, divided by their length as a vector, the square of which is no
// less than `least_squares`.
void Scorer::State::put_direction(std::span<const double> values, double least_squares,
                                  std::span<double> inputs) const {
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i]) && !series[i].late) squares += values[i] * values[i];
  }
  const double per_length = 1 / std::sqrt(std::max(squares, least_squares));
  for (std::size_t i = 0; i < values.size(); ++i) inputs[i] = values[i] * per_length;
}

void Scorer::State::begin_suspicion() {
  suspicion = Suspicion{options, classifier.model ? classifier.model->classes.size() : 0};
}

// Returns how far the suspicion is over its threshold.
double Scorer::State::ask_tree(Scored& scored) {
  const Model& model = *classifier.model;
  const auto probabilities = model.leaf_probabilities(classifier.leaf(scored.tree_inputs));
  scored.probabilities.assign(probabilities.begin(), probabilities.end());
  const Suspicion::Figures figures = suspicion.update(probabilities);
  scored.suspicion = figures.suspicion;
  scored.threshold_suspicion = figures.threshold;
  scored.suspect = figures.attack;
  scored.suspected = figures.counts;
  return figures.ratio();
}

void Scorer::State::name_cause(Scored& scored) {
  scored.verdict = kClassNormal;
  if (!scored.anomalous) {
    cause = kClassUnknown;
    return;
  }
  if (classifier.model) {
    scored.explanation.path_size = static_cast<std::uint8_t>(
        find_path(*classifier.model, scored.tree_inputs, scored.explanation.path));
    // While an alarm fades, the cause it was raised for stays.
    const std::span<const double> probabilities{scored.probabilities};
    const double attack = 1.0 - probabilities.front();  // "normal" is the first class
    const auto likeliest = std::ranges::max_element(probabilities.subspan(1));
    const double sees = cause == kClassUnknown ? kSeesAttack : kSeesAnother;
    if (scored.over && attack >= sees && *likeliest >= kSureEnough * attack) {
      cause = static_cast<std::int32_t>(&*likeliest - probabilities.data());
    }
  }
  scored.verdict = cause;
}

std::uint64_t Scorer::State::model_tag() const {
  if (!classifier.model) return 0;
  Fnv1a tag;
  tag.add(classifier.model->hash);
  return tag.value();
}

// The cause as it is saved: by the name of its class, since another model may have others.
std::uint64_t Scorer::State::cause_tag() const {
  if (cause < 0) return 0;
  Fnv1a name;
  name.add(verdict_name(cause, classifier.model->classes));
  return name.value();
}

void Scorer::State::set_cause(std::uint64_t tag) {
  cause = kClassUnknown;
  if (!classifier.model) return;
  for (std::size_t i = 1; i < classifier.model->classes.size(); ++i) {
    cause = static_cast<std::int32_t>(i);
    if (cause_tag() == tag) return;
  }
  cause = kClassUnknown;
}

void Scorer::State::learn(std::int64_t elapsed_ns, Scored& scored) {
  const auto learned = static_cast<std::int64_t>(baselines.learned());
  switch (freeze.update(alarm.raised(), elapsed_ns, learned * interval_ns)) {
    case Freeze::Decision::kHold:
      held.add(features);
      scored.frozen = true;
      return;
    case Freeze::Decision::kLearnLevel:
      baselines.learn_level(held);
      held.clear();
      break;
    case Freeze::Decision::kLearn:
      held.clear();
      break;
  }
  scored.relearning = freeze.exceeded();
  // A node that cannot be read does not get warm.
  if (std::ranges::all_of(features, [](double x) { return std::isnan(x); })) return;
  baselines.learn(features);
}

std::string Scorer::save() const {
  ArchiveWriter out;
  const State& state = *state_;
  out.put_all(std::span<const char>{state.hash});
  state.rates.save(out);
  state.baselines.save(out);
  state.node_score.save(out);
  state.steady.save(out);
  state.alarm.save(out);
  state.freeze.save(out);
  state.held.save(out);
  out.put(state.cause_tag());
  out.put(state.model_tag());
  state.suspicion.save(out);
  return out.take();
}

Result<void> Scorer::load(std::string_view saved) {
  const auto begun_anew = [](const State& state) {
    auto fresh = std::make_unique<State>(state.series, state.options);
    fresh->classifier = state.classifier;
    fresh->begin_suspicion();
    return fresh;
  };
  state_ = begun_anew(*state_);
  auto fresh = begun_anew(*state_);
  if (!saved.starts_with(fresh->hash)) {
    return Error{ErrorCode::kInvalid, "a saved scorer state is of other series or settings", ""};
  }
  ArchiveReader in{saved.substr(fresh->hash.size())};
  fresh->rates.load(in);
  if (auto loaded = fresh->baselines.load(in); !loaded) return loaded;
  fresh->node_score.load(in);
  fresh->steady.load(in);
  fresh->alarm.load(in);
  fresh->freeze.load(in);
  fresh->held.load(in);
  fresh->set_cause(in.get<std::uint64_t>());
  const bool same_model = in.get<std::uint64_t>() == fresh->model_tag();
  fresh->suspicion.load(in);
  if (!same_model) fresh->begin_suspicion();
  if (!in.ok() || !in.at_end()) {
    return Error{ErrorCode::kInvalid, "a saved scorer state is cut short or too long", ""};
  }
  state_ = std::move(fresh);
  return {};
}

}  // namespace nodevigil
