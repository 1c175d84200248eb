"""Hard float32 blocks for block quantisers, as bit patterns; seeded, so that every run makes the same ones."""

import numpy as np

BOUNDARY = [0x00000000, 0x00000001, 0x00000540, 0x003FFFFF, 0x00400000, 0x007FFFFF, 0x00800000, 0x00800001, 0x01000000,
            0x1E3CE508, 0x38D1B717, 0x3DCCCCCD, 0x3EAAAAAB, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x40C00000, 0x43E00000,
            0x7E800000, 0x7F000000, 0x7F7FFFFE, 0x7F7FFFFF]
# Magnitudes of the element grids, as integers times 2^-k: the ties lie half way between neighbours.
GRIDS = {"e4m3": (4, 3, 448.0), "e5m2": (5, 2, 57344.0), "e3m2": (3, 2, 28.0), "e2m3": (2, 3, 7.5), "e2m1": (2, 1, 6.0)}


def bits_of(values):
    return np.asarray(values, dtype=np.float32).view(np.uint32)


def grid(name):
    exponent, mantissa, largest = GRIDS[name]
    bias = 2 ** (exponent - 1) - 1
    codes = np.arange(2 ** (exponent + mantissa))
    field, fraction = codes >> mantissa, codes & (2**mantissa - 1)
    values = np.where(field == 0, fraction * 2.0 ** (1 - bias - mantissa),
                      (1 + fraction / 2**mantissa) * 2.0 ** (field - bias))
    return values[values <= largest]


def neighbours(bits, by):
    """Positive float32 bits moved by that many places, away from 0 where `by` is positive."""
    return np.clip(bits.astype(np.int64) + by, 0, 0x7F7FFFFF).astype(np.uint32)


def signed(random, bits):
    return bits | (random.integers(0, 2, bits.shape).astype(np.uint32) << np.uint32(31))


def shuffled(random, block):
    random.shuffle(block)
    return block


