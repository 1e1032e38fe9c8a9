// diff, show and history as a script and a person see them: exit codes, output, misuse. No server runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <stdexcept>

#include "backend/zone_builder.h"
#include "sync/zone_file.h"
#include "unit/app/command.h"

namespace understudy::app {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view old_zone = R"($ORIGIN z.test.
$TTL 3600
@     SOA   ns1 host 1 86400 3600 1209600 300
@     NS    ns1
NS1   A     192.0.2.1
gone  TXT   "bye bye"
mail  A     192.0.2.2
www   A     192.0.2.10
www   A     192.0.2.11
)";
constexpr std::string_view new_zone = R"($ORIGIN z.test.
$TTL 3600
@     SOA   ns1 host 2 86400 3600 1209600 300
@     NS    ns1
ns1   A     192.0.2.1
mail  600 A 192.0.2.2
new   AAAA  2001:db8::1
www   A     192.0.2.10
www   A     192.0.2.12
)";

template <class T>
T checked(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Versions : public ::testing::Test {
 protected:
  std::string write(const std::string& file, std::string_view text) {
    std::ofstream(folder_.file(file)) << text;
    return folder_.file(file);
  }
  // A version of a zone in the mirror at data(), which is closed again.
  void publish(const std::string& zone, const std::string& file) {
    backend::MirrorOptions options;
    options.directory = data();
    std::filesystem::create_directories(data());
    const auto mirror = checked(backend::open_mirror(options));
    const dns::Name apex = *dns::Name::from_text(zone);
    backend::BuildOptions build;
    build.apex = apex;
    build.spool_directory = data();
    backend::ZoneBuilder builder(build);
    checked(
        sync::read_zone_file(file, apex, [&](const dns::RecordView& record) { return builder.add(record); }));
    backend::Writer& writer = mirror->writer();
    backend::ZoneRow row = checked(writer.ensure_zone(apex));
    row.generation = checked(writer.begin(row.id));
    const auto summary = checked(builder.finish(
        [&](std::vector<backend::StoredNode> nodes) { return writer.put(row.generation, nodes); }));
    row.version += 1;
    row.serial = summary.serial;
    row.records = summary.records;
    row.nodes = summary.nodes;
    row.digest = summary.digest;
    row.published = 1767225600;  // 2026-01-01T00:00:00Z
    std::vector<backend::NewVersion> next(1);
    next[0].apex = apex;
    next[0].row = row;
    checked(writer.publish(next));
  }
  std::string data() const { return folder_.file("data"); }
  Ran on_mirror(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--data", data()});
    return run(std::move(arguments));
  }

  Folder folder_;
  const std::string a_ = write("a.zone", old_zone), b_ = write("b.zone", new_zone);
};

TEST_F(Versions, DiffOfEqualSidesIsZero) {
  publish("z.test", a_);
  const std::vector<std::vector<std::string>> equal{
      {"diff", "file:" + a_, "file:" + a_},
      {"diff", "mirror:", "file:" + a_},
      {"diff", "mirror:", "mirror:@1"},
      {"diff", "file:" + a_, "mirror:@1", "--zone", "Z.Test."},
  };
  for (const auto& arguments : equal) {
    const Ran ran = on_mirror(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out, "equal: 7 records\n");
    EXPECT_EQ(ran.err, "");
  }
}

TEST_F(Versions, DiffShowsPeopleWhatChanged) {
  const Ran ran = run({"diff", "file:" + a_, "file:" + b_});
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_EQ(ran.out, "--- A  file:" + a_ + "\n+++ B  file:" + b_ + R"(

z.test.
  - 3600 SOA ns1.z.test. host.z.test. 1 86400 3600 1209600 300
  + 3600 SOA ns1.z.test. host.z.test. 2 86400 3600 1209600 300
                                      ^

gone.z.test.
  - 3600 TXT "bye bye"

mail.z.test.
  - 3600 A 192.0.2.2
  + 600 A 192.0.2.2
    ^^^

new.z.test.
  + 3600 AAAA 2001:db8::1

www.z.test.
  - 3600 A 192.0.2.11
  + 3600 A 192.0.2.12
           ^^^^^^^^^^
  = 1 more A record is equal

5 differences: 1 missing, 1 extra, 2 rdata, 1 ttl
)");
}

TEST_F(Versions, DiffPaintsTheChangedPartsOnATerminal) {
  const Ran ran = run({"diff", "file:" + a_, "file:" + b_}, true);
  EXPECT_THAT(ran.out, HasSubstr("  \033[31m-\033[0m 3600 A \033[31m192.0.2.11\033[0m\n"
                                 "  \033[32m+\033[0m 3600 A \033[32m192.0.2.12\033[0m\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("^")));
}

TEST_F(Versions, DiffGivesScriptsTheContractsJson) {
  publish("z.test", a_);
  const Ran ran = on_mirror({"diff", "mirror:", "file:" + b_, "--json"});
  EXPECT_EQ(ran.code, 1) << ran.err;
  json::value expected =
      json::parse(R"({"zone":"z.test.","a":"mirror:@1","b":"","equal":false,"complete":true,"unknown":[],
    "differences":[
      {"owner":"z.test.","type":"SOA","class":"rdata",
       "a":{"ttl":3600,"rdata":["ns1.z.test. host.z.test. 1 86400 3600 1209600 300"]},
       "b":{"ttl":3600,"rdata":["ns1.z.test. host.z.test. 2 86400 3600 1209600 300"]}},
      {"owner":"gone.z.test.","type":"TXT","class":"missing","a":{"ttl":3600,"rdata":["\"bye bye\""]},"b":null},
      {"owner":"mail.z.test.","type":"A","class":"ttl","a":{"ttl":3600,"rdata":["192.0.2.2"]},"b":{"ttl":600,"rdata":["192.0.2.2"]}},
      {"owner":"new.z.test.","type":"AAAA","class":"extra","a":null,"b":{"ttl":3600,"rdata":["2001:db8::1"]}},
      {"owner":"www.z.test.","type":"A","class":"rdata","a":{"ttl":3600,"rdata":["192.0.2.10","192.0.2.11"]},
       "b":{"ttl":3600,"rdata":["192.0.2.10","192.0.2.12"]}}]})");
  expected.as_object()["b"] = "file:" + b_;
  EXPECT_EQ(json::parse(ran.out), expected) << ran.out;
  const Ran equal = on_mirror({"diff", "mirror:", "file:" + a_, "--json"});
  EXPECT_EQ(equal.code, 0);
  EXPECT_EQ(json::parse(equal.out).at("equal"), json::value(true)) << equal.out;
  EXPECT_EQ(json::parse(equal.out).at("differences"), json::value(json::array()));
}

TEST_F(Versions, DiffLeavesOutWhatIsNotOfTheZoneAndSaysSo) {
  const std::string stray = write("stray.zone", std::string(old_zone) + "www.other. 60 A 192.0.2.1\n");
  const Ran ran = run({"diff", "file:" + a_, "file:" + stray});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, HasSubstr("1 record outside z.test. left out"));
  EXPECT_THAT(ran.err, HasSubstr("www.other."));
}

TEST_F(Versions, EveryMisuseIsOneLineAndTwo) {
  publish("z.test", a_);
  const std::string none = folder_.file("none"), file = "file:" + a_;
  const std::vector<std::pair<std::vector<std::string>, std::string>> misuses{
      {{"diff", "mirror", file}, "mirror:[@VERSION]"},
      {{"diff", "mirror:@x", file}, "mirror:@7"},
      {{"diff", "mirror:@2", file},
       "keeps no version 2 of z.test., only 1; see `understudy history z.test.`"},
      {{"diff", "dns://192.0.2.1", "dns://192.0.2.2"}, "one of them must be"},
      {{"diff", "dns://nowhere", file}, "nowhere"},
      {{"diff", "axfr://192.0.2.1", "dns://192.0.2.2"}, "--zone"},
      {{"diff", file, file, "--rate", "5"}, "dns://"},
      {{"diff", file, file, "--zone", "bad..name"}, "bad..name"},
      {{"diff", file, file, "--zone", "y.test"}, "no SOA record of y.test."},
      {{"diff", file, "file:" + none}, none},
      {{"diff", "mirror:", "mirror:", "--zone", "y.test"}, "holds no version of y.test.; it holds z.test."},
      {{"show", "y.test"}, "holds no version of y.test.; it holds z.test."},
      {{"show", "z.test", "--version", "2"}, "keeps no version 2"},
      {{"history", "y.test"}, "holds no version of y.test.; it holds z.test."},
  };
  for (const auto& [arguments, help] : misuses) {
    const Ran ran = on_mirror(arguments);
    const std::string line = ::testing::PrintToString(arguments);
    EXPECT_EQ(ran.code, 2) << line;
    EXPECT_EQ(ran.out, "") << line;
    EXPECT_THAT(ran.err, HasSubstr(help)) << line;
    EXPECT_THAT(ran.err, StartsWith("understudy " + arguments.front() + ": ")) << line;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << line << "\n" << ran.err;
  }
  for (const auto& arguments :
       {std::vector<std::string>{"diff", "mirror:", file}, {"show", "z.test"}, {"history", "z.test"}}) {
    std::vector<std::string> elsewhere = arguments;
    elsewhere.insert(elsewhere.end(), {"--data", none});
    const Ran ran = run(elsewhere);
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, HasSubstr("no mirror in " + none)) << arguments.front();
  }
}

