#include "sync/gate_command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "dns/presentation.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace asio = boost::asio;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kept_output = 4096;  // of the command's output, its end
constexpr std::size_t flushed_octets = 1u << 18;

Error io_error(const std::string& doing) {
  return {reason::mirror_io, doing + ": " + std::generic_category().message(errno)};
}

Result<> write_all(int file, std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t wrote = ::write(file, text.data() + at, text.size() - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return io_error("writing a version for the gate's command");
    at += static_cast<std::size_t>(wrote);
  }
  text.clear();
  return {};
}

struct Child {
  pid_t pid = -1;
  int output = -1;  // where it writes to; ours
};

std::vector<std::string> environment_of(const CommandOrder& order) {
  std::vector<std::string> variables{"UNDERSTUDY_ZONE=" + order.zone,
                                     "UNDERSTUDY_SERIAL=" + std::to_string(order.serial)};
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Output and errors go to one pipe; of our own descriptors the child gets none.
Result<Child> start(CommandOrder& order, int input) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return io_error("starting the gate's command");
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);  // ignored here
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);  // a group of its own, to be ended as a whole
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> variables = environment_of(order);
  Child child{-1, ends[0]};
  const int code = ::posix_spawn(&child.pid, order.command.front().c_str(), &actions, &attributes,
                                 pointers_to(order.command).data(), pointers_to(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(ends[1]);
  if (code == 0) return child;
  ::close(ends[0]);
  return Error{reason::command,
               order.command.front() + " cannot be run: " + std::generic_category().message(code)};
}

// Ends the child, with all of its group, where it was not waited for: at the time limit, or as we stop.
class Leash {
 public:
  explicit Leash(pid_t pid) : pid_(pid) {}
  Leash(const Leash&) = delete;
  Leash& operator=(const Leash&) = delete;
  ~Leash() {
    if (pid_ <= 0) return;
    end();
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  void end() const {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
  }
  // Whether it ended; asked until it did.
  bool ended(int& status) {
    if (::waitpid(pid_, &status, WNOHANG) == 0) return false;
    pid_ = -1;
    return true;
  }

 private:
  pid_t pid_;
};

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  text.erase(0, text.find_last_of('\n') + 1);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string ended(int status, const std::string& line) {
  if (!line.empty()) return line;
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

UnnamedFile::~UnnamedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<UnnamedFile> write_text(backend::NodeWalk& walk, const std::string& directory) {
  std::string path = directory + "/gate-XXXXXX";
  UnnamedFile file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.descriptor() < 0) return io_error("making a file in " + directory);
  ::unlink(path.c_str());
  std::string text;
  backend::WalkedNode node;
  for (;;) {
    const Result<bool> more = walk.next(node);
    if (!more) return more.error();
    if (!*more) break;
    for (const bool soa : {true, false}) {
      for (const backend::WalkedRecord& record : node.records) {
        if ((record.type == dns::RRType::SOA) != soa) continue;
        text += dns::record_text({node.owner, record.type, record.ttl, record.rdata}) + '\n';
      }
    }
    if (text.size() < flushed_octets) continue;
    if (auto wrote = write_all(file.descriptor(), text); !wrote) return wrote.error();
  }
  if (auto wrote = write_all(file.descriptor(), text); !wrote) return wrote.error();
  if (::lseek(file.descriptor(), 0, SEEK_SET) != 0) return io_error("reading what was written");
  return file;
}

asio::awaitable<std::optional<std::string>> run_command(CommandOrder order,
                                                        std::shared_ptr<UnnamedFile> input) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const Result<Child> child = start(order, input->descriptor());
  if (!child) co_return child.error().message;
  const auto leash = std::make_shared<Leash>(child->pid);
  asio::posix::stream_descriptor output(executor, child->output);
  asio::steady_timer limit(executor, order.time_limit);
  const auto late = std::make_shared<bool>(false);
  limit.async_wait([weak = std::weak_ptr<Leash>(leash), late](boost::system::error_code stopped) {
    const auto still = weak.lock();
    if (stopped || !still) return;
    *late = true;
    still->end();
  });
  std::string said;
  char buffer[1024];
  for (bool open = true; open;) {
    auto reading = output.async_read_some(asio::buffer(buffer), as_values);
    const auto [error, size] = co_await std::move(reading);
    open = !error;
    said.append(buffer, size);
    if (said.size() > 2 * kept_output) said.erase(0, said.size() - kept_output);
  }
  // It may have closed its output and go on.
  int status = 0;
  asio::steady_timer pause(executor);
  while (!leash->ended(status)) {
    pause.expires_after(std::chrono::milliseconds(10));
    auto waiting = pause.async_wait(as_values);
    co_await std::move(waiting);
  }
  limit.cancel();
  if (*late) co_return "it took longer than " + std::to_string(order.time_limit.count()) + " s";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) co_return std::nullopt;
  co_return ended(status, last_line(std::move(said)));
}

}  // namespace understudy::sync
