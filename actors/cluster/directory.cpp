// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/directory.hpp"

#include "rules/naming.hpp"
#include "troupe/cluster/directory.hpp"

#include <algorithm>
#include <utility>

namespace troupe::cluster {

connection::~connection() = default;

directory::~directory() = default;

std::string directory::check() const {
  return {};
}

std::string directory::prefix() const {
  return {};
}

std::uint32_t directory::generation() const {
  return 1;
}

std::vector<member> directory::fixed_members() const {
  return {};
}

std::string to_string(const address& x) {
  const auto is_v6 = x.host.find(':') != std::string::npos;
  auto result = is_v6 ? "[" + x.host + "]" : x.host;
  if (x.port != 0)
    result += ":" + std::to_string(x.port);
  return result;
}

namespace {

class fixed_list final : public directory {
public:
  explicit fixed_list(std::vector<member> members)
    : members_(std::move(members)) {
    std::sort(members_.begin(), members_.end(),
              [](const member& x, const member& y) { return x.name < y.name; });
  }

  [[nodiscard]] std::string name() const override {
    return "the static list";
  }

  [[nodiscard]] std::string check() const override {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const auto& x = members_[i].name;
      if (auto wrong = troupe::rules::check_name("member", x); !wrong.empty())
        return "static_list: " + wrong;
      if (i > 0 && members_[i - 1].name == x)
        return "static_list: two members have the name \"" + x
               + "\"; give each a name of its own";
    }
    return {};
  }

  [[nodiscard]] timespan ttl() const override {
    return timespan{0};
  }

  [[nodiscard]] std::vector<member> fixed_members() const override {
    return members_;
  }

  [[nodiscard]] std::unique_ptr<connection>
  connect(caf::actor_system&, const std::string&) override {
    return nullptr;
  }

private:
  std::vector<member> members_;
};

} // namespace

directory_ptr static_list(std::vector<member> members) {
  return std::make_shared<fixed_list>(std::move(members));
}

} // namespace troupe::cluster
