// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/owner_locks.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace troupe::durable {

namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  const auto why = errno;
  throw std::system_error{why, std::generic_category(),
                          std::string{"cannot "} + what + " \"" + path + "\""};
}

struct flock byte_of(std::int64_t owner) {
  struct flock result = {};
  result.l_type = F_WRLCK;
  result.l_whence = SEEK_SET;
  result.l_start = static_cast<off_t>(owner);
  result.l_len = 1;
  return result;
}

} // namespace

owner_locks::owner_locks(std::string path) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0)
    fail(path_, "open the lock file");
}

owner_locks::~owner_locks() {
  ::close(file_);
}

bool owner_locks::lock(std::int64_t owner) {
  auto what = byte_of(owner);
  if (::fcntl(file_, F_OFD_SETLK, &what) == 0)
    return true;
  if (errno == EAGAIN || errno == EACCES)
    return false;
  fail(path_, "lock a byte of");
}

bool owner_locks::is_locked(std::int64_t owner) const {
  auto what = byte_of(owner);
  if (::fcntl(file_, F_OFD_GETLK, &what) != 0)
    fail(path_, "look at a lock of");
  return what.l_type != F_UNLCK;
}

std::string boot_id() {
  std::ifstream in{"/proc/sys/kernel/random/boot_id"};
  std::string result;
  std::getline(in, result);
  return result;
}

} // namespace troupe::durable