def boundary_blocks(random, size):
    for magnitude in BOUNDARY:
        alone = np.zeros(size, dtype=np.uint32)
        alone[size // 2] = magnitude | 0x80000000
        yield alone
        among = np.full(size, 0x80000000, dtype=np.uint32)
        among[0] = magnitude
        yield among
        others = np.array([m for m in BOUNDARY if m <= magnitude], dtype=np.uint32)
        mixed = signed(random, random.choice(others, size))
        mixed[random.integers(size)] = magnitude
        yield mixed


def power_blocks(random, size, count):
    """The largest magnitude lies a few places beside a power of two: where float32 log2 rounds to an integer."""
    places = [-45, -44, -23, -22, -12, -11, -6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6, 11, 12, 22, 23]
    for n in range(count):
        field = int(random.choice([2, 3, 40, 62, 64, 95, 110, 118, 122, 124, 126, 127, 128, 130, 132, 136, 144, 160, 192, 250, 254]))
        top = neighbours(np.array([field << 23]), places[n % len(places)])[0]
        with np.errstate(all="ignore"):
            rest = np.float32(random.uniform(0.01, 1, size)) * top.view(np.float32)
        block = signed(random, bits_of(rest))
        block[random.integers(size)] = top
        yield block


def normal_blocks(random, size, count):
    for _ in range(count):
        yield bits_of(random.standard_normal(size) * 10.0 ** random.uniform(-6, 6))


def ragged_blocks(random, size, count):
    for n in range(count):
        if n % 2:
            fields = random.integers(1, 255, size)
        else:
            fields = random.integers(30, 240) - random.integers(0, 12, size)
        yield signed(random, (fields.astype(np.uint32) << np.uint32(23)) | random.integers(0, 1 << 23, size).astype(np.uint32))


def tie_blocks(random, size, name, count):
    """Ties of the element's grid times a power of two, and their neighbours; the largest magnitude varies in its binade."""
    values = grid(name)
    ties = (values[:-1] + values[1:]) / 2
    for n in range(count):
        scale = 2.0 ** int(random.integers(-90, 90))
        chosen = bits_of(random.choice(ties, size) * scale)
        moved = neighbours(chosen, random.integers(-1, 2, size))
        moved[0] = bits_of([values[-1] * scale * random.choice([1.0, 0.75, 1.0625, 1.1])])[0]
        moved[1] = neighbours(bits_of([ties[0] * scale]), -1)[0]
        yield shuffled(random, signed(random, moved))


def scale_edge_blocks(random, size):
    """Largest magnitudes where some rule's scale changes: largest element x 2^k; half a unit below a power of two."""
    tops = [448.0, 57344.0, 28.0, 7.5, 6.0, 127.0, 8.0, 1.75, 1.875, 1.9375, 1.96875, 1.5]
    for top in tops:
        for by in (-2, -1, 0, 1, 2):
            edge = neighbours(bits_of([top * 2.0 ** int(random.integers(-60, 60))]), by)[0]
            rest = np.float32(random.uniform(-1, 1, size)) * edge.view(np.float32)
            block = bits_of(rest).copy()
            block[random.integers(size)] = edge | (int(random.integers(2)) << 31)
            yield block


def quotient_blocks(random, size, divisor, half, count):
    """Values near (n + half) x amax / divisor: where x times a rounded reciprocal and x divided part ways."""
    for _ in range(count):
        amax = np.float32(random.uniform(1, 2) * 2.0 ** int(random.integers(-40, 40)))
        steps = random.integers(0, int(divisor), size) + half
        values = bits_of(steps * (float(amax) / divisor))
        block = signed(random, np.minimum(neighbours(values, random.integers(-2, 3, size)), amax.view(np.uint32)))
        block[random.integers(size)] = amax.view(np.uint32) | (int(random.integers(2)) << 31)
        yield block


def mx_blocks():
    random = np.random.default_rng(31)
    size = 32
    blocks = [*boundary_blocks(random, size), *power_blocks(random, size, 63), *normal_blocks(random, size, 40),
              *ragged_blocks(random, size, 40), *scale_edge_blocks(random, size)]
    for name in GRIDS:
        blocks += tie_blocks(random, size, name, 14)
    for divisor, half, count in ((8, 0.5, 16), (15, 0.5, 8), (127, 0.5, 24), (64, 0.5, 12)):
        blocks += quotient_blocks(random, size, divisor, half, count)
    return np.array(blocks, dtype=np.uint32)


def special_blocks(size):
    """Inf and NaN among numbers; at the head, in the middle, alone."""
    blocks = []
    for bad in (0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001):
        numbers = bits_of(np.linspace(-3, 5, size)).copy()
        numbers[size // 3] = bad
        blocks.append(numbers)
        zeros = np.zeros(size, dtype=np.uint32)
        zeros[0] = bad
        blocks.append(zeros)
    both = bits_of(np.linspace(-3, 5, size)).copy()
    both[3], both[4] = 0x7F800000, 0x7FC00000
    return np.array([*blocks, both], dtype=np.uint32)


def two_level_tensors():
    """[(name, blocks of 16)]: tensors whose largest magnitude spans float32; ties of e2m1 under nearly every scale."""
    random = np.random.default_rng(47)
    midpoints = (grid("e2m1")[:-1] + grid("e2m1")[1:]) / 2
    tensors = []
    for n, top in enumerate([2688.0, 1.0, 0.0412, 3.0e-5, 6.5e4, 1.7e-36, 2.9e-38, 3.0e38]):
        amax = np.float32(top)
        unit = float(amax) / 2688
        blocks = [np.zeros(16, dtype=np.uint32), np.full(16, 0x80000000, dtype=np.uint32)]
        first = bits_of(random.uniform(-1, 1, 16) * float(amax)).copy()
        first[5] = amax.view(np.uint32)
        blocks.append(first)
        for k in range(15):  # below, at and above the smallest scales
            part = 448.0 * 2.0**-k * random.uniform(0.9, 1.2)
            blocks.append(bits_of(np.clip(random.uniform(-1, 1, 16) * part * 6 * unit, -float(amax), float(amax))))
        blocks += [bits_of(random.standard_normal(16) * float(amax) / 4.5) for _ in range(10)]
        blocks += [bits_of(random.standard_normal(16) * float(amax) * 10.0 ** -random.uniform(1, 7)) for _ in range(12)]
        for _ in range(24):
            code = int(random.integers(1, 127))
            scale = grid("e4m3")[code] * unit
            values = neighbours(bits_of(random.choice(midpoints, 16) * scale), random.integers(-2, 3, 16))
            values[0] = bits_of([6 * scale])[0]
            blocks.append(shuffled(random, signed(random, values)))
        for edge in (0.5, 1.5, 2.5, 6.5, 7.5, 8.5, 9.5, 14.5, 16.5):  # halfway between two scales, in units of 2^-9
            at = neighbours(bits_of([6 * unit * edge * 2.0 ** (-9 + (n % 3) * 4)]), int(random.integers(-1, 2)))[0]
            block = bits_of(random.uniform(-1, 1, 16) * float(at.view(np.float32))).copy()
            block[random.integers(16)] = at
            blocks.append(block)
        if n == 0:  # one level: scales about 2^8, 2^-6 and 2^-9, where ggml's and torchao's ends lie
            for ends in (239.9, 240.0, 247.9, 248.0, 255.9, 256.0, 264.0, 2.0**-6, 2.0**-6 - 2.0**-12, 2.0**-9, 2.0**-10):
                block = bits_of(random.uniform(-1, 1, 16) * 6 * ends).copy()
                block[random.integers(16)] = bits_of([6 * ends])[0]
                blocks.append(block)
        bits = np.array(blocks, dtype=np.uint32)
        magnitude = np.minimum(bits & 0x7FFFFFFF, amax.view(np.uint32))
        tensors.append((f"two_level_{n}", magnitude | (bits & 0x80000000)))
    return tensors


def nf4_blocks():
    random = np.random.default_rng(64)
    size = 64
    code = np.array([-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0.0, 0.0795803,
                     0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0])
    middles = (code[:-1] + code[1:]) / 2
    blocks = [*boundary_blocks(random, size), *normal_blocks(random, size, 30), *ragged_blocks(random, size, 16)]
    for _ in range(50):
        amax = np.float32(random.uniform(1, 2) * 2.0 ** int(random.integers(-40, 40)))
        chosen = bits_of(random.choice(middles, size) * float(amax))
        block = np.where(chosen & 0x7FFFFFFF, chosen + random.integers(-2, 3, size).astype(np.uint32), chosen)
        block[random.integers(size)] = amax.view(np.uint32) | (int(random.integers(2)) << 31)
        blocks.append(block.astype(np.uint32))
    return np.array(blocks, dtype=np.uint32)


def fp8_blocks():
    random = np.random.default_rng(128)
    size = 128
    blocks = [*boundary_blocks(random, size)][::2]
    blocks += [*normal_blocks(random, size, 14), *ragged_blocks(random, size, 10)]
    values = grid("e4m3")
    ties = (values[:-1] + values[1:]) / 2
    for _ in range(30):
        amax = np.float32(random.uniform(1, 2) * 2.0 ** int(random.integers(-20, 40)))
        chosen = neighbours(bits_of(random.choice(ties, size) * (float(amax) / 448)), random.integers(-2, 3, size))
        block = signed(random, np.minimum(chosen, amax.view(np.uint32)))
        block[random.integers(size)] = amax.view(np.uint32) | (int(random.integers(2)) << 31)
        blocks.append(block)
    return np.array(blocks, dtype=np.uint32)


def all_tensors():
    """name -> bits [blocks, size]."""
    tensors = {"mx": mx_blocks(), "mx_special": special_blocks(32),
               "nf4": nf4_blocks(), "fp8": fp8_blocks()}
    tensors.update(two_level_tensors())
    return tensors
