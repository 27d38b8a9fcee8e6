// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A process is killed while it delivers letters: with a queue in memory, and
// with one in a file.

#include <troupe/durable.hpp>
#include <troupe/queue_worker.hpp>
#include <troupe/spawn.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>
#include <caf/init_global_meta_objects.hpp>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <latch>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace {

enum class day { wrong, first, second };

day today = day::wrong;

std::latch last_one{1};

void deliver(const std::string& letter) {
  if (letter == "to Ben" && today != day::second)
    std::raise(SIGKILL); // the power goes
  std::cout << "delivered: " << letter << std::endl;
  if (letter == "to Cid")
    last_one.count_down();
}

// [snippet durable-wrong]
void wrong(caf::actor_system& sys) {
  auto mailer = troupe::spawn<troupe::queue_worker<std::string>>(
    sys, {.name = "mailer"},
    [](const std::string& letter) { deliver(letter); });
  mailer.startup();
  for (auto letter : {"to Ann", "to Ben", "to Cid"})
    mailer.send(letter); // true: it is in the queue
  mailer.drain();
  mailer.wait_for_shutdown();
} // killed at the second letter: nobody knows of the other two any more
// [end]

// [snippet durable-mailer]
class mailer : public troupe::durable::worker<std::string> {
public:
  using worker::worker; // takes its queue and options

  troupe::task<> handle(const std::string& letter,
                        troupe::durable::job& job) override {
    std::cout << "job " << job.id() << ": ";
    deliver(letter);
    co_return; // returned: done. thrown: tried again
  }
};
// [end]

// [snippet durable-mended]
void mended(caf::actor_system& sys, const std::string& file) {
  auto jobs = troupe::durable::open(sys, file); // made if it is not there
  auto mail = jobs.queue<std::string>("mail");
  if (today == day::first)
    for (auto letter : {"to Ann", "to Ben", "to Cid"})
      if (const auto written = mail.put(letter); !written)
        std::cout << to_string(written.error()) << '\n';
  auto ref = troupe::spawn<mailer>(sys, {.name = "mailer"}, mail);
  ref.startup();
  last_one.wait();
  ref.shutdown(); // waits for what is in hand, and for its end in the file
  if (const auto account = mail.count())
    std::cout << account->put << " put, " << account->done << " done"
              << std::endl;
}
// [end]

std::string file;

void caf_main(caf::actor_system& sys) {
  if (today == day::wrong)
    wrong(sys);
  else
    mended(sys, file);
}

/// Has another process do it.
void in_a_process(day which, int argc, char** argv) {
  const auto child = ::fork();
  if (child == 0) {
    today = which;
    ::_exit(caf::exec_main<caf::id_block::troupe>(caf_main, argc, argv));
  }
  ::waitpid(child, nullptr, 0);
}

} // namespace

int main(int argc, char** argv) {
  caf::core::init_global_meta_objects();
  caf::init_global_meta_objects<caf::id_block::troupe>();
  std::cout << "in memory:" << std::endl;
  in_a_process(day::wrong, argc, argv);
  std::string folder = std::filesystem::temp_directory_path() / "guide-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr)
    return 1;
  file = folder + "/mail.db";
  std::cout << "in a file, today:" << std::endl;
  in_a_process(day::first, argc, argv);
  std::cout << "tomorrow:" << std::endl;
  in_a_process(day::second, argc, argv);
  std::filesystem::remove_all(folder);
}

// Output:
//     in memory:
//     delivered: to Ann
//     in a file, today:
//     job 1: delivered: to Ann
//     tomorrow:
//     job 2: delivered: to Ben
//     job 3: delivered: to Cid
//     3 put, 3 done
