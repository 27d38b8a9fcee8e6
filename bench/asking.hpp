// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/worker.hpp"
#include "troupe/worker_ref.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace troupe::bench {

/// Answers.
class server : public worker {
public:
  message_handlers handlers() override {
    return {[](std::uint64_t x) { return x + 1; }};
  }

  task<> run() override {
    co_await stop_requested();
  }
};

/// Asks a server again and again.
class client : public worker {
public:
  client(worker_ref<server> target, std::uint64_t rounds)
    : server_(std::move(target)), left_(rounds) {
    // nop
  }

  task<> run() override {
    for (; left_ > 0; --left_) {
      auto asking = ask<std::uint64_t>(server_, std::chrono::seconds{10},
                                       std::uint64_t{left_});
      auto answer = co_await std::move(asking);
      if (!answer)
        throw std::runtime_error{"no answer"};
    }
  }

private:
  worker_ref<server> server_;
  std::uint64_t left_;
};

} // namespace troupe::bench
