// The HTTP server with a handler of the test's: methods, bounds, malformed requests, connections; and the
// question to the sync thread that never comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "control/ask_sync.h"
#include "control/http_server.h"
#include "control/self_query.h"

namespace understudy::control {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

net::Endpoint any_port() { return {asio::ip::address_v4::loopback(), 0}; }

class Client {
 public:
  explicit Client(const HttpServer& server) : socket_(context_) { socket_.connect(server.address().tcp()); }
  void send(const std::string& text) {
    boost::system::error_code ignored;  // a server that has seen enough may close before all is sent
    asio::write(socket_, asio::buffer(text), ignored);
  }
  // Everything until the server closes.
  std::string rest() {
    std::string text;
    boost::system::error_code end;
    asio::read(socket_, asio::dynamic_buffer(text), end);
    return text;
  }
  // One response's head, and as much body as its Content-Length says.
  std::string response() {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos) {
      if (!read_octet(text)) return text;
    }
    const std::size_t at = text.find("Content-Length: ");
    if (at == std::string::npos) return text;
    for (std::size_t body = std::stoul(text.substr(at + 16)); body > 0; --body) read_octet(text);
    return text;
  }

 private:
  bool read_octet(std::string& text) {
    char c = 0;
    boost::system::error_code fault;
    asio::read(socket_, asio::buffer(&c, 1), fault);
    if (!fault) text += c;
    return !fault;
  }
  asio::io_context context_;
  tcp::socket socket_;
};

class Http : public ::testing::Test {
 protected:
  void serve(HttpLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(limits);
    const auto listening = server_->listen(any_port(), [](const HttpRequest& request, HttpReply reply) {
      reply({200, "text/plain",
             "path " + request.path + " zone " + request.parameter("zone").value_or("-") + "\n"});
    });
    ASSERT_TRUE(listening.has_value());
    server_->start();
  }
  std::string ask(const std::string& text) {
    Client client(*server_);
    client.send(text);
    return client.rest();
  }
  std::unique_ptr<HttpServer> server_;
};