TEST_F(Versions, AMirrorOfSeveralZonesWantsOneNamed) {
  publish("z.test", a_);
  publish("y.test", write("y.zone", "$TTL 60\n@ SOA ns1 host 1 2 3 4 5\n@ NS ns1\n"));
  const Ran ran = on_mirror({"diff", "mirror:", "mirror:"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--zone"));
  EXPECT_THAT(ran.err, HasSubstr("y.test., z.test."));
  EXPECT_EQ(on_mirror({"diff", "mirror:", "file:" + a_}).code, 0) << "the file names the zone";
  EXPECT_EQ(on_mirror({"diff", "mirror:", "mirror:", "--zone", "y.test"}).code, 0);
}

TEST_F(Versions, ShowPrintsAZoneFileThatIsTheZone) {
  publish("z.test", b_);
  const Ran ran = on_mirror({"show", "z.test"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out,
              StartsWith("; z.test. serial 2, version 1 of the mirror, published 2026-01-01T00:00:00Z\n"
                         "z.test. 3600 IN SOA ns1.z.test. host.z.test. 2 86400 3600 1209600 300\n"));
  const std::string shown = write("shown.zone", ran.out);
  EXPECT_EQ(run({"diff", "file:" + b_, "file:" + shown}).out, "equal: 7 records\n");
  EXPECT_EQ(on_mirror({"show", "z.test", "--version", "1"}).out, ran.out);
}

TEST_F(Versions, HistoryTellsTheLiveVersion) {
  publish("z.test", a_);
  publish("z.test", b_);
  const Ran table = on_mirror({"history", "z.test"});
  EXPECT_EQ(table.code, 0) << table.err;
  for (const std::string_view part : {"VERSION", "SERIAL", "WHEN", "SOURCE", "HOW", "ADDED", "REMOVED",
                                      "DIGEST", "2 live", "2026-01-01T00:00:00Z"}) {
    EXPECT_THAT(table.out, HasSubstr(std::string(part)));
  }
  const json::value newest = json::parse(on_mirror({"history", "z.test", "--json"}).out).as_array().front();
  EXPECT_EQ(newest.at("version").to_number<int>(), 2);
  EXPECT_EQ(newest.at("serial").to_number<int>(), 2);
  EXPECT_EQ(newest.at("published"), json::value("2026-01-01T00:00:00Z"));
  EXPECT_EQ(newest.at("records").to_number<int>(), 7);
  EXPECT_EQ(newest.at("live"), json::value(true));
  EXPECT_EQ(newest.at("digest").as_string().size(), 64u);
}

}  // namespace
}  // namespace understudy::app
