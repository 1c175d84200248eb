"""The conversions of each Python system, as black boxes from bit patterns to codes."""

import numpy as np

FLOATS = {  # ours -> ml_dtypes'
    "e4m3": "float8_e4m3fn",
    "e4m3_ieee": "float8_e4m3",
    "e4m3fnuz": "float8_e4m3fnuz",
    "e4m3b11fnuz": "float8_e4m3b11fnuz",
    "e5m2": "float8_e5m2",
    "e5m2fnuz": "float8_e5m2fnuz",
    "e3m4": "float8_e3m4",
    "ue8m0": "float8_e8m0fnu",
    "e2m1": "float4_e2m1fn",
    "e2m3": "float6_e2m3fn",
    "e3m2": "float6_e3m2fn",
    "bf16": "bfloat16",
}
INTEGERS = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
ENCODED_BY_SHIFT = {"low": "up"}  # to ue8m0: everything between 2^-127 and 1.5 * 2^-127 goes up
WIDTH = {"e2m1": 4, "e2m3": 6, "e3m2": 6, "bf16": 16, "int4": 4, "uint4": 4, "int2": 2, "uint2": 2}


def cases_of_ml_dtypes():
    import ml_dtypes

    def dtype(name):
        return np.dtype(getattr(ml_dtypes, FLOATS.get(name, name)))

    sources = {"float32": np.dtype(np.float32), "float64": np.dtype(np.float64), "fp16": np.dtype(np.float16),
               "bf16": np.dtype(ml_dtypes.bfloat16)}

    def converter(source, target):
        raw = np.uint16 if dtype(target).itemsize == 2 else np.uint8
        return lambda bits: bits.view(sources[source]).astype(dtype(target)).view(raw).astype(np.int64)

    rule = {"overflow": "no_saturate", "sign": "keep"}

    def quirks(source, target):
        keys = {"via": "float32"} if source == "float64" else {}
        keys |= {"nan": "flipped_zero"} if target in ("e2m1", "e2m3", "e3m2") else {}
        keys |= ENCODED_BY_SHIFT if target == "ue8m0" else {}
        return keys | ({"fnuz_nan": "negative"} if "fnuz" in source else {})

    for target in FLOATS:
        for source in sources:
            if source != target:
                rounding = "nearest_away" if target == "ue8m0" else "nearest_even"
                yield {"system": "ml_dtypes", "from": source, "to": target, "rounding": rounding, **rule,
                       **quirks(source, target), "convert": converter(source, target)}
    for target, (low, high) in INTEGERS.items():  # out of range is undefined behaviour there, so it isn't recorded
        ends = np.array([low - 1, high + 1], dtype=np.float32).view(np.uint32).astype(np.int64)
        first = -(int(ends[0]) & 0x7FFFFFFF) if low else -0x3F800000
        yield {"system": "ml_dtypes", "from": "float32", "to": target, "rounding": "toward_zero", **rule,
               "convert": converter("float32", target), "first": first, "last": int(ends[1]) - 1, "nans": False}
    for name in list(FLOATS) + list(INTEGERS):
        width = WIDTH.get(name, 8)
        if width == 16:
            continue
        every = np.arange(1 << width, dtype=np.uint8).view(dtype(name))
        yield {"system": "ml_dtypes", "from": name, "to": "float32", "decode": "exact",
               "codes": every.astype(np.float32).view(np.uint32).tolist(), "digits": 8}
        for target in FLOATS:
            if target not in (name, "bf16", "ue8m0") and name in FLOATS and name != "ue8m0":  # no such casts with e8m0
                yield {"system": "ml_dtypes", "from": name, "to": target, "rounding": "nearest_even", **rule,
                       **quirks(name, target), "codes": every.astype(dtype(target)).view(np.uint8).tolist(), "digits": 2}


def cases_of_torch():
    import torch

    sources = {"float32": (np.int32, torch.float32), "float64": (np.int64, torch.float64),
               "fp16": (np.int16, torch.float16), "bf16": (np.int16, torch.bfloat16)}
    targets = {"e4m3": (torch.float8_e4m3fn, "saturate"), "e5m2": (torch.float8_e5m2, "no_saturate"),
               "e4m3fnuz": (torch.float8_e4m3fnuz, "no_saturate"),
               "e5m2fnuz": (torch.float8_e5m2fnuz, "no_saturate"),
               "ue8m0": (torch.float8_e8m0fnu, "no_saturate")}
    for target, (kind, overflow) in targets.items():
        for source, (raw, floats) in sources.items():

            def convert(bits, raw=raw, floats=floats, kind=kind):
                given = torch.from_numpy(np.ascontiguousarray(bits).view(raw)).view(floats)
                return given.to(kind).view(torch.uint8).numpy().astype(np.int64)

            special = target == "ue8m0"
            quirks = {"via": "float32"} if source == "float64" else {}
            quirks |= {"nan": "ones"} if target == "e5m2" else {}
            quirks |= {"zero": "smallest", **ENCODED_BY_SHIFT} if special else {}
            yield {"system": "torch", "from": source, "to": target,
                   "rounding": "nearest_away" if special else "nearest_even", "overflow": overflow,
                   "sign": "drop" if special else "keep", **quirks, "convert": convert}
        every = torch.arange(256, dtype=torch.uint8).view(kind)
        yield {"system": "torch", "from": target, "to": "float32", "decode": "exact",
               "codes": every.to(torch.float32).view(torch.int32).numpy().view(np.uint32).tolist(), "digits": 8}


