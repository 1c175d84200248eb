// What ml_dtypes, torch, CUDA and gfloat answered, against the exact oracle. gfloat's 1681 cases take a while:
// every eighth is here, all of them are in golden_exhaustive_test.cpp.
#include "golden.hpp"

namespace {

TEST(Golden, MlDtypesAgreesWithTheOracle) { golden::judge("ml_dtypes.txt"); }
TEST(Golden, TorchAgreesWithTheOracle) { golden::judge("torch.txt"); }
TEST(Golden, CudaAgreesWithTheOracle) { golden::judge("cuda.txt"); }
TEST(Golden, GfloatAgreesWithTheOracle) { golden::judge("gfloat.txt", 8); }

}  // namespace
