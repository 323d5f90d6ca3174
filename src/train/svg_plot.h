#pragma once

#include <string>
#include <vector>

namespace nodevigil {

/// A line of a plot.
struct PlotLine {
  std::string name;
  std::vector<double> x;  ///< none below 0
  std::vector<double> y;  ///< as many as x, each from 0 to 1
};

struct PlotFrame {
  std::string x_label;
  std::string y_label;
  bool diagonal = false;  ///< a line from corner to corner, to compare with
};

/// An SVG element with axes, lines with dots, and a legend; x begins at 0, y goes from 0 to 1.
/// Colours are those of the classes line0, line1, ... of a style sheet.
[[nodiscard]] std::string svg_plot(const PlotFrame& frame, const std::vector<PlotLine>& lines);

}  // namespace nodevigil
