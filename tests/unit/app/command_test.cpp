// The command line as a script sees it: exit codes, and one line that helps for every misuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <thread>

#include "unit/app/command.h"

namespace understudy::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Command, AnswersEveryMisuseWithOneLineAndTwo) {
  Folder folder;
  const std::vector<std::pair<std::vector<std::string>, std::string>> misuses{
      {{}, "verb is missing"},
      {{"frobnicate"}, "one of serve"},
      {{"stauts"}, "did you mean `understudy status`?"},
      {{"deps"}, "not available in this version"},
      {{"hold"}, "ZONE"},
      {{"accept", "example.com"}, "--version"},
      {{"accept", "example.com", "--version", "0"}, "--version"},
      {{"rollback", "example.com"}, "--to"},
      {{"rollback", "example.com", "--to", "last"}, "--to"},
      {{"resume", "example.com", "--force"}, "understudy resume --help"},
      {{"--nonsense"}, "understudy --help"},
      {{"status", "--nonsense"}, "understudy status --help"},
      {{"status", "a", "b"}, "understudy status --help"},
      {{"show"}, "ZONE"},
      {{"show", "z.test", "--version", "x"}, "--version"},
      {{"history"}, "ZONE"},
      {{"diff"}, "A"},
      {{"diff", "mirror:"}, "B"},
      {{"refresh"}, "ZONE"},
      {{"retransfer"}, "ZONE"},
      {{"compare"}, "ZONE"},
      {{"compare", "example.com", "--rate", "5"}, "--with"},
      {{"compare", "example.com", "--with", "192.0.2.1", "--rate", "0"}, "--rate"},
      {{"compare", "example.com", "--with", "no-address", "--data", folder.file("none")}, "no-address"},
      {{"serve"}, "nothing to serve"},
      {{"serve", "--zone", "example.com"}, "ZONE=SOURCE"},
      {{"serve", "--zone", "example.com=axfr://192.0.2.1", "--listen", "127.0.0.1"}, "lacks a port"},
      {{"serve", "--config", folder.file("none.toml")}, "none.toml"},
      {{"check-config", folder.file("none.toml")}, "none.toml"},
      {{"status", "--control", folder.file("none.sock")},
       "no server is running at " + folder.file("none.sock")},
      {{"status", "--config", folder.file("none.toml")}, "none.toml"},
      {{"add", "z.test"}, "z.test. has no source"},
      {{"add", "z.test", "--source", "exec:true"}, "configuration file only"},
      {{"add", "z.test", "--source", "axfr://192.0.2.1", "--retry-min", "2h", "--retry-max", "1h"},
       "retry-min is above retry-max"},
      {{"add", "z.test", "--source", "axfr://192.0.2.1", "--max-records-per-name", "many"},
       "\"many\" is no whole number"},
      {{"add", "z.test", "--source", "axfr://192.0.2.1", "--control", folder.file("none.sock")},
       "no server is running"},
      {{"add", "--source", "axfr://192.0.2.1"}, "ZONE"},
      {{"remove"}, "ZONE"},
      {{"show", "bad..name", "--data", folder.file("none")}, "bad..name"},
  };
  for (const auto& [arguments, help] : misuses) {
    const Ran ran = run(arguments);
    const std::string line = ::testing::PrintToString(arguments);
    EXPECT_EQ(ran.code, 2) << line;
    EXPECT_EQ(ran.out, "") << line;
    EXPECT_THAT(ran.err, HasSubstr(help)) << line;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << line << "\n" << ran.err;
  }
}

TEST(Command, ReportsEveryWrongArgumentOfServe) {
  const Ran ran = run(
      {"serve", "--zone", "example.com", "--zone", "b.test=nowhere", "--listen", "here", "--http", "there"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 4) << ran.err;
}

TEST(Command, HelpsOnStandardOutputWithZero) {
  for (const std::string verb : {"serve", "status", "show", "history", "diff", "add", "remove", "refresh",
                                 "retransfer", "compare", "check-config"}) {
    const Ran ran = run({verb, "--help"});
    EXPECT_EQ(ran.code, 0) << verb;
    EXPECT_THAT(ran.out, HasSubstr("--help")) << verb;
    EXPECT_EQ(ran.err, "") << verb;
    EXPECT_THAT(run({"--help"}).out, HasSubstr(verb));
  }
  EXPECT_EQ(run({"--version"}).out, "understudy " UNDERSTUDY_VERSION "\n");
}

TEST(CheckConfig, SaysFineOrEverythingThatIsWrong) {
  Folder folder;
  const std::string good = folder.file("good.toml"), bad = folder.file("bad.toml");
  std::ofstream(good) << "[[zone]]\nname = \"example.com\"\nsource = \"axfr://192.0.2.1\"\n";
  std::ofstream(bad) << "[server]\nworkers = 999\n[[zone]]\nname = \"example.com\"\n";
  const Ran fine = run({"check-config", good});
  EXPECT_EQ(fine.code, 0);
  EXPECT_THAT(fine.out, HasSubstr("example.com."));
  EXPECT_THAT(fine.out, Not(HasSubstr("\033"))) << "no colours but on a terminal";
  const Ran wrong = run({"check-config", bad});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr(bad + ":2: server.workers"));
  EXPECT_THAT(wrong.err, HasSubstr(bad + ":3: example.com. has no source"));
}

