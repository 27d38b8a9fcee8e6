// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "database.hpp"
#include "intake.hpp"
#include "messages.hpp"

#include <troupe/batch_worker.hpp>
#include <troupe/blocking_worker.hpp>
#include <troupe/queue_worker.hpp>
#include <troupe/supervisor_spec.hpp>
#include <troupe/worker_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

namespace log_service {

/// Writes what it gets into the database, many entries at a time.
// [snippet log-service-writer]
class writer : public troupe::batch_worker<entry> {
public:
  explicit writer(const std::string& file)
    : batch_worker(500, std::chrono::milliseconds{100},
                   [this](const batch& some) { db_.write(some); }),
      db_(file) {
    // nop
  }

private:
  database db_;
};
// [end]

/// Makes entries of lines. A line that it cannot read is a dead letter.
// [snippet log-service-parser]
class parser : public troupe::queue_worker<line> {
public:
  explicit parser(troupe::worker_ref<writer> to)
    : queue_worker([this](const line& x) { return handle(x); }),
      to_(std::move(to)) {
    // nop
  }

private:
  troupe::task<> handle(const line& x) {
    auto sending = send_to(to_, parse(x)); // waits for room
    if (auto error = co_await std::move(sending))
      throw std::runtime_error{troupe::text_of(error)};
  }

  troupe::worker_ref<writer> to_;
};
// [end]

/// The counts of the receiver, which outlive a restart.
struct tally {
  std::atomic<std::int64_t> last = 0; ///< The number of the last line.
  std::atomic<std::uint64_t> accepted = 0;
};

/// Takes lines from clients, and gives them to the parsers: those of one source
/// to the same one.
class receiver : public troupe::blocking_worker {
public:
  /// @param on_listening Called with the port, in each life.
  receiver(troupe::pool_ref<parser> to, std::uint16_t port,
           std::function<void(std::uint16_t)> on_listening,
           std::shared_ptr<tally> count)
    : to_(std::move(to)),
      port_(port),
      on_listening_(std::move(on_listening)),
      count_(std::move(count)) {
    // nop
  }

  // [snippet log-service-receiver]
  void run(std::stop_token stop) override {
    intake from{port_};
    on_listening_(from.port());
    from.run(stop, [&](std::string text) {
      if (to_.send_wait(line{++count_->last, std::move(text)}, stop))
        return false; // asked to stop: the client hears that it was not taken
      ++count_->accepted;
      return true;
    });
  }
  // [end]

private:
  troupe::pool_ref<parser> to_;
  std::uint16_t port_;
  std::function<void(std::uint16_t)> on_listening_;
  std::shared_ptr<tally> count_;
};

/// Kills a parser now and then.
class saboteur : public troupe::worker {
public:
  saboteur(troupe::pool_ref<parser> whom, troupe::timespan pause)
    : whom_(std::move(whom)), pause_(pause) {
    // nop
  }

  troupe::task<> run() override;

private:
  troupe::pool_ref<parser> whom_;
  troupe::timespan pause_;
};

/// The options of the service.
struct settings {
  std::string database = "log.db";
  std::uint16_t port = 4800;
  std::uint32_t parsers = 4;
  std::uint32_t sabotage = 0; ///< Milliseconds between two kills, or none.
  std::function<void(std::uint16_t)> on_listening = [](std::uint16_t) {};
};

/// All of it.
[[nodiscard]] troupe::supervisor_spec
service(const settings& how, const std::shared_ptr<tally>& count);

} // namespace log_service
