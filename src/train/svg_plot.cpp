#include "svg_plot.h"

#include <algorithm>
#include <cmath>

#include "figures.h"
#include "nodevigil/base/escape_html.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

// Of the picture, in its own units.
constexpr double kWidth = 460;
constexpr double kHeight = 260;
constexpr double kLeft = 48;
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 44;

std::string number(double value) { return fixed(value, 1); }

// About five round steps: 1, 2 or 5 times a power of ten.
double round_step(double span) {
  const double rough = span / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

class Canvas {
 public:
  explicit Canvas(double most) : most_(most > 0 ? most : 1) {}

  [[nodiscard]] double x(double value) const {
    return kLeft + value / most_ * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] static double y(double value) {
    return kTop + (1 - std::clamp(value, 0.0, 1.0)) * (kHeight - kTop - kBottom);
  }
  void line(const char* kind, double x1, double y1, double x2, double y2) {
    text_ += "<line class=\"" + std::string{kind} + "\" x1=\"" + number(x1) + "\" y1=\"" +
             number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) + "\"/>";
  }
  void words(double at_x, double at_y, const char* anchor, const std::string& words) {
    text_ += "<text x=\"" + number(at_x) + "\" y=\"" + number(at_y) + "\" text-anchor=\"" + anchor +
             "\">" + escape_html(words) + "</text>";
  }
  void add(const std::string& text) { text_ += text; }

  void axes(const PlotFrame& frame) {
    for (int i = 0; i <= 5; ++i) {
      const double value = i / 5.0;
      line("grid", kLeft, y(value), kWidth - kRight, y(value));
      words(kLeft - 6, y(value) + 4, "end", number(value));
    }
    const double step = round_step(most_);
    const auto last = static_cast<int>(std::floor(most_ / step + 0.01));
    for (int i = 0; i <= last; ++i) {
      const double value = i * step;
      line("grid", x(value), kTop, x(value), kHeight - kBottom);
      words(x(value), kHeight - kBottom + 16, "middle",
            format_double(std::round(value * 1e6) / 1e6));
    }
    words((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", frame.x_label);
    add("<text transform=\"translate(12 " + number((kTop + kHeight - kBottom) / 2) +
        ") rotate(-90)\" text-anchor=\"middle\">" + escape_html(frame.y_label) + "</text>");
    if (frame.diagonal) line("other", x(0), y(0), x(most_), y(1));
  }

  void curve(std::size_t index, const PlotLine& line) {
    const std::string kind = "line" + std::to_string(index);
    std::string points;
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      points += number(x(line.x[i])) + ',' + number(y(line.y[i])) + ' ';
    }
    text_ += "<polyline class=\"" + kind + "\" points=\"" + points + "\"/>";
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      text_ += "<circle class=\"" + kind + "\" cx=\"" + number(x(line.x[i])) + "\" cy=\"" +
               number(y(line.y[i])) + "\" r=\"3\"><title>" + format_double(line.x[i]) + ": " +
               format_double(std::round(line.y[i] * 1000) / 1000) + "</title></circle>";
    }
  }

  void legend(const std::vector<PlotLine>& lines) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const double at = kHeight - kBottom - 10 - 16 * static_cast<double>(lines.size() - 1 - i);
      line(("line" + std::to_string(i)).c_str(), kWidth - 190, at - 4, kWidth - 170, at - 4);
      words(kWidth - 164, at, "start", lines[i].name);
    }
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  double most_;
  std::string text_;
};

}  // namespace

std::string svg_plot(const PlotFrame& frame, const std::vector<PlotLine>& lines) {
  double most = 0;
  for (const PlotLine& line : lines) {
    for (const double x : line.x) most = std::max(most, x);
  }
  Canvas canvas{most};
  canvas.axes(frame);
  for (std::size_t i = 0; i < lines.size(); ++i) canvas.curve(i, lines[i]);
  if (lines.size() > 1) canvas.legend(lines);
  return "<svg viewBox=\"0 0 " + number(kWidth) + ' ' + number(kHeight) + "\" role=\"img\">" +
         canvas.text() + "</svg>\n";
}

}  // namespace nodevigil
