// SVG written by hand: shapes in the order they are drawn, coordinates rounded to tenths of a pixel in integers, so a
// picture is the same bytes on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace atlas {

/// One picture. A `look` is a list of classes of the style sheet below; a `tip` is what a pointer reads.
class drawing {
 public:
  drawing(std::string name, std::string title, std::string description, double width, double height);

  void rect(double x, double y, double width, double height, std::string_view look, std::string_view tip = {});
  void line(double x1, double y1, double x2, double y2, std::string_view look);
  void circle(double x, double y, double radius, std::string_view look, std::string_view tip = {});
  /// Straight lines from point to point; x and y alternate.
  void polyline(const std::vector<double>& points, std::string_view look);
  void polygon(const std::vector<double>& points, std::string_view look, std::string_view tip = {});
  /// `y` is the base line.
  void text(double x, double y, std::string_view words, std::string_view look);
  /// A PNG, its pixels square.
  void image(double x, double y, double width, double height, const std::vector<std::uint8_t>& png,
             std::string_view words);

  const std::string& name() const { return name_; }
  const std::string& title() const { return title_; }
  double width() const { return width_; }

  /// As an element of the page, which brings the style.
  std::string element() const;
  /// As a file of its own.
  std::string file() const;

 private:
  void add_shape(std::string shape, std::string_view look, std::string_view tip);
  std::string head(bool alone) const;

  std::string name_, title_, description_;
  double width_, height_;
  std::string body_;
};

/// Tenths, without a trailing zero.
std::string tenths(double value);
/// For text and attributes of XML. What is no harmless UTF-8 becomes "?": names come from foreign files.
std::string escaped(std::string_view text);
/// Colours, light and dark, and looks: the same for files and for the page.
extern const std::string_view colours_and_looks;
extern const std::string_view dark_colours;

/// About how wide a text is drawn, a little more rather than less.
double width_of(std::string_view words, double font_size);

/// Places labels so that none covers another, or a box that was taken.
class label_places {
 public:
  struct box {
    double left, top, right, bottom;
  };
  void take(const box& place) { taken_.push_back(place); }
  bool is_free(const box& place) const;
  /// Takes a place for words centred at x with the given base line, if it is free.
  bool take_centred(double x, double base_line, std::string_view words, double font_size);

 private:
  std::vector<box> taken_;
};

}  // namespace atlas
