// Double into every format, by every policy, at every threshold, beside it, and 2^-40 of it away, where a rounding to
// float in between would collapse the input onto a tie. Source: testing.md 2.
#include "conversion_batch.hpp"

namespace {

using namespace fewbits_test;

TEST(DoubleConversion, DoublesRoundOnceByEveryPolicyAtEveryThreshold) {
  judge_all<double, oracle::double_order>("double");
}

}  // namespace
