// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/node_core.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace troupe::cluster {

/// Holds the lock; what has to be done without it is done at its end.
class node_core::turn {
public:
  explicit turn(node_core& of) : of_(of), lock_(of.mtx_) {
    // nop
  }

  turn(const turn&) = delete;

  turn& operator=(const turn&) = delete;

  ~turn() {
    of_.part();
    of_.tell_hosts();
    of_.schedule();
    auto todo = std::exchange(of_.after_unlock_, {});
    lock_.unlock();
    for (auto& what : todo)
      what();
  }

private:
  node_core& of_;
  std::unique_lock<std::mutex> lock_;
};

template <class T, class F>
taker<T> node_core::taker_of(F f) {
  return [weak = weak_from_this(), f = std::move(f)](const reply<T>& x) {
    const auto self = weak.lock();
    if (!self)
      return;
    turn t{*self};
    if (x) {
      self->heard_at_ = self->now();
      self->last_error_.clear();
    } else {
      self->last_error_ = x.error();
    }
    f(*self, x);
  };
}

} // namespace troupe::cluster
