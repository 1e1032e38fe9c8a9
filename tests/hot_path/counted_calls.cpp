#include "hot_path/counted_calls.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>

#include <cerrno>
#include <cstdlib>
#include <ostream>
#include <utility>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDERSTUDY_SANITIZER_HAS_MALLOC
// GCC's library has it, but not its header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             std::size_t),
                                                         void (*free_hook)(const volatile void*));
#endif

namespace understudy::test {
namespace {

// The functions below are the C library's to callers, and so have no other way to find who counts.
thread_local constinit CallCounter* counting = nullptr;

void note(unsigned long Calls::*what) {
  if (counting != nullptr) counting->note(what);
}

// The function that ours stands in front of. dlsym neither allocates nor takes one of these locks where it
// finds.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

CallCounter::CallCounter() {
  ::backtrace(frames_.data(), static_cast<int>(frames_.size()));  // loads the unwinder, which allocates
#ifdef UNDERSTUDY_SANITIZER_HAS_MALLOC
  [[maybe_unused]] static const int installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t) { test::note(&Calls::allocations); },
      [](const volatile void* octets) {
        if (octets != nullptr) test::note(&Calls::frees);
      });
#endif
  counting = this;
}

CallCounter::~CallCounter() { stop(); }

void CallCounter::stop() { counting = nullptr; }

void CallCounter::note(unsigned long Calls::*what) {
  counting = nullptr;  // what follows does not count
  ++(calls_.*what);
  if (frame_count_ == 0) frame_count_ = ::backtrace(frames_.data(), static_cast<int>(frames_.size()));
  counting = this;
}

std::string CallCounter::first_place() const {
  std::string out;
  char** const lines = ::backtrace_symbols(frames_.data(), frame_count_);
  for (int i = 0; i < frame_count_; ++i) out += std::string(lines[i]) + "\n";
  std::free(lines);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Calls& calls) {
  return out << calls.allocations << " allocations, " << calls.frees << " frees, " << calls.locks
             << " locks, " << calls.throws << " throws";
}

}  // namespace understudy::test

using understudy::test::Calls;

extern "C" {

#ifndef UNDERSTUDY_SANITIZER_HAS_MALLOC
// glibc's own names of what stands behind.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* octets, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* octets);

void* malloc(std::size_t size) noexcept {
  understudy::test::note(&Calls::allocations);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  understudy::test::note(&Calls::allocations);
  return __libc_calloc(count, size);
}
void* realloc(void* octets, std::size_t size) noexcept {
  understudy::test::note(&Calls::allocations);
  return __libc_realloc(octets, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  understudy::test::note(&Calls::allocations);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  understudy::test::note(&Calls::allocations);
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
void free(void* octets) noexcept {
  if (octets != nullptr) understudy::test::note(&Calls::frees);
  __libc_free(octets);
}
#endif

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = understudy::test::next<int(pthread_mutex_t*)>("pthread_mutex_lock");
  understudy::test::note(&Calls::locks);
  return real(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = understudy::test::next<int(pthread_mutex_t*)>("pthread_mutex_trylock");
  understudy::test::note(&Calls::locks);
  return real(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  static auto* const real = understudy::test::next<int(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
  understudy::test::note(&Calls::locks);
  return real(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  static auto* const real = understudy::test::next<int(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
  understudy::test::note(&Calls::locks);
  return real(lock);
}
int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
  static auto* const real = understudy::test::next<int(pthread_spinlock_t*)>("pthread_spin_lock");
  understudy::test::note(&Calls::locks);
  return real(lock);
}
int sem_wait(sem_t* semaphore) {
  static auto* const real = understudy::test::next<int(sem_t*)>("sem_wait");
  understudy::test::note(&Calls::locks);
  return real(semaphore);
}

// As GCC declares it by itself: the second is a std::type_info.
[[noreturn]] void __cxa_throw(void* exception, void* type, void (*destroy)(void*)) {
  static auto* const real = understudy::test::next<void(void*, void*, void (*)(void*))>("__cxa_throw");
  understudy::test::note(&Calls::throws);
  real(exception, type, destroy);
  std::abort();
}

}  // extern "C"
