// Every recorded answer of gfloat against the exact oracle.
#include "golden.hpp"

namespace {

TEST(Golden, EveryAnswerOfGfloatAgreesWithTheOracle) { golden::judge("gfloat.txt"); }

}  // namespace
