#!/usr/bin/env python3
"""fewbits' scalar conversions beside ml_dtypes' vectorised ones, in turns, in one run.

    pip install numpy ml_dtypes
    cmake --preset bench && cmake --build --preset bench
    python3 bench/against_ml_dtypes.py build/bench/bench/number_bench

Both convert the same number of floats from N(0, 1), with a few outliers, in the L2 cache. Prints nanoseconds an
element and the ratio ml_dtypes / fewbits (above 1: fewbits is faster), each the median of the rounds.
"""

import json
import statistics
import subprocess
import sys
import time

import ml_dtypes
import numpy

NAMES = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e5m2": ml_dtypes.float8_e5m2,
    "e3m4": ml_dtypes.float8_e3m4,
    "e2m1": ml_dtypes.float4_e2m1fn,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "ue8m0": ml_dtypes.float8_e8m0fnu,
    "bf16": ml_dtypes.bfloat16,
}
COUNT = 1 << 16
ROUNDS = 5


def theirs(work):
    """Nanoseconds an element of the best of a few runs of 40 conversions."""
    best = min(_timed(work) for _ in range(5))
    return best / 40 / COUNT * 1e9


def _timed(work):
    start = time.perf_counter()
    for _ in range(40):
        work()
    return time.perf_counter() - start


def ours(program):
    names = "|".join(NAMES)
    run = subprocess.run(
        [program, f"--benchmark_filter=^(encode|decode)/({names})$", "--benchmark_format=json", "--benchmark_min_time=0.05"],
        check=True, capture_output=True, text=True)
    return {b["name"]: 1e9 / b["items_per_second"] for b in json.loads(run.stdout)["benchmarks"]}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    values = numpy.random.default_rng(42).standard_normal(COUNT).astype(numpy.float32)
    values[::256] *= 20
    mine, other = {}, {}
    for _ in range(ROUNDS):
        for name, nanoseconds in ours(sys.argv[1]).items():
            mine.setdefault(name, []).append(nanoseconds)
        for name, dtype in NAMES.items():
            codes = values.astype(dtype)
            other.setdefault(f"encode/{name}", []).append(theirs(lambda: values.astype(dtype)))
            other.setdefault(f"decode/{name}", []).append(theirs(lambda: codes.astype(numpy.float32)))
    print(f"ml_dtypes {ml_dtypes.__version__}, median of {ROUNDS} rounds\n")
    print("| conversion | ml_dtypes ns | fewbits ns | ratio |\n|---|---|---|---|")
    for name in other:
        a, b = statistics.median(other[name]), statistics.median(mine[name])
        print(f"| {name} | {a:.2f} | {b:.2f} | {a / b:.2f} |")


if __name__ == "__main__":
    main()
