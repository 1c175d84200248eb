"""What every peer needs: the limits of this run, rounds that are timed, a line a case."""

import json
import subprocess
import time

DRAM_BYTES = 13 << 27  # bench/limits.hpp: more than three times the largest cache met so far
ROUND_BYTES = 64 << 20
N = K = 4096
ROWS = (1, 16, 128, 512)


class Limits:
    """The figures of `fewbits_limits --json`, in units a second."""

    def __init__(self, program):
        run = subprocess.run([program, "--json"], check=True, capture_output=True, text=True)
        said = json.loads(run.stdout)
        self.features = said["features"]
        self.table = {name: {1: each["1"] * 1e9, 2: each["2"] * 1e9} for name, each in said["limits"].items()}

    def read(self, threads):
        return max(self.table["read_dram"][threads], self.table["read_dram_huge"][threads])

    def peak(self, arithmetic, threads):
        """The best instruction set's rate, with its name. `arithmetic`: float32, bf16 or int8."""
        wanted = {"float32": ("fma_",), "bf16": ("amx_bf16", "fma_"), "int8": ("amx_int8", "int8_")}[arithmetic]
        for prefix in wanted:
            found = {name: rate[threads] for name, rate in self.table.items()
                     if name.startswith(prefix) and not name.endswith("zeros")}
            if found:
                return max((rate, name) for name, rate in found.items())
        raise KeyError(arithmetic)

    def copy(self, read, written, place, threads):
        """Bytes a second, both ways, at the nearest ratio that was measured."""
        def distance(name):
            r, w = (int(x) for x in name.split("_")[1:3])
            off = read / written * w / r
            return max(off, 1 / off)
        names = [n for n in self.table if n.startswith("copy_") and n.endswith("_" + place)]
        name = min(names, key=distance)
        return self.table[name][threads], name


def best(work, threads=1, seconds=0.5, rounds=3):
    """Shortest time of `work(round)`, after one round that does not count. One thread's time is the processor time of
    this thread, so that other programs on the machine do not count; that of several is the time on the wall."""
    clock = time.thread_time if threads == 1 else time.perf_counter
    work(0)
    shortest, begin, done = float("inf"), time.perf_counter(), 0
    while done < rounds or time.perf_counter() - begin < seconds:
        start = clock()
        work(done + 1)
        shortest = min(shortest, clock() - start)
        done += 1
    return shortest


def line(peer, what, threads, gigabytes, gigaops, ratio, limit):
    print(f"| {peer} | {what} | {threads} | {gigabytes:.2f} | {gigaops:.4g} | {ratio:.2f} | {limit} |", flush=True)


def header():
    print("| peer | case | threads | GB/s | GFLOP/s or G elements/s | of limit | limit |\n|---|---|---|---|---|---|---|",
          flush=True)


def skip(peer, why):
    print(f"skipped: {peer}: {why}", flush=True)


def product(limits, peer, what, threads, rows, weight_bytes, seconds, arithmetic, n=N, k=K, resident=False):
    """A line for one product of `rows` x n x k that took `seconds`; its weights came from DRAM, or not."""
    operations = 2.0 * rows * n * k
    peak, name = limits.peak(arithmetic, threads)
    read, place = ((limits.table["read_l2"][threads], "read_l2") if resident else (limits.read(threads), "read_dram"))
    by_memory, by_arithmetic = weight_bytes / read, operations / peak
    limit = place if by_memory > by_arithmetic else name
    line(peer, f"{rows} x {n} x {k}, {what}", threads, weight_bytes / seconds / 1e9, operations / seconds / 1e9,
         max(by_memory, by_arithmetic) / seconds, limit)


def conversion(limits, peer, what, elements, read, written, seconds, place="dram"):
    """A line for `elements` that were converted, `read` and `written` bytes each."""
    rate, name = limits.copy(read, written, place, 1)
    total = elements * (read + written)
    line(peer, f"{what}, {'from DRAM' if place == 'dram' else 'in L2'}", 1, total / seconds / 1e9,
         elements / seconds / 1e9, total / seconds / rate, name)
