#include "drawing.hpp"

#include <cmath>
#include <utility>

#include <fewbits/interop/printable.hpp>

namespace atlas {

// Variables come with a plain colour before them, for viewers that know no variables.
// The series are told apart by hue and by lightness; tables print their values beside the colour.
const std::string_view colours_and_looks = R"(
:root,svg{--paper:#fff;--face:#f4f6f8;--ink:#1b1f24;--soft:#57606a;--line:#d5dbe1;
--c0:#0b62a4;--c1:#c2410c;--c2:#00795a;--c3:#8e3a86;--c4:#8a6500;--c5:#4a9bd8;--c6:#59636e;
--zero:#fff;--sub:#fbeccb;--even:#e4eff9;--odd:#cfe2f3;--top:#bfe6d2;--inf:#f8d3bd;--nan:#ecd0ea;--none:#e9ecef;--b0:#74b1e2;--b1:#c3def4;--b2:#e3c26b}
svg text{font-family:system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:12px;fill:#1b1f24;fill:var(--ink)}
svg .soft{fill:#57606a;fill:var(--soft)}svg .small{font-size:10.5px}svg .tiny{font-size:9px}
svg .head{font-size:16px;font-weight:600}svg .bold{font-weight:600}svg .mid{text-anchor:middle}svg .end{text-anchor:end}
svg .paper{fill:#fff;fill:var(--paper)}svg .face{fill:#f4f6f8;fill:var(--face)}
svg .grid{stroke:#d5dbe1;stroke:var(--line);stroke-width:1;fill:none}
svg .axis{stroke:#57606a;stroke:var(--soft);stroke-width:1;fill:none}
svg .tick{stroke:#1b1f24;stroke:var(--ink);stroke-width:1.4}svg .dash{stroke-dasharray:5 4}svg .dots{stroke-dasharray:1.5 3}
svg .ink{fill:#1b1f24;fill:var(--ink)}svg .ring{fill:#fff;fill:var(--paper);stroke-width:1.6}
svg .curve{fill:none;stroke-width:1.8;stroke-linejoin:round}svg .thick{stroke-width:2.4}svg .thin{stroke-width:1}svg .hair{stroke-width:.35}
svg .f0{fill:#0b62a4;fill:var(--c0)}svg .f1{fill:#c2410c;fill:var(--c1)}svg .f2{fill:#00795a;fill:var(--c2)}
svg .f3{fill:#8e3a86;fill:var(--c3)}svg .f4{fill:#8a6500;fill:var(--c4)}svg .f5{fill:#4a9bd8;fill:var(--c5)}
svg .f6{fill:#59636e;fill:var(--c6)}
svg .s0{stroke:#0b62a4;stroke:var(--c0)}svg .s1{stroke:#c2410c;stroke:var(--c1)}svg .s2{stroke:#00795a;stroke:var(--c2)}
svg .s3{stroke:#8e3a86;stroke:var(--c3)}svg .s4{stroke:#8a6500;stroke:var(--c4)}svg .s5{stroke:#4a9bd8;stroke:var(--c5)}
svg .s6{stroke:#59636e;stroke:var(--c6)}svg .faint{fill-opacity:.35}
svg .zero{fill:#fff;fill:var(--zero)}svg .sub{fill:#fbeccb;fill:var(--sub)}svg .even{fill:#e4eff9;fill:var(--even)}
svg .odd{fill:#cfe2f3;fill:var(--odd)}svg .top{fill:#bfe6d2;fill:var(--top)}svg .inf{fill:#f8d3bd;fill:var(--inf)}
svg .nan{fill:#ecd0ea;fill:var(--nan)}svg .none{fill:#e9ecef;fill:var(--none)}
svg .b0{fill:#74b1e2;fill:var(--b0)}svg .b1{fill:#c3def4;fill:var(--b1)}svg .b2{fill:#e3c26b;fill:var(--b2)}
svg .edge{stroke:#fff;stroke:var(--paper);stroke-width:1}svg image{image-rendering:pixelated}
)";
const std::string_view dark_colours = R"(
@media(prefers-color-scheme:dark){:root,svg{--paper:#10151b;--face:#19212a;--ink:#e8edf2;--soft:#a0acb8;--line:#323d49;
--c0:#5cb3f0;--c1:#ff9459;--c2:#3ecf9f;--c3:#e191d8;--c4:#e0b840;--c5:#9fd0fa;--c6:#b3bfca;
--zero:#10151b;--sub:#4a3d14;--even:#1b3148;--odd:#264362;--top:#175240;--inf:#5e311a;--nan:#4f2a50;--none:#2a323b;--b0:#3a83c4;--b1:#1b4a74;--b2:#8a6d1d}}
)";

std::string tenths(double value) {
  const long long rounded = std::llround(value * 10);
  const unsigned long long magnitude = static_cast<unsigned long long>(rounded < 0 ? -rounded : rounded);
  std::string text = rounded < 0 ? "-" : "";
  text += std::to_string(magnitude / 10);
  if (magnitude % 10 != 0)
    text += "." + std::to_string(magnitude % 10);
  return text;
}

std::string escaped(std::string_view text) {
  std::string safe, printable(text);
  fewbits::make_printable(printable);
  for (const char c : printable) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else
      safe += c;
  }
  return safe;
}

drawing::drawing(std::string name, std::string title, std::string description, double width, double height)
    : name_(std::move(name)),
      title_(std::move(title)),
      description_(std::move(description)),
      width_(width),
      height_(height) {}

void drawing::add_shape(std::string shape, std::string_view look, std::string_view tip) {
  body_ += "<" + shape + " class=\"" + std::string(look) + "\"";
  if (tip.empty()) {
    body_ += "/>\n";
    return;
  }
  body_ += "><title>" + escaped(tip) + "</title></" + shape.substr(0, shape.find(' ')) + ">\n";
}

void drawing::rect(double x, double y, double width, double height, std::string_view look, std::string_view tip) {
  add_shape("rect x=\"" + tenths(x) + "\" y=\"" + tenths(y) + "\" width=\"" + tenths(width) + "\" height=\"" +
                tenths(height) + "\"",
            look, tip);
}

void drawing::line(double x1, double y1, double x2, double y2, std::string_view look) {
  add_shape(
      "line x1=\"" + tenths(x1) + "\" y1=\"" + tenths(y1) + "\" x2=\"" + tenths(x2) + "\" y2=\"" + tenths(y2) + "\"",
      look, {});
}

void drawing::circle(double x, double y, double radius, std::string_view look, std::string_view tip) {
  add_shape("circle cx=\"" + tenths(x) + "\" cy=\"" + tenths(y) + "\" r=\"" + tenths(radius) + "\"", look, tip);
}

void drawing::polyline(const std::vector<double>& points, std::string_view look) {
  std::string shape = "polyline points=\"";
  for (std::size_t i = 0; i < points.size(); ++i)
    shape += (i == 0 ? "" : i % 2 == 0 ? " " : ",") + tenths(points[i]);
  add_shape(shape + "\"", look, {});
}

void drawing::polygon(const std::vector<double>& points, std::string_view look, std::string_view tip) {
  std::string shape = "polygon points=\"";
  for (std::size_t i = 0; i < points.size(); ++i)
    shape += (i == 0 ? "" : i % 2 == 0 ? " " : ",") + tenths(points[i]);
  add_shape(shape + "\"", look, tip);
}

void drawing::text(double x, double y, std::string_view words, std::string_view look) {
  body_ += "<text x=\"" + tenths(x) + "\" y=\"" + tenths(y) + "\"";
  if (!look.empty())
    body_ += " class=\"" + std::string(look) + "\"";
  body_ += ">" + escaped(words) + "</text>\n";
}

void drawing::image(double x, double y, double width, double height, const std::vector<std::uint8_t>& png,
                    std::string_view words) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  body_ += "<image x=\"" + tenths(x) + "\" y=\"" + tenths(y) + "\" width=\"" + tenths(width) + "\" height=\"" +
           tenths(height) + "\" href=\"data:image/png;base64,";
  for (std::size_t i = 0; i < png.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < png.size() ? png[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      body_ += i + k <= png.size() ? letters[three >> (18 - 6 * k) & 63] : '=';
  }
  body_ += "\"><title>" + escaped(words) + "</title></image>\n";
}

std::string drawing::head(bool alone) const {
  const std::string size = tenths(width_) + "\" height=\"" + tenths(height_);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" " + (alone ? "width=\"" + size + "\" " : std::string()) +
         "viewBox=\"0 0 " + tenths(width_) + " " + tenths(height_) + "\" role=\"img\" aria-labelledby=\"" + name_ +
         "-t " + name_ + "-d\"" + (alone ? std::string() : " style=\"max-width:" + tenths(width_) + "px\"") +
         ">\n<title id=\"" + name_ + "-t\">" + escaped(title_) + "</title>\n<desc id=\"" + name_ + "-d\">" +
         escaped(description_) + "</desc>\n";
}

std::string drawing::element() const { return head(false) + body_ + "</svg>\n"; }

std::string drawing::file() const {
  return head(true) + "<style>" + std::string(colours_and_looks) + std::string(dark_colours) +
         "</style>\n<rect width=\"" + tenths(width_) + "\" height=\"" + tenths(height_) + "\" class=\"paper\"/>\n" +
         body_ + "</svg>\n";
}

double width_of(std::string_view words, double font_size) { return static_cast<double>(words.size()) * font_size * .6; }

bool label_places::is_free(const box& place) const {
  for (const box& each : taken_)
    if (place.left < each.right && each.left < place.right && place.top < each.bottom && each.top < place.bottom)
      return false;
  return true;
}

bool label_places::take_centred(double x, double base_line, std::string_view words, double font_size) {
  const double half = width_of(words, font_size) / 2 + 2;
  const box wanted{x - half, base_line - font_size * .85, x + half, base_line + font_size * .25};
  if (!is_free(wanted))
    return false;
  take(wanted);
  return true;
}

}  // namespace atlas
