// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "account.hpp"
#include "chaos.hpp"
#include "source.hpp"
#include "workers.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace pipeline;

namespace {

namespace fs = std::filesystem;

/// A folder that goes when the test is over.
class scratch {
public:
  scratch() {
    auto name = (fs::temp_directory_path() / "pipeline_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }

  scratch(const scratch&) = delete;

  scratch& operator=(const scratch&) = delete;

  ~scratch() {
    fs::remove_all(path_);
  }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream{path_ / name, std::ios::binary} << text;
    return path_ / name;
  }

  std::string path() const {
    return path_;
  }

private:
  fs::path path_;
};

std::vector<line> read_all(source& from) {
  auto result = std::vector<line>{};
  for (;;) {
    auto some = from.read({});
    if (some.empty())
      return result;
    result.insert(result.end(), some.begin(), some.end());
  }
}

std::vector<std::string> texts_of(const std::string& text) {
  auto folder = scratch{};
  auto input = source{{folder.file("x", text)}};
  auto result = std::vector<std::string>{};
  for (const auto& each : read_all(input))
    result.push_back(each.text);
  return result;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a source splits files into lines") {
  CHECK(texts_of("") == texts{});
  CHECK(texts_of("\n") == texts{""});
  CHECK(texts_of("a\n\nb\n") == texts{"a", "", "b"});
  CHECK(texts_of("a\nb") == texts{"a", "b"});
}

TEST_CASE("a line may be longer than what is read at once") {
  const auto line = std::string(200'000, 'x');
  CHECK(texts_of(line + "\ny\n" + line) == texts{line, "y", line});
}

TEST_CASE("an endless line is cut into pieces") {
  auto size = size_t{0};
  const auto pieces = texts_of(std::string(5'000'000, 'x'));
  for (const auto& each : pieces)
    size += each.size();
  CHECK(size == 5'000'000);
  CHECK(pieces.size() == 5);
}

TEST_CASE("a source says where a line comes from") {
  auto folder = scratch{};
  const auto first = folder.file("a", "1\n2\n");
  const auto second = folder.file("b", "3\n");
  auto input = source{{folder.path()}};
  const auto lines = read_all(input);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].file == first);
  CHECK(lines[1].number == 2);
  CHECK(lines[2].file == second);
  CHECK(lines[2].number == 1);
}

TEST_CASE("a stop ends the reading of a pipe to which nobody writes") {
  auto folder = scratch{};
  const auto pipe = folder.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  auto input = source{{pipe, folder.file("never", "read\n")}};
  auto stop = std::stop_source{};
  auto stopper = std::jthread{[&stop] { stop.request_stop(); }};
  CHECK(input.read(stop.get_token()).empty());
  CHECK(input.problems().empty());
}

TEST_CASE("a line is examined") {
  const auto words = [](const char* text) {
    return examine({"x", 1, text}).words;
  };
  CHECK(words("") == 0);
  CHECK(words(" \t\r") == 0);
  CHECK(words("  one two\tthree ") == 3);
  CHECK(examine({"x", 1, "// TODO: this"}).to_do);
  CHECK(examine({"x", 1, "FIXME"}).to_do);
  CHECK_FALSE(examine({"x", 1, "nothing to do"}).to_do);
  CHECK(kind_of("a/b.c/d.tar.gz") == ".gz");
  CHECK(kind_of("a/b.c/Makefile") == "(none)");
}

TEST_CASE("chaos strikes as often as it was told to") {
  const auto strikes = [](double probability, uint64_t seed) {
    auto result = 0;
    for (uint64_t i = 1; i <= 10'000; ++i)
      result += chaos{probability, seed}.strikes("who", "file", i) ? 1 : 0;
    return result;
  };
  CHECK(strikes(0, 1) == 0);
  CHECK(strikes(1, 1) == 10'000);
  CHECK(strikes(0.1, 1) > 900);
  CHECK(strikes(0.1, 1) < 1100);
  CHECK(strikes(0.1, 1) == strikes(0.1, 1));
  CHECK(strikes(0.1, 1) != strikes(0.1, 2));
}

TEST_CASE("an account that does not add up says so") {
  const auto render = [](const account& what) {
    auto out = std::ostringstream{};
    print(out, what);
    return out.str();
  };
  const auto good = account{.read = 10,
                            .counted = 4,
                            .lost_by_parsers = 3,
                            .lost_by_writer = 2,
                            .left = 1};
  CHECK(good.adds_up());
  CHECK(render(good).find("The account adds up") != std::string::npos);
  auto bad = good;
  --bad.counted;
  CHECK_FALSE(bad.adds_up());
  CHECK(render(bad).find("DOES NOT ADD UP") != std::string::npos);
}
