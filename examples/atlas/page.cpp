#include "page.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace atlas {
namespace {

constexpr char page_style[] = R"(
html{background:var(--paper);color:var(--ink);color-scheme:light dark;scroll-padding-top:3.2rem}
body{margin:0 auto;max-width:62rem;padding:0 1rem 4rem;font:16px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:1.7rem;margin:1.5rem 0 .3rem}h2{font-size:1.25rem;margin:2.6rem 0 .3rem}p{max-width:46rem;margin:.3rem 0 1rem}
nav{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--line);padding:.5rem 0;margin-bottom:1rem;
display:flex;flex-wrap:wrap;gap:.15rem .8rem;font-size:.82rem;z-index:1}
a{color:var(--c0)}nav a{text-decoration:none}nav a:hover,nav a:focus{text-decoration:underline}
svg{display:block;width:100%;height:auto;margin:.6rem 0 1.6rem}
@media(max-width:46rem){figure{overflow-x:auto}figure svg{min-width:46rem}}figure{margin:0}
)";

}  // namespace

std::string page_of(const std::vector<section>& sections, const char* version) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n<title>An atlas of few "
      "bits</title>\n<style>";
  page += std::string(colours_and_looks) + std::string(dark_colours) + page_style;
  page += "</style>\n</head>\n<body>\n<h1>An atlas of few bits</h1>\n<p>Every mark on this page was asked of fewbits " +
          std::string(version) +
          " when the page was written: values, boundaries and errors are the library's own. "
          "Where a pointer rests on a cell, a bin or a dot, it reads more.</p>\n<nav aria-label=\"Sections\">\n";
  for (const section& each : sections)
    page += "<a href=\"#" + each.name + "\">" + escaped(each.title) + "</a>\n";
  page += "</nav>\n<main>\n";
  for (const section& each : sections) {
    page += "<section id=\"" + each.name + "\">\n<h2>" + escaped(each.title) + "</h2>\n<p>" + escaped(each.words) +
            "</p>\n";
    for (const std::string& picture : each.elements)
      page += "<figure>\n" + picture + "</figure>\n";
    page += "</section>\n";
  }
  return page + "</main>\n</body>\n</html>\n";
}

bool write_file(const std::string& path, const std::string& text, std::string& problem) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int why = errno;
  if (file != nullptr && std::fclose(file) != 0) {
    written = false;
    why = errno;
  }
  if (!written)
    problem = path + " cannot be written: " + std::strerror(why);
  return written;
}

}  // namespace atlas
