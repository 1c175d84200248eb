#!/usr/bin/env python3
"""Other people's kernels on this machine, beside the same limits as ours, in one run.

    cmake --preset bench && cmake --build --preset bench --target fewbits_limits gemm_bench simd_bench
    python3 bench/peers/run.py build/bench/bench/fewbits_limits [peer ...] [--ours PROGRAM ...]

Peers, all by default: ggml onnxruntime torch onednn openblas ml_dtypes. What is not installed is skipped aloud:

    pip install numpy llama-cpp-python onnx onnxruntime torch ml_dtypes
    apt-get install libdnnl-dev libopenblas-dev

ggml comes with llama-cpp-python; for another build of it set GGML_LIBRARIES to the folder of libggml-base and
libggml-cpu. oneDNN and OpenBLAS are called by small programs that are compiled here, with $CXX or c++.

--ours also runs these benchmark programs of fewbits, between the peers. Products: weights cycle through more than
1.5 GiB, one line each for 1, 16, 128 and 512 rows of float32 activations where the peer takes them. Rates are the
best of some rounds; `of limit` is the share of the machine's limit that bounds the case: bytes of weights over read
bandwidth, or operations over the peak of the arithmetic that the peer uses, whichever takes longer.
"""

import argparse
import importlib
import os
import subprocess
import sys

import common

PEERS = {"ggml": "peer_ggml", "onnxruntime": "peer_onnxruntime", "torch": "peer_torch", "onednn": "peer_native",
         "openblas": "peer_native", "ml_dtypes": "peer_ml_dtypes"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("limits", help="the program fewbits_limits")
    parser.add_argument("peers", nargs="*", default=[], metavar="peer", help=" ".join(PEERS))
    parser.add_argument("--ours", nargs="*", default=[], help="benchmark programs of fewbits")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    arguments = parser.parse_args()
    unknown = set(arguments.peers) - set(PEERS)
    if unknown:
        parser.error(f"no such peer: {' '.join(sorted(unknown))}")
    limits = common.Limits(arguments.limits)
    print(f"features: {limits.features}")
    print(f"read from DRAM {limits.read(1) / 1e9:.1f} GB/s; float32 {limits.peak('float32', 1)[0] / 1e9:.0f} GFLOP/s; "
          f"int8 {limits.peak('int8', 1)[0] / 1e9:.0f} Gop/s, one thread\n")
    threads = [t for t in arguments.threads if t <= (os.cpu_count() or 1)]
    common.header()
    for name in arguments.peers or PEERS:
        try:
            importlib.import_module(PEERS[name]).measure(limits, threads, name)
        except (ImportError, OSError) as why:
            common.skip(name, str(why).splitlines()[0])
        except Exception as why:  # a peer that breaks does not end the run
            common.skip(name, f"failed: {type(why).__name__}: {str(why).splitlines()[0][:200]}")
    for program in arguments.ours:
        sys.stdout.flush()
        subprocess.run([program], check=False)


if __name__ == "__main__":
    main()
