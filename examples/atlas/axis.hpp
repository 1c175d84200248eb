// What charts share.
#pragma once

#include <string>

namespace atlas {

/// A linear map from values to pixels.
struct axis {
  double from, to, begin, end;
  double operator()(double value) const { return begin + (value - from) / (to - from) * (end - begin); }
};

/// Seven colours, then the same again.
inline std::string look(const char* kind, std::size_t colour) { return kind + std::to_string(colour % 7); }

}  // namespace atlas
