// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/actor_system_config.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// Has CAF's logger write into a file of its own, for as long as it lives.
class log_file {
public:
  log_file()
    : path_(
        std::filesystem::temp_directory_path()
        / ("troupe-test-" + std::to_string(std::random_device{}()) + ".log")) {
    // nop
  }

  log_file(const log_file&) = delete;

  log_file& operator=(const log_file&) = delete;

  ~log_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  /// Call it before the actor system starts.
  void attach_to(caf::actor_system_config& config,
                 const std::string& verbosity = "info") const {
    config.set("caf.logger.file.path", path_.string());
    config.set("caf.logger.file.verbosity", verbosity);
    config.set("caf.logger.file.format", "%p %m%n");
    config.set("caf.logger.console.verbosity", "quiet");
  }

  /// The lines that contain `part`. Complete once the actor system is gone.
  [[nodiscard]] std::vector<std::string> lines(std::string_view part) const {
    std::vector<std::string> result;
    std::ifstream in{path_};
    for (std::string line; std::getline(in, line);)
      if (line.find(part) != std::string::npos)
        result.push_back(line);
    return result;
  }

private:
  std::filesystem::path path_;
};

} // namespace support
