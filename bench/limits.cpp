// fewbits_limits [--json] [--quick]: what this machine can do, as a table or for programs. GB/s are 1e9 bytes a second.
#include "limits.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

struct line {
  std::string name, what;
  double one, two;
  const char* unit;
};

template <class Measure>
void add(std::vector<line>& lines, std::string name, std::string what, const char* unit, const Measure& measure) {
  const double one = measure(1u) / 1e9;
  lines.push_back({std::move(name), std::move(what), one, limits::most_threads() > 1 ? measure(2u) / 1e9 : 0, unit});
  std::fprintf(stderr, ".");
}

std::string features() {
  const fewbits::cpu_features& f = fewbits::detected_features();
  const std::pair<const char*, bool> all[] = {{"avx2", f.avx2},
                                              {"fma", f.fma},
                                              {"f16c", f.f16c},
                                              {"avx_vnni", f.avx_vnni},
                                              {"avx512f", f.avx512f},
                                              {"avx512bw", f.avx512bw},
                                              {"avx512vl", f.avx512vl},
                                              {"avx512dq", f.avx512dq},
                                              {"avx512_vnni", f.avx512_vnni},
                                              {"avx512_vbmi", f.avx512_vbmi},
                                              {"avx512_bf16", f.avx512_bf16},
                                              {"avx512_fp16", f.avx512_fp16},
                                              {"amx_tile", f.amx_tile},
                                              {"amx_int8", f.amx_int8},
                                              {"amx_bf16", f.amx_bf16},
                                              {"neon", f.neon},
                                              {"neon_dotprod", f.neon_dotprod}};
  std::string text;
  for (const auto& [name, has] : all)
    if (has)
      text += (text.empty() ? "" : " ") + std::string(name);
  return text;
}

}  // namespace

int main(int count, char** arguments) {
  bool json = false;
  for (int i = 1; i < count; ++i)
    if (std::string_view(arguments[i]) == "--json") {
      json = true;
    } else if (std::string_view(arguments[i]) == "--quick") {
      limits::seconds_a_figure() = 0;
    } else {
      std::fprintf(stderr, "usage: fewbits_limits [--json] [--quick]\n");
      return 2;
    }

  using limits::place;
  std::vector<line> lines;
  for (const place where : limits::every_place) {
    const std::string name(limits::name_of(where));
    std::string what = where == place::dram ? "read from DRAM, 4 KiB pages"
                       : where == place::dram_huge
                           ? "read from DRAM, huge pages asked for"
                           : "read from " + name + ", " + std::to_string(limits::footprint(where) >> 10) + " KiB";
    add(lines, "read_" + name, what, "GB/s", [&](unsigned threads) { return limits::read(where, threads); });
  }
  for (const place where : {place::dram, place::l2})
    for (const limits::ratio r : limits::ratios) {
      const std::string bytes = std::to_string(r.read) + "_" + std::to_string(r.write);
      add(lines, "copy_" + bytes + "_" + std::string(limits::name_of(where)),
          "read " + std::to_string(r.read) + " write " + std::to_string(r.write) + ", " +
              (where == place::dram ? "DRAM" : "L2"),
          "GB/s", [&](unsigned threads) {
            return limits::copy(static_cast<double>(r.read), static_cast<double>(r.write), where, threads);
          });
    }
  std::string skipped;
  for (const fewbits::isa which : fewbits::every_isa) {
    const std::string name(fewbits::name_of(which));
    if (!fewbits::is_available(which)) {
      skipped += (skipped.empty() ? "" : ", ") + name;
      continue;
    }
    if (which == fewbits::isa::amx) {
      using limits::tile_type;
      const auto add_tiles = [&](const char* key, const char* what, tile_type type) {
        add(lines, key, what, "Gop/s", [&](unsigned threads) { return limits::amx_products(type, threads); });
      };
      add_tiles("amx_int8", "AMX int8, random data", tile_type::int8);
      add_tiles("amx_bf16", "AMX bf16, random data", tile_type::bf16);
      add_tiles("amx_bf16_zeros", "AMX bf16, zeros", tile_type::bf16_zeros);
      continue;
    }
    add(lines, "fma_" + name, "float32 multiply-add, " + name, "GFLOP/s",
        [&](unsigned threads) { return limits::fma(which, threads); });
    if (const limits::dot_kernel* const dot = limits::dot_kernel_of(which))
      add(lines, "int8_" + name, std::string("int8 dot products, ") + dot->name, "Gop/s",
          [&](unsigned threads) { return limits::int8_dot(which, threads); });
  }
  std::fprintf(stderr, "\n");

  if (json) {
    std::printf("{\n  \"features\": \"%s\",\n  \"not_here\": \"%s\",\n  \"limits\": {\n", features().c_str(),
                skipped.c_str());
    for (std::size_t i = 0; i < lines.size(); ++i)
      std::printf("    \"%s\": {\"unit\": \"%s\", \"1\": %.4g, \"2\": %.4g}%s\n", lines[i].name.c_str(), lines[i].unit,
                  lines[i].one, lines[i].two, i + 1 == lines.size() ? "" : ",");
    std::printf("  }\n}\n");
    return 0;
  }
  std::printf("features: %s\n\n| limit | 1 thread | 2 threads | |\n|---|---|---|---|\n", features().c_str());
  for (const line& each : lines)
    std::printf("| %s | %.4g | %.4g | %s |\n", each.what.c_str(), each.one, each.two, each.unit);
  if (!skipped.empty())
    std::printf("\nskipped, because this machine has none: %s\n", skipped.c_str());
}