// What gzip made, by zlib's own reading.
std::string unpacked(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string in = packed, out(1u << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

constexpr char tail[] = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

TEST_F(Http, AnswersGetAndHead) {
  serve();
  const std::string got = ask(std::string("GET /a%2Fb/c?x=1&zone=Ex%61mple.com&y") + tail);
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(got, HasSubstr("\r\n\r\npath /a/b/c zone Example.com\n"));
  EXPECT_THAT(got, HasSubstr("Content-Security-Policy: default-src 'none'"));
  const std::string head = ask(std::string("HEAD /abc") + tail);
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(head, HasSubstr("Content-Length: 17\r\n"));  // "path /abc zone -\n"
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << "HEAD has no body: " << head;
}

TEST_F(Http, DecodesParameters) {
  server_ = std::make_unique<HttpServer>();
  const auto listening = server_->listen(any_port(), [](const HttpRequest& request, HttpReply reply) {
    std::string all;
    for (const auto& [name, value] : request.parameters) all += name + "=" + value + ";";
    reply({200, "text/plain", all});
  });
  ASSERT_TRUE(listening.has_value());
  server_->start();
  EXPECT_TRUE(
      ask(std::string("GET /?a=1&b=%26x%3d&&c&=d&a=2") + tail).ends_with("\r\n\r\na=1;b=&x=;=;c=;=d;a=2;"));
  EXPECT_TRUE(ask(std::string("GET /?") + tail).ends_with("\r\n\r\n"));
  EXPECT_THAT(ask(std::string("GET /?a=%g0") + tail), StartsWith("HTTP/1.1 400 "));
}

TEST_F(Http, TellsBrowsersToTrustNobodyElse) {
  serve();
  const std::string got = ask(std::string("GET /") + tail);
  for (const std::string header :
       {"Content-Security-Policy: default-src 'none'; script-src 'self'; ",
        "X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n",
        "Cross-Origin-Resource-Policy: same-origin\r\n", "Cache-Control: no-store\r\n"}) {
    EXPECT_THAT(got, HasSubstr(header));
  }
  EXPECT_THAT(got, Not(HasSubstr("unsafe")));
}

TEST_F(Http, SendsWhatIsTheSameOnlyOnce) {
  server_ = std::make_unique<HttpServer>();
  const auto listening = server_->listen(any_port(), [](const HttpRequest&, HttpReply reply) {
    reply({200, "text/css", "body{}", "abc"});
  });
  ASSERT_TRUE(listening.has_value());
  server_->start();
  const std::string first = ask(std::string("GET /") + tail);
  EXPECT_THAT(first, HasSubstr("ETag: \"abc\"\r\n"));
  EXPECT_THAT(first, HasSubstr("Cache-Control: no-cache\r\n"));
  EXPECT_THAT(first, HasSubstr("body{}"));
  const std::string again =
      ask("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"x\", \"abc\"\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(again, StartsWith("HTTP/1.1 304 "));
  EXPECT_THAT(again, Not(HasSubstr("body{}")));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"old\"\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(Http, CompressesWhatIsLongForWhoTakesIt) {
  server_ = std::make_unique<HttpServer>();
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += "understudy_zone_version{zone=\"" + std::to_string(i) + ".test.\"} 1\n";
  const auto listening = server_->listen(any_port(), [text](const HttpRequest& request, HttpReply reply) {
    reply({200, "text/plain", request.path == "/long" ? text : "short"});
  });
  ASSERT_TRUE(listening.has_value());
  server_->start();
  const auto get = [this](const std::string& path, const std::string& header) {
    return ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + header + "Connection: close\r\n\r\n");
  };
  const std::string packed = get("/long", "Accept-Encoding: deflate, gzip;q=0.5\r\n");
  EXPECT_THAT(packed, HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_THAT(packed, HasSubstr("Vary: Accept-Encoding\r\n"));
  EXPECT_EQ(unpacked(packed.substr(packed.find("\r\n\r\n") + 4)), text);
  for (const std::string header : {"", "Accept-Encoding: br\r\n", "Accept-Encoding: gzip;q=0\r\n"}) {
    const std::string plain = get("/long", header);
    EXPECT_THAT(plain, Not(HasSubstr("Content-Encoding"))) << header;
    EXPECT_TRUE(plain.ends_with(text)) << header;
  }
  EXPECT_TRUE(get("/", "Accept-Encoding: gzip\r\n").ends_with("short")) << "too short to be worth it";
}

// RFC 9110 8.8.3.3: a strong validator is one of octets, which gzip changes; 15.4.5: a 304 has the Vary of
// its 200.
TEST_F(Http, WhatIsCompressedHasAValidatorOfItsOwn) {
  server_ = std::make_unique<HttpServer>();
  const auto listening = server_->listen(any_port(), [](const HttpRequest&, HttpReply reply) {
    reply({200, "text/css", std::string(100'000, 'x'), "abc"});
  });
  ASSERT_TRUE(listening.has_value());
  server_->start();
  const auto get = [this](const std::string& header) {
    return ask("GET / HTTP/1.1\r\nHost: x\r\n" + header + "Connection: close\r\n\r\n");
  };
  const std::string takes = "Accept-Encoding: gzip\r\n";
  EXPECT_THAT(get(""), HasSubstr("ETag: \"abc\"\r\n"));
  EXPECT_THAT(get(takes), HasSubstr("ETag: \"abc-gzip\"\r\n"));
  for (const auto& [header, etag] : {std::pair(std::string(), "\"abc\""), std::pair(takes, "\"abc-gzip\"")}) {
    const std::string again = get(header + "If-None-Match: " + etag + "\r\n");
    EXPECT_THAT(again, StartsWith("HTTP/1.1 304 "));
    EXPECT_THAT(again, HasSubstr(std::string("ETag: ") + etag + "\r\n"));
    EXPECT_THAT(again, HasSubstr("Vary: Accept-Encoding\r\n"));
    EXPECT_THAT(again, Not(HasSubstr("Content-Encoding")));
  }
  EXPECT_THAT(get(takes + "If-None-Match: \"abc\"\r\n"), StartsWith("HTTP/1.1 200 "))
      << "the other representation";
}

TEST_F(Http, IsOnlyRead) {
  serve();
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"}) {
    const std::string got = ask(method + " /" + tail);
    EXPECT_THAT(got, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(got, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
}

TEST_F(Http, KeepsAConnectionForTheNextRequest) {
  serve();
  Client client(*server_);
  for (const std::string path : {"/one", "/two", "/three"}) {
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.response(), HasSubstr("path " + path + " "));
  }
}

TEST_F(Http, RefusesWhatIsNoRequest) {
  serve();
  EXPECT_THAT(ask("\x16\x03\x01 this is TLS\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(std::string("GET nowhere") + tail), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(std::string("GET /%zz") + tail), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(std::string("GET /%4") + tail), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(Http, BoundsTheRequest) {
  serve();
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(Http, EndsAClientThatDoesNotSpeak) {
  HttpLimits limits;
  limits.read = std::chrono::milliseconds(50);
  serve(limits);
  Client silent(*server_), half(*server_);
  half.send("GET / HT");
  EXPECT_EQ(silent.rest(), "");
  EXPECT_EQ(half.rest(), "");
}

TEST_F(Http, BoundsConnections) {
  HttpLimits limits;
  limits.connections = 2;
  serve(limits);
  Client first(*server_), second(*server_);
  // Both are taken for sure once they were answered.
  for (Client* client : {&first, &second}) {
    client->send("GET /in HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client->response(), HasSubstr("path /in"));
  }
  Client third(*server_);
  EXPECT_EQ(third.rest(), "") << "closed at once";
  first.send("GET /still HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.response(), HasSubstr("path /still"));
}

TEST_F(Http, StopsWithConnectionsOpenAndTellsAPortThatIsTaken) {
  serve();
  Client open(*server_);
  open.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  open.response();
  HttpServer second;
  const auto listening = second.listen(server_->address(), [](const HttpRequest&, HttpReply) {});
  ASSERT_FALSE(listening.has_value());
  EXPECT_THAT(listening.error().message, HasSubstr(net::to_string(server_->address())));
  server_->stop();
}

TEST(AskSync, BringsTheAnswerBackToTheAskersThread) {
  asio::io_context mine, sync;
  auto work = asio::make_work_guard(sync);
  std::thread thread([&] { sync.run(); });
  const auto sync_thread = thread.get_id();
  std::thread::id asked, answered;
  std::optional<int> got;
  ask_sync<int>(
      mine, sync, std::chrono::seconds(30),
      [&] {
        asked = std::this_thread::get_id();
        return 42;
      },
      [&](std::optional<int> answer) {
        answered = std::this_thread::get_id();
        got = answer;
        mine.stop();
      });
  mine.run();
  EXPECT_EQ(got, 42);
  EXPECT_EQ(asked, sync_thread);
  EXPECT_EQ(answered, std::this_thread::get_id());
  work.reset();
  thread.join();
}

TEST(AskSync, GivesUpOnAStuckThreadAndForgetsALateAnswer) {
  asio::io_context mine, sync;  // nobody runs `sync` yet
  int calls = 0;
  bool empty = false;
  ask_sync<int>(
      mine, sync, std::chrono::milliseconds(20), [] { return 1; },
      [&](std::optional<int> answer) {
        ++calls;
        empty = !answer;
      });
  mine.run();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(empty);
  sync.run();
  mine.restart();
  mine.run();
  EXPECT_EQ(calls, 1) << "the late answer";
}

TEST(AskOurselves, TellsASocketThatAnswersFromOneThatDoesNot) {
  asio::io_context context;
  asio::ip::udp::socket socket(context, {asio::ip::address_v4::loopback(), 0});
  std::array<std::uint8_t, 512> query{};
  asio::ip::udp::endpoint from;
  std::size_t size = 0;
  socket.async_receive_from(asio::buffer(query), from, [&](boost::system::error_code, std::size_t received) {
    size = received;
    const std::array<std::uint8_t, 2> noise{1, 2};
    socket.send_to(asio::buffer(noise), from);  // is not taken for a response
    query[2] |= 0x80;
    socket.send_to(asio::buffer(query.data(), size), from);
  });
  std::optional<bool> answered, silent;
  const net::Endpoint bound{asio::ip::address_v4::any(), socket.local_endpoint().port()};
  ask_ourselves(context, bound, std::chrono::seconds(30), [&](bool yes) { answered = yes; });
  context.run();
  EXPECT_EQ(answered, true);
  EXPECT_EQ(size, 17u) << "header and one question for the root";
  context.restart();
  ask_ourselves(context, bound, std::chrono::milliseconds(20), [&](bool yes) { silent = yes; });
  context.run();
  EXPECT_EQ(silent, false);
}

}  // namespace
}  // namespace understudy::control
