// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "intake.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <istream>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace log_service {

namespace {

namespace asio = boost::asio;

using asio::ip::tcp;

/// One client.
class session : public std::enable_shared_from_this<session> {
public:
  session(tcp::socket from, const take_line& take)
    : socket_(std::move(from)), take_(take) {
    // nop
  }

  void read() {
    socket_.async_read_some(
      asio::buffer(chunk_),
      [self = shared_from_this()](const auto& error, std::size_t size) {
        if (error || !self->split({self->chunk_.data(), size}))
          self->answer();
        else
          self->read();
      });
  }

  /// The last word to the client.
  void answer() {
    if (std::exchange(answered_, true))
      return;
    auto ignored = boost::system::error_code{};
    const auto text = "accepted " + std::to_string(accepted_) + "\n";
    asio::write(socket_, asio::buffer(text), ignored);
    std::ignore = socket_.shutdown(tcp::socket::shutdown_send, ignored);
    std::ignore = socket_.cancel(ignored);
  }

private:
  /// @returns whether there can be more.
  bool split(std::string_view bytes) {
    for (auto end = bytes.find('\n'); end != std::string_view::npos;
         end = bytes.find('\n')) {
      rest_ += bytes.substr(0, end);
      if (answered_ || !take_(std::exchange(rest_, {})))
        return false;
      ++accepted_;
      bytes.remove_prefix(end + 1);
    }
    rest_ += bytes;
    return true;
  }

  tcp::socket socket_;
  const take_line& take_;
  std::array<char, 65536> chunk_{};
  std::string rest_;
  std::uint64_t accepted_ = 0;
  bool answered_ = false;
};

} // namespace

struct intake::implementation {
  explicit implementation(std::uint16_t port)
    : door(io, {asio::ip::address_v4::loopback(), port}) {
    // nop
  }

  void accept(const take_line& take) {
    door.async_accept([this, &take](const auto& error, tcp::socket from) {
      if (error)
        return;
      auto one = std::make_shared<session>(std::move(from), take);
      std::erase_if(all, [](const auto& x) { return x.expired(); });
      all.push_back(one);
      one->read();
      accept(take);
    });
  }

  void close() {
    door.close();
    for (const auto& x : all)
      if (auto one = x.lock())
        one->answer();
  }

  asio::io_context io{1};
  tcp::acceptor door;
  std::vector<std::weak_ptr<session>> all;
};

intake::intake(std::uint16_t port)
  : impl_(std::make_unique<implementation>(port)) {
  // nop
}

intake::~intake() = default;

std::uint16_t intake::port() const {
  return impl_->door.local_endpoint().port();
}

void intake::run(const std::stop_token& stop, const take_line& take) {
  impl_->accept(take);
  std::stop_callback close{stop, [this] {
                             asio::post(impl_->io, [this] { impl_->close(); });
                           }};
  impl_->io.run();
}

std::uint64_t feed(std::uint16_t port, std::uint64_t lines, unsigned seed) {
  constexpr std::array levels{"DEBUG", "INFO", "WARN", "ERROR"};
  asio::io_context io;
  tcp::socket to{io};
  to.connect({asio::ip::address_v4::loopback(), port});
  std::string bytes;
  auto ignored = boost::system::error_code{};
  for (std::uint64_t i = 0; i < lines && !ignored; ++i) {
    const auto chance = (i + seed) * 2'654'435'761 % 1'000;
    bytes += "host" + std::to_string(chance) + ' ' + levels[chance % 4]
             + " request " + std::to_string(i)
             + " has taken longer than it should have\n";
    if (bytes.size() > 60'000 || i + 1 == lines) {
      asio::write(to, asio::buffer(bytes), ignored);
      bytes.clear();
    }
  }
  std::ignore = to.shutdown(tcp::socket::shutdown_send, ignored);
  asio::streambuf answer;
  asio::read_until(to, answer, '\n');
  std::string word;
  std::uint64_t result = 0;
  std::istream{&answer} >> word >> result;
  return result;
}

} // namespace log_service