// Plays the server's side of the control socket once: what the verbs make of an answer.
class FakeServer {
 public:
  explicit FakeServer(std::string answer) : acceptor_(context_, folder_.file("control.sock")) {
    thread_ = std::thread([this, text = std::move(answer)] {
      auto socket = acceptor_.accept();
      boost::asio::read_until(socket, boost::asio::dynamic_buffer(request_), '\n');
      boost::asio::write(socket, boost::asio::buffer(text));
    });
  }
  ~FakeServer() { join(); }
  std::string socket() const { return folder_.file("control.sock"); }
  // What was asked; after the verb has run.
  const std::string& request() {
    join();
    return request_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  Folder folder_;
  boost::asio::io_context context_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string request_;
  std::thread thread_;
};

Ran ask(FakeServer& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--control", server.socket()});
  return run(std::move(arguments));
}

std::string comparison(std::string_view mismatches, std::string_view complete) {
  return R"({"result":{"zone":"z.test.","version":3,"against":[{"address":"192.0.2.1:53","asked":5,"match":4,"mismatch":1,)"
         R"("dynamic":0,"expected":0,"unknown":0}],"mismatches":[)" +
         std::string(mismatches) + R"(],"complete":)" + std::string(complete) + "}}\n";
}

constexpr std::string_view one_mismatch =
    R"({"owner":"www.z.test.","type":"A","address":"192.0.2.1:53","class":"rdata","ours":{"rcode":"NOERROR","flags":"AA",)"
    R"("ttl":300,"rdata":["192.0.2.80"]},"theirs":{"rcode":"NOERROR","flags":"AA","ttl":60,"rdata":["192.0.2.81"]},)"
    R"("since":"2026-01-01T00:00:00Z","evidence":null})";

TEST(Compare, ExitsZeroOneOrThree) {
  FakeServer equal(comparison("", "true")), different(comparison(one_mismatch, "true")),
      partial(comparison("", "false")), both(comparison(one_mismatch, "false"));
  const Ran fine = ask(equal, {"compare", "z.test"});
  EXPECT_EQ(fine.code, 0);
  EXPECT_THAT(fine.out, HasSubstr("every answer is equal"));
  const Ran differs = ask(different, {"compare", "z.test"});
  EXPECT_EQ(differs.code, 1);
  for (const std::string_view part : {"www.z.test. A", "rdata", "300  192.0.2.80", " 60  192.0.2.81"}) {
    EXPECT_THAT(differs.out, HasSubstr(std::string(part)));
  }
  const Ran unknown = ask(partial, {"compare", "z.test"});
  EXPECT_EQ(unknown.code, 3);
  EXPECT_THAT(unknown.out, Not(HasSubstr("equal"
                                         " is")))
      << unknown.out;
  EXPECT_EQ(ask(both, {"compare", "z.test"}).code, 1) << "a difference goes before unknown";
}

TEST(Compare, WithAddressesItReadsTheMirrorThatTheServerTells) {
  const Folder folder;
  FakeServer server("{\"result\":{\"data\":\"" + folder.file("nothing") + "\"}}\n");
  const Ran ran = ask(server, {"compare", "z.test", "--with", "192.0.2.7"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("there is no mirror in " + folder.file("nothing")));
  EXPECT_THAT(server.request(), HasSubstr("where"));
}

TEST(Status, TellsStateReasonAndPrimary) {
  const std::string zone =
      R"({"zone":"z.test.","state":"retrying","version":2,"serial":7,"primary_serial":9,"records":1234,"nodes":10,"digest":"00",)"
      R"("published":"2026-01-01T00:00:00Z","last_check":"2026-01-01T00:00:00Z","last_success":"2026-01-01T00:00:00Z",)"
      R"("next_check":null,"expires":null,"out_of_sync_since":"2026-01-01T00:00:00Z","transferring":false,)"
      R"("warnings":[{"reason":"mx-lost","message":"the apex has no MX any more"}],)"
      R"("out_of_zone_dropped":1,"last_refusal":{"reason":"second-soa","message":"an SOA at www","when":"2026-01-01T00:00:00Z"},)"
      R"("primaries":[{"source":"axfr://192.0.2.1","address":"192.0.2.1:53","up":false,"serial":9,)"
      R"("last_answer":"2026-01-01T00:00:00Z","soa_rtt_seconds":0.002,"failing_since":"2026-01-01T00:00:00Z","failure":)"
      R"({"reason":"timeout","message":"no answer in 5 s","when":"2026-01-01T00:00:00Z"}}],"comparison":null})";
  FakeServer all("{\"result\":{\"zones\":[" + zone + "]}}\n"), one("{\"result\":" + zone + "}\n"),
      json("{\"result\":" + zone + "}\n");
  const Ran table = ask(all, {"status"});
  EXPECT_EQ(table.code, 0);
  for (const std::string_view part : {"z.test.", "retrying", "1,234", "timeout"}) {
    EXPECT_THAT(table.out, HasSubstr(std::string(part)));
  }
  const Ran detail = ask(one, {"status", "z.test"});
  EXPECT_EQ(detail.code, 0);
  for (const std::string_view part :
       {"second-soa: an SOA at www", "mx-lost: the apex has no MX any more", "axfr://192.0.2.1",
        "since 2026-01-01T00:00:00Z", "timeout: no answer in 5 s", "serial 9, in 2.0 ms", "out of sync",
        "1 record that does not belong"}) {
    EXPECT_THAT(detail.out, HasSubstr(std::string(part)));
  }
  const Ran script = ask(json, {"status", "z.test", "--json"});
  EXPECT_EQ(boost::json::parse(script.out), boost::json::parse(zone));
  EXPECT_EQ(std::count(script.out.begin(), script.out.end(), '\n'), 1) << "one line";
}

TEST(Add, PassesTheOptionsOnInTheirOrder) {
  FakeServer server(R"({"result":{"zone":"z.test.","outcome":"added; so it is"}})"
                    "\n");
  const Ran ran = ask(server, {"add", "z.test", "--source", "axfr://192.0.2.2", "--source", "file:/etc/z",
                               "--refresh-min", "5m", "--notify", "192.0.2.7"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "z.test.: added; so it is\n");
  EXPECT_EQ(boost::json::parse(server.request()),
            boost::json::parse(R"({"verb":"add","zone":"z.test","options":[["source","axfr://192.0.2.2"],)"
                               R"(["source","file:/etc/z"],["notify","192.0.2.7"],["refresh-min","5m"]]})"));
}

TEST(Status, TellsOfZonesThatAreServedNoMore) {
  FakeServer server(R"({"result":{"zones":[],"unserved":[{"zone":"z.test.","since":"2026-01-01T00:00:00Z",)"
                    R"("kept_until":"2026-01-08T00:00:00Z","version":3,"serial":42}]}})"
                    "\n");
  const Ran ran = ask(server, {"status"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("z.test. is served no more since 2026-01-01T00:00:00Z"));
  EXPECT_THAT(ran.out, HasSubstr("serial 42"));
}

TEST(Verbs, PassOnWhatTheServerRefused) {
  FakeServer server(R"({"error":{"reason":"unknown-zone","message":"q.test. is not configured here"}})"
                    "\n");
  const Ran ran = ask(server, {"refresh", "q.test"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("q.test. is not configured here"));
  FakeServer silent("");
  EXPECT_EQ(ask(silent, {"status"}).code, 2);
  FakeServer stranger("220 mail.example ESMTP\n");
  EXPECT_EQ(ask(stranger, {"status"}).code, 2);
}

TEST(Words, ForPeople) {
  EXPECT_EQ(age_text(0, 100), "never");
  EXPECT_EQ(age_text(100, 100), "just now");
  EXPECT_EQ(age_text(90, 100), "10 s ago");
  EXPECT_EQ(age_text(100, 290), "3 min ago");
  EXPECT_EQ(age_text(0 + 1, 3 * 86400 + 1), "3 d ago");
  EXPECT_EQ(age_text(150, 100), "in 50 s");
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(999), "999");
  EXPECT_EQ(number_text(1000), "1,000");
  EXPECT_EQ(number_text(1234567), "1,234,567");
}

}  // namespace
}  // namespace understudy::app
