// How much memory of the heap is in use, for tests that bound what something takes by count and not by the
// machine's mood: what the sanitizer counts where there is one, else what the C library does.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // GCC 12 has no header for it
#else
#include <malloc.h>
#endif

namespace understudy::test {

inline std::size_t allocated_octets() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return __sanitizer_get_current_allocated_bytes();
#else
  const auto info = mallinfo2();  // of all arenas, and of what is mapped by itself
  return info.uordblks + info.hblkhd;
#endif
}

}  // namespace understudy::test
