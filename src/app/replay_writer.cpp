#include "replay_writer.h"

#include <optional>
#include <ostream>
#include <utility>

#include "nodevigil/dataset/csv_text.h"

namespace nodevigil {
namespace {

void append_number(std::string& line, const std::optional<double>& value) {
  line += ',';
  append_csv(line, value);
}

}  // namespace

ReplayWriter::ReplayWriter(std::ostream& out, bool with_node, std::vector<std::string> classes)
    : out_(out), with_node_(with_node), classes_(std::move(classes)) {
  out_ << "ts," << (with_node_ ? "node," : "")
       << "score,score_raw,score_smoothed,suspicion,threshold_raw,threshold_smoothed,"
          "threshold_suspicion,anomalous,class\n";
}

void ReplayWriter::write(std::string_view ts, std::string_view node, const Scored& scored) {
  line_.assign(ts);
  if (with_node_) {
    line_ += ',';
    append_csv(line_, node);
  }
  append_number(line_, scored.rank);
  append_number(line_, scored.score);
  append_number(line_, scored.score_smoothed);
  append_number(line_, scored.suspicion);
  append_number(line_, scored.threshold);
  append_number(line_, scored.threshold_smoothed);
  append_number(line_, scored.threshold_suspicion);
  line_ += scored.anomalous ? ",1," : ",0,";
  line_ += verdict_name(scored.verdict, classes_);
  line_ += '\n';
  out_.write(line_.data(), static_cast<std::streamsize>(line_.size()));
  ++summary.rows;
  if (scored.anomalous) ++summary.anomalous_rows;
}

}  // namespace nodevigil
