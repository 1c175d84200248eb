"""ml_dtypes' casts in numpy, from DRAM and in the L2 cache."""

import ml_dtypes
import numpy

import common


def measure(limits, _threads, _name):
    names = {"e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2, "e2m1, a byte each": ml_dtypes.float4_e2m1fn,
             "e2m3": ml_dtypes.float6_e2m3fn, "bf16": ml_dtypes.bfloat16, "fp16": numpy.float16}
    pieces = 24
    large = numpy.random.default_rng(0).standard_normal((pieces, 16 << 20)).astype(numpy.float32)
    small = large[0, :65536].copy()
    for name, kind in names.items():
        width = numpy.dtype(kind).itemsize
        codes = large.astype(kind)
        out, back = numpy.empty_like(codes), numpy.empty_like(large)

        def narrow(i):
            out[i % pieces] = large[i % pieces]

        def widen(i):
            back[i % pieces] = codes[i % pieces]

        few, few_out, few_back = small.astype(kind), small.astype(kind), small.copy()

        def narrow_few(_):
            few_out[...] = small

        def widen_few(_):
            few_back[...] = few
        for what, work, elements, read, written, place in (
                (f"float32 to {name}", narrow, 16 << 20, 4, width, "dram"),
                (f"{name} to float32", widen, 16 << 20, width, 4, "dram"),
                (f"float32 to {name}", narrow_few, 65536, 4, width, "l2"),
                (f"{name} to float32", widen_few, 65536, width, 4, "l2")):
            common.conversion(limits, f"ml_dtypes {ml_dtypes.__version__}", what, elements, read, written,
                              common.best(work, seconds=0.2), place)
