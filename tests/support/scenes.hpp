// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/queue_consumer.hpp"
#include "troupe/worker.hpp"

#include <functional>
#include <utility>

namespace support {

/// A worker whose `run()` is a function of the test, so that a test can be read
/// from top to bottom. What a worker may use is public here.
template <class Base>
class scene_as : public Base {
public:
  using body = std::function<troupe::task<>(scene_as&)>;
  using hook = std::function<troupe::task<>(scene_as&)>;

  explicit scene_as(body run) : run_(std::move(run)) {
    // nop
  }

  scene_as(body run, hook on_shutdown)
    : run_(std::move(run)), on_shutdown_(std::move(on_shutdown)) {
    // nop
  }

  troupe::task<> run() override {
    return run_(*this);
  }

  troupe::task<> on_shutdown() override {
    if (on_shutdown_)
      return on_shutdown_(*this);
    return Base::on_shutdown();
  }

  using Base::ask;
  using Base::fail;
  using Base::finish;
  using Base::hold;
  using Base::now;
  using Base::offload;
  using Base::self;
  using Base::send_to;
  using Base::sleep_for;
  using Base::sleep_until;
  using Base::start;
  using Base::stop_requested;
  using Base::when_all;
  using Base::when_any;
  using Base::yield;

private:
  body run_;
  hook on_shutdown_;
};

using scene = scene_as<troupe::worker>;

/// The same with a queue.
template <class T>
class scene_consumer : public troupe::queue_consumer<T> {
public:
  using super = troupe::queue_consumer<T>;
  using body = std::function<troupe::task<>(scene_consumer&)>;

  explicit scene_consumer(body run) : run_(std::move(run)) {
    // nop
  }

  troupe::task<> run() override {
    return run_(*this);
  }

  using super::ask;
  using super::fail;
  using super::finish;
  using super::get_message;
  using super::now;
  using super::offload;
  using super::self;
  using super::send_to;
  using super::sleep_for;
  using super::stop_requested;
  using super::when_all;
  using super::when_any;
  using super::yield;

private:
  body run_;
};

} // namespace support
