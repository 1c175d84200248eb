// expect: conver|no viable
// bool is explicit as well.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
bool on = static_cast<bool>(fb::e4m3{1.0f});
#else
bool on = fb::e4m3{1.0f};
#endif
