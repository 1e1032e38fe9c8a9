// A name server whose answers a test writes.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <thread>

#include "net/dns_client.h"

namespace understudy::net {

// A name server of one thread on the loopback: what it answers is the test's. Both sockets share a port.
class Responder {
 public:
  using Answer = std::function<std::vector<Message>(Message query)>;

  Responder(Answer udp, Answer tcp) : udp_answer_(std::move(udp)), tcp_answer_(std::move(tcp)) {
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    udp_.open(boost::asio::ip::udp::v4());
    udp_.bind({boost::asio::ip::address_v4::loopback(), port_});
    receive();
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Responder() {
    boost::asio::post(context_, [this] { context_.stop(); });
    thread_.join();
  }
  Endpoint endpoint() const { return {boost::asio::ip::address_v4::loopback(), port_}; }
  std::atomic<int> udp_queries{0}, tcp_queries{0};

 private:
  void receive() {
    buffer_.resize(4096);
    udp_.async_receive_from(
        boost::asio::buffer(buffer_), client_, [this](boost::system::error_code error, std::size_t size) {
          if (error) return;
          ++udp_queries;
          for (const Message& m :
               udp_answer_({buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size)})) {
            udp_.send_to(boost::asio::buffer(m), client_);
          }
          receive();
        });
  }
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, boost::asio::ip::tcp::socket socket) {
      if (error) return;
      boost::system::error_code ignored;
      std::array<std::uint8_t, 2> length{};
      boost::asio::read(socket, boost::asio::buffer(length), ignored);
      Message query(dns::load16(length.data()));
      boost::asio::read(socket, boost::asio::buffer(query), ignored);
      ++tcp_queries;
      for (const Message& m : tcp_answer_(query)) {
        dns::store16(length.data(), static_cast<std::uint16_t>(m.size()));
        boost::asio::write(socket, boost::asio::buffer(length), ignored);
        boost::asio::write(socket, boost::asio::buffer(m), ignored);
      }
      accept();
    });
  }

  boost::asio::io_context context_;
  boost::asio::ip::udp::socket udp_{context_};
  boost::asio::ip::tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
  boost::asio::ip::udp::endpoint client_;
  Message buffer_;
  Answer udp_answer_, tcp_answer_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace understudy::net
