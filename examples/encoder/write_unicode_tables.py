#!/usr/bin/env python3
"""Writes unicode_tables.hpp, out of Python's unicodedata.

    python3 examples/encoder/write_unicode_tables.py > examples/encoder/unicode_tables.hpp
"""
import unicodedata

FOLDED = [(0xC0, 0x250), (0x370, 0x460), (0x1E00, 0x1F00)]  # Latin, Greek, Cyrillic, Latin with two marks


def folded(character):
    bare = "".join(c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")
    return bare.lower()


def main():
    pairs = []
    for first, end in FOLDED:
        for code in range(first, end):
            to = folded(chr(code))
            if to != chr(code) and len(to) == 1:
                pairs.append((code, ord(to)))
    ranges = []
    for code in range(0x80, 0x10000):
        if unicodedata.category(chr(code)).startswith("P"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    print("// Tables of the tokeniser. Written by write_unicode_tables.py from Unicode "
          f"{unicodedata.unidata_version}.")
    print("#pragma once\n\n#include <cstdint>\n\nnamespace encoder {\n\n// clang-format off")
    print("/// Letters of U+00C0-024F, U+0370-045F and U+1E00-1EFF, and the same in lower case without accents.")
    print(f"inline constexpr std::uint16_t folded_letters[{len(pairs)}][2] = {{")
    write(pairs)
    print("};\n/// Punctuation past ASCII: first and last of each run.")
    print(f"inline constexpr std::uint16_t punctuation_runs[{len(ranges)}][2] = {{")
    write(ranges)
    print("};\n// clang-format on\n\n}  // namespace encoder")


def write(pairs):
    line = " "
    for a, b in pairs:
        item = f" {{{a:#x},{b:#x}}},"
        if len(line) + len(item) > 118:
            print(line)
            line = " "
        line += item
    print(line)


main()