def quirks_of_cuda(source, target):
    """What the case headers say about CUDA's answers beyond the rules."""
    if target == "e8m0":
        return {"zero": "smallest"}
    if target not in ("e4m3", "e5m2"):
        return {}
    if source != "float64":
        return {"nan": "positive_ones"}
    return {"nan": "or_fraction"} if target == "e5m2" else {}


def p3109(widths):
    from gfloat import Domain, Signedness, formats

    for k in widths:
        for signed in (True, False):
            for p in range(1, k if signed else k + 1):
                for extended in (True, False):
                    yield f"binary{k}p{p}{'s' if signed else 'u'}{'e' if extended else 'f'}", (
                        formats.format_info_p3109(k, p, Signedness.Signed if signed else Signedness.Unsigned,
                                                  Domain.Extended if extended else Domain.Finite))


def decodes_of_gfloat():
    """Every P3109 code: K up to 8 as float32 and in full, from 9 to 15 as float64 and as a digest."""
    from gfloat import decode_ndarray

    for name, info in p3109(range(3, 16)):
        wide = info.k > 8
        if info.bias <= (512 if wide else 64):  # else the values leave float64, or float32
            values = decode_ndarray(info, np.arange(1 << info.k))
            raw = values.view(np.uint64) if wide else values.astype(np.float32).view(np.uint32)
            nan = 0x7FF8000000000000 if wide else 0x7FC00000
            yield {"system": "gfloat", "from": name, "to": "float64" if wide else "float32", "decode": "exact",
                   "codes": np.where(np.isnan(values), nan, raw).tolist(), "digits": 16 if wide else 8,
                   "digested": wide}


def cases_of_gfloat():
    from gfloat import RoundMode, encode_ndarray, formats, round_ndarray

    modes = {"nearest_even": RoundMode.TiesToEven, "nearest_away": RoundMode.TiesToAway,
             "toward_zero": RoundMode.TowardZero, "upward": RoundMode.TowardPositive,
             "downward": RoundMode.TowardNegative, "stochastic": RoundMode.Stochastic}
    deterministic = [mode for mode in modes if mode != "stochastic"]

    def converter(info, mode, saturate, random_bits=0, random_count=0):
        def convert(bits):
            values = bits.view(np.float32).astype(np.float64)
            if info.num_nans == 0:
                values = np.where(np.isnan(values), 0.0, values)
            if not info.is_signed:
                values = np.where(values < 0, 0.0, values)
            stochastic = (np.full(values.shape, random_bits), random_count) if random_count else (None, 0)
            rounded = round_ndarray(info, values, modes[mode], saturate, *stochastic)
            return np.asarray(encode_ndarray(info, rounded)).astype(np.int64)

        return convert

    named = {"e4m3": formats.format_info_ocp_e4m3, "e5m2": formats.format_info_ocp_e5m2,
             "e2m3": formats.format_info_ocp_e2m3, "e3m2": formats.format_info_ocp_e3m2,
             "e2m1": formats.format_info_ocp_e2m1, "fp16": formats.format_info_binary16,
             "bf16": formats.format_info_bfloat16}

    def case(name, info, mode, saturate):
        header = {"system": "gfloat", "from": "float32", "to": name, "rounding": mode,
                  "overflow": "saturate" if saturate else "no_saturate", "sign": "keep",
                  **({"nan": "any"} if info.num_nans > 1 else {}),
                  **({} if info.is_signed else {"range": "positive"})}
        first = None if info.is_signed else 0  # it doesn't take negative values into unsigned formats
        rest = {} if first is None else {"first": 0, "last": 0x7F800000}
        return {**header, "convert": converter(info, mode, saturate), "nans": info.num_nans > 0, "sample": 20_000,
                "longest": 40 if name.startswith("binary") else 600, **rest}

    for name, info in named.items():
        for mode in deterministic:
            for saturate in (True, False):
                if saturate or info.num_nans > 0:
                    yield case(name, info, mode, saturate)
    for name, info in p3109(range(3, 9)):
        for mode in deterministic:
            for saturate in (True, False):
                yield case(name, info, mode, saturate)
    for name in ("e2m1", "e4m3", "e5m2"):
        for count, random_bits in [(1, 0), (1, 1), *((3, bits) for bits in range(8)), (10, 511), (10, 1023)]:
            draw = {"random_bits": random_bits, "random_count": count}
            made = case(name, named[name], "stochastic", True)
            convert = converter(named[name], "stochastic", True, **draw)
            yield {**made, **draw, "longest": 40, "convert": convert}
    yield from decodes_of_gfloat()
