// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/temporary_folder.hpp"

#include <sys/mount.h>
#include <sys/resource.h>

#include <sched.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

namespace support {

/// A folder on a disk that can become full. For a process that may mount, a
/// disk of its own, of 4 MB; for others, files that cannot grow meanwhile.
/// Make it before the threads that are to see it.
class small_disk {
public:
  small_disk()
    : is_real_(::unshare(CLONE_NEWNS) == 0
               && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)
                    == 0
               && ::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=4m")
                    == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
  }

  small_disk(const small_disk&) = delete;

  small_disk& operator=(const small_disk&) = delete;

  ~small_disk() {
    make_room();
    if (is_real_)
      ::umount2(folder_.path().c_str(), MNT_DETACH);
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return folder_.file(name);
  }

  /// The word that a database has for it.
  [[nodiscard]] std::string trouble() const {
    return is_real_ ? "full" : "I/O error";
  }

  void fill() {
    if (!is_real_) {
      limit_files(4096);
      return;
    }
    std::ofstream filler{file("filler"), std::ios::binary};
    while (filler.write(zeros_, sizeof(zeros_)).flush())
      continue;
  }

  void make_room() {
    if (is_real_)
      std::filesystem::remove(file("filler"));
    else
      limit_files(RLIM_INFINITY);
  }

private:
  static void limit_files(rlim_t length) {
    rlimit x{};
    ::getrlimit(RLIMIT_FSIZE, &x);
    x.rlim_cur = std::min(length, x.rlim_max);
    ::setrlimit(RLIMIT_FSIZE, &x);
  }

  temporary_folder folder_;
  const char zeros_[1024] = {};
  bool is_real_;
};

} // namespace support
