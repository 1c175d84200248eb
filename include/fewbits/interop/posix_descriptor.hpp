// A program may be started with its standard streams closed. The next file opened would then be its standard output,
// and what it prints would go into that file.
#pragma once

#if __has_include(<unistd.h>)
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#endif

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

#if __has_include(<unistd.h>)
/// The file under a number of 3 or more; takes the descriptor over. -1 and errno where it is negative or none is free.
inline int above_standard_streams(int descriptor) noexcept {
  if (descriptor < 0 || descriptor > 2)
    return descriptor;
  const int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  const int number = errno;
  ::close(descriptor);
  errno = number;
  return moved;
}
#endif

}  // namespace detail
FEWBITS_NAMESPACE_END
