// What a program with durable jobs needs of an installed troupe.

#include <troupe/durable.hpp>
#include <troupe/spawn.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <filesystem>
#include <iostream>
#include <string>

#include <unistd.h>

class reader : public troupe::durable::worker<std::string> {
public:
  using worker::worker;

  troupe::task<> handle(const std::string& x, troupe::durable::job&) override {
    std::cout << x << '\n';
    co_return;
  }
};

void caf_main(caf::actor_system& sys) {
  const std::string file = std::filesystem::temp_directory_path()
                           / ("troupe-posted-" + std::to_string(::getpid()));
  {
    auto jobs = troupe::durable::open(sys, file);
    auto mail = jobs.queue<std::string>("mail");
    if (!mail.put("it is written"))
      std::cout << "not written\n";
    auto ref = troupe::spawn<reader>(sys, {.name = "reader"}, mail);
    ref.startup();
    ref.shutdown();
  }
  for (auto end : {"", "-owners", "-wal", "-shm"})
    std::filesystem::remove(file + end);
}

CAF_MAIN(caf::id_block::troupe)
