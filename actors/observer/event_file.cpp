// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer/event_file.hpp"

#include "observer/wall_time.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "troupe/observer/render.hpp"

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace troupe {

using namespace detail;

/// Writes to the file; one thread at a time.
class event_file::writer {
public:
  writer(caf::actor_system& sys, const std::filesystem::path& path)
    : rt_(runtime::of(sys)), time_(*rt_), path_(path.string()) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                   0644);
    if (file_ < 0)
      throw std::system_error{errno, std::generic_category(),
                              "event_file cannot open \"" + path_
                                + "\" for writing"};
  }

  writer(const writer&) = delete;

  writer& operator=(const writer&) = delete;

  ~writer() {
    ::close(file_);
  }

  void write(const lifecycle_event& x) {
    auto line = to_json(x, time_.of(x.at));
    line += '\n';
    // In one call, so that lines of several writers do not mix.
    auto n = ::write(file_, line.data(), line.size());
    if (n == static_cast<ssize_t>(line.size()))
      return;
    const auto why = n < 0 ? errno : ENOSPC;
    if (lost_.fetch_add(1, std::memory_order_relaxed) == 0)
      rt_->log(compat::log_error,
               "event_file cannot write to \"" + path_
                 + "\": " + std::generic_category().message(why)
                 + "; what follows may be incomplete");
  }

  [[nodiscard]] std::uint64_t lost() const noexcept {
    return lost_.load(std::memory_order_relaxed);
  }

private:
  const std::shared_ptr<runtime> rt_;
  const observing::wall_time time_;
  const std::string path_;
  int file_ = -1;
  std::atomic<std::uint64_t> lost_{0};
};

event_file::event_file(caf::actor_system& sys,
                       const std::filesystem::path& path, std::size_t capacity)
  : writer_(std::make_shared<writer>(sys, path)),
    source_(on_event(
      sys, [to = writer_](const lifecycle_event& x) { to->write(x); },
      capacity)) {
  // nop
}

event_file::~event_file() {
  source_.finish();
}

std::uint64_t event_file::missed() const noexcept {
  return source_.missed() + writer_->lost();
}

} // namespace troupe
