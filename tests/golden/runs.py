"""Finds where a conversion changes its answer: a grid over all inputs in value order, then bisection.

An input format is (exponent bits, fraction bits); an input's key is its place in value order, -Inf ... -0, +0 ... +Inf,
with -0 at -1 and +0 at 0. The converter is a black box from bit patterns to codes. Every result is checked afterwards on
a seeded sample (`size` inputs).
"""

import hashlib

import numpy as np

SOURCES = {"float32": (8, 23), "float64": (11, 52), "fp16": (5, 10), "bf16": (8, 7)}
UNSIGNED = {16: np.uint16, 32: np.uint32, 64: np.uint64}


class Order:
    def __init__(self, source):
        exponent, fraction = SOURCES[source]
        self.fraction = fraction
        self.width = 1 + exponent + fraction
        self.dtype = UNSIGNED[self.width]
        self.infinity = ((1 << exponent) - 1) << fraction
        self.first, self.last = -self.infinity - 1, self.infinity

    def bits(self, keys):
        keys = np.asarray(keys, dtype=np.int64)
        negative = (~keys).astype(np.uint64) | np.uint64(1 << (self.width - 1))
        return np.where(keys < 0, negative, keys.astype(np.uint64)).astype(self.dtype)

    def grid(self, first, last):
        step = 1 if self.width == 16 else 1 << (self.fraction - 8)
        keys = np.arange(0, self.infinity + 1, step, dtype=np.int64)
        special = np.array([0, 1, 2, self.infinity - 1, self.infinity], dtype=np.int64)
        keys = np.union1d(keys, special)
        keys = np.union1d(keys, ~keys)
        keys = np.union1d(keys, np.array([first, last], dtype=np.int64))
        return keys[(keys >= first) & (keys <= last)]

    def nans(self):
        sign = 1 << (self.width - 1)
        quiet = self.infinity | (1 << (self.fraction - 1))
        one = [quiet, quiet | 1, self.infinity | 1, sign - 1]  # quiet, with payload, signalling, all ones
        return np.array(one + [n | sign for n in one], dtype=self.dtype)


def find_runs(order, convert, first=None, last=None, size=1_000_000, seed=7):
    """[(first key, code)], sorted; covers the keys first..last."""
    first = order.first if first is None else first
    last = order.last if last is None else last
    keys = order.grid(first, last)
    codes = convert(order.bits(keys))
    differ = np.flatnonzero(codes[:-1] != codes[1:])
    low, high, low_code, high_code = keys[differ], keys[differ + 1], codes[differ], codes[differ + 1]
    starts, answers = [np.array([first])], [codes[:1]]
    while len(low):
        done = high - low == 1
        starts.append(high[done])
        answers.append(high_code[done])
        low, high, low_code, high_code = (a[~done] for a in (low, high, low_code, high_code))
        middle = low + (high - low) // 2
        code = convert(order.bits(middle)) if len(middle) else low_code
        left, right = low_code != code, code != high_code
        low, high, low_code, high_code = (
            np.concatenate([low[left], middle[right]]),
            np.concatenate([middle[left], high[right]]),
            np.concatenate([low_code[left], code[right]]),
            np.concatenate([code[left], high_code[right]]),
        )
    starts, answers = np.concatenate(starts), np.concatenate(answers)
    place = np.argsort(starts)
    starts, answers = starts[place], answers[place]
    sample = np.random.default_rng(seed).integers(first, last, size, endpoint=True)
    expected = answers[np.searchsorted(starts, sample, side="right") - 1]
    if not np.array_equal(expected, convert(order.bits(sample))):
        raise AssertionError("the conversion is not constant between the boundaries found")
    return list(zip(starts.tolist(), answers.tolist()))


def run_lines(order, runs):
    bits = order.bits([key for key, _ in runs]).tolist()
    return [f"run {b:x} {code:x}" for b, (_, code) in zip(bits, runs)]


def digest_line(lines):
    text = "".join(line + "\n" for line in lines)
    return f"digest {len(lines)} {hashlib.sha256(text.encode()).hexdigest()}"
