// Preloaded into fewbits_convert on Linux: of its calls that change what a folder holds (rename, link, unlink, remove)
// one ends the process; or of those that give a name one finds the disk full, and finds it full when it is tried again.
//     CONVERT_FAULT=kill|full CONVERT_FAULT_AT=<which call, from 1>
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int calls = 0;
std::string given_from, given_to;  // what got no name

bool wants(const char* fault) {
  const char* const wanted = std::getenv("CONVERT_FAULT");
  return wanted != nullptr && std::getenv("CONVERT_FAULT_AT") != nullptr && std::strcmp(wanted, fault) == 0;
}
bool is_the_one() { return ++calls == std::atoi(std::getenv("CONVERT_FAULT_AT")); }

void may_die() {
  if (wants("kill") && is_the_one())
    ::kill(::getpid(), SIGKILL);
}
bool finds_disk_full(const char* from, const char* to) {
  if (!wants("full"))
    return false;
  if (!given_from.empty() ? given_from != from || given_to != to : !is_the_one())
    return false;
  given_from = from;
  given_to = to;
  errno = ENOSPC;
  return true;
}

template <class Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
int rename(const char* from, const char* to) noexcept {
  may_die();
  return finds_disk_full(from, to) ? -1 : next_of<int(const char*, const char*)>("rename")(from, to);
}
int link(const char* from, const char* to) noexcept {
  may_die();
  return finds_disk_full(from, to) ? -1 : next_of<int(const char*, const char*)>("link")(from, to);
}
int unlink(const char* path) noexcept {
  may_die();
  return next_of<int(const char*)>("unlink")(path);
}
int remove(const char* path) noexcept {
  may_die();
  return next_of<int(const char*)>("remove")(path);
}
}
