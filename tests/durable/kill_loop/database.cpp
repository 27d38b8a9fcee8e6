// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/kill_loop/database.hpp"

#ifdef TROUPE_POSTGRES_BIN
#  include "support/postgres_server.hpp"
#endif

#include <stdexcept>

namespace kill_loop {

namespace {

class sqlite_database : public database {
public:
  [[nodiscard]] std::string url(const std::string& folder) const override {
    return folder + "/jobs.db";
  }

  bool crash() override {
    return false;
  }
};

#ifdef TROUPE_POSTGRES_BIN

class postgres_database : public database {
public:
  [[nodiscard]] std::string url(const std::string&) const override {
    return server_.url();
  }

  bool crash() override {
    server_.kill();
    server_.start();
    return true;
  }

private:
  support::postgres_server server_;
};

#endif

} // namespace

std::unique_ptr<database> make_database(const std::string& engine) {
  if (engine == "sqlite")
    return std::make_unique<sqlite_database>();
  if (engine != "postgres")
    throw std::runtime_error{"no engine " + engine
                             + "; take sqlite or postgres"};
#ifdef TROUPE_POSTGRES_BIN
  return std::make_unique<postgres_database>();
#else
  return nullptr;
#endif
}

} // namespace kill_loop
