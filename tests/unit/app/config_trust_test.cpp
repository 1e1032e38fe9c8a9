// The configuration of keys, secrets, certificates and streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/config.h"

namespace understudy::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> problems_of(std::string_view toml) { return parse_config(toml, "f").problems; }

TEST(Config, Streams) {
  const LoadedConfig loaded = parse_config(R"(
[tls]
certificate = "/etc/c.pem"
key = "/etc/k.pem"
pins = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="]
[server]
listen-tls = ["127.0.0.1:8853", "[::1]:0"]
tcp-clients = 5000
tcp-clients-per-address = 7
tcp-idle = "3s"
tcp-lifetime = "1h"
[edns]
padding = 128
)",
                                           "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  ASSERT_THAT(loaded.config.listen_tls, SizeIs(2));
  EXPECT_EQ(net::to_string(loaded.config.listen_tls[0]), "127.0.0.1:8853");
  const StreamConfig& streams = loaded.config.streams;
  EXPECT_EQ(streams.connections, 5000u);
  EXPECT_EQ(streams.connections_per_address, 7u);
  EXPECT_EQ(streams.idle, Seconds(3));
  EXPECT_EQ(streams.lifetime, Seconds(3600));
  EXPECT_EQ(streams.tls.certificate, "/etc/c.pem");
  EXPECT_EQ(streams.tls.key, "/etc/k.pem");
  EXPECT_THAT(streams.tls.client_pins, SizeIs(1));
  EXPECT_EQ(streams.padding, 128u);
}

TEST(Config, TlsNeedsACertificateAndItsKey) {
  EXPECT_THAT(problems_of("[server]\nlisten-tls = \"127.0.0.1:853\""),
              ElementsAre(HasSubstr("needs [tls] certificate and key")));
  EXPECT_THAT(problems_of("[tls]\ncertificate = \"c\""), ElementsAre(HasSubstr("give both")));
  EXPECT_THAT(problems_of("[tls]\nkey = \"k\""), ElementsAre(HasSubstr("give both")));
  EXPECT_THAT(problems_of("[tls]\nca = \"/nonexistent/ca.pem\""),
              ElementsAre(AllOf(HasSubstr("[tls] ca"), HasSubstr("/nonexistent/ca.pem"))));
  EXPECT_THAT(problems_of("[tls]\nclient-ca = \"/nonexistent/ca.pem\""),
              ElementsAre(AllOf(HasSubstr("[tls] client-ca"), HasSubstr("/nonexistent/ca.pem"))));
  EXPECT_THAT(problems_of("[tls]\npins = [\"AAAA\"]"), ElementsAre(HasSubstr("no pin")));
}

TEST(Config, WhatAnAccessListDemandsOfCertificatesCanBeProved) {
  const std::string one = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
                    other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=";
  const std::string zone = "[[zone]]\nname = \"a\"\nsource = \"axfr://192.0.2.1\"\n",
                    pins = "[tls]\npins = [\"" + one + "\"]\n";
  for (const std::string key : {"allow-transfer", "allow-notify"}) {
    EXPECT_THAT(problems_of(zone + key + " = \"tls:ns.test\"\n"), ElementsAre(HasSubstr("client-ca")));
    EXPECT_THAT(problems_of(zone + key + " = \"192.0.2.1 tls:pin:" + one + "\"\n"),
                ElementsAre(AllOf(HasSubstr("a."), HasSubstr("pins"))));
    EXPECT_THAT(problems_of(zone + key + " = \"tls:pin:" + other + "\"\n" + pins),
                ElementsAre(HasSubstr("not among [tls] pins")));
    // A key that is known says nothing of names.
    for (const std::string& named : {std::string("tls:ns.test"), "tls:ns.test tls:pin:" + one})
      EXPECT_THAT(problems_of(zone + key + " = \"" + named + "\"\n" + pins),
                  ElementsAre(HasSubstr("client-ca")))
          << named;
    for (const std::string& entry : {"tls:pin:" + one, std::string("192.0.2.1 tls")})
      EXPECT_THAT(problems_of(zone + key + " = \"" + entry + "\"\n" + pins), IsEmpty()) << entry;
    EXPECT_THAT(problems_of(zone + key + " = \"192.0.2.1 tls\"\n"), IsEmpty());
  }
}

TEST(Config, ReadsCookieSecretsFromTheirFile) {
  const std::string path = ::testing::TempDir() + "cookie-secrets";
  const auto read = [&](const std::string& text) {
    std::ofstream(path) << text;
    return parse_config("[edns]\ncookie-secret-file = \"" + path + "\"\n", "f");
  };
  const std::string first = "e5e973e5a6b2a43f48e7dc849e37bfcf", second = "DD3BDF9344B678B185A6F5CB60FCA715";
  const LoadedConfig one = read(first + "\n");
  ASSERT_THAT(one.problems, IsEmpty());
  EXPECT_EQ(one.config.pipeline.cookies.active->front(), 0xe5);
  EXPECT_FALSE(one.config.pipeline.cookies.other.has_value());
  const LoadedConfig two = read(first + "\r\n\n" + second);
  ASSERT_THAT(two.problems, IsEmpty());
  EXPECT_EQ(two.config.pipeline.cookies.active->back(), 0xcf);
  EXPECT_EQ(two.config.pipeline.cookies.other->back(), 0x15);
  for (const std::string& wrong : {std::string(), first + "00\n", first.substr(2), "x" + first.substr(1),
                                   first + "\n" + second + "\n" + first}) {
    EXPECT_THAT(read(wrong).problems, ElementsAre(AllOf(StartsWith("f:2: "), HasSubstr(path)))) << wrong;
  }
  std::filesystem::remove(path);
  EXPECT_THAT(parse_config("[edns]\ncookie-secret-file = \"" + path + "\"\n", "f").problems,
              ElementsAre(HasSubstr("No such file")));
  EXPECT_FALSE(default_config().pipeline.cookies.active.has_value());
}

TEST(Config, KeysAreReadAndNamed) {
  const LoadedConfig loaded = parse_config(R"(
[[zone]]
name = "a"
source = "axfr://192.0.2.1?key=XFR.example"
allow-transfer = ["key:xfr.example.", "192.0.2.0/24 key:old.example."]
[[key]]
name = "xfr.example"
secret = "c2VjcmV0IG9mIHR3ZW50eSBvY3RldHM="
[[key]]
name = "old.example."
algorithm = "HMAC-SHA1"
secret = "c2VjcmV0"
)",
                                           "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const auto key = [&](const char* name) { return loaded.config.keys.find(*dns::Name::from_text(name)); };
  ASSERT_TRUE(key("xfr.example."));
  EXPECT_EQ(key("xfr.example.")->algorithm(), dns::TsigAlgorithm::hmac_sha256);
  ASSERT_TRUE(key("old.example."));
  EXPECT_EQ(key("old.example.")->algorithm(), dns::TsigAlgorithm::hmac_sha1);
  const sync::ZoneSettings& zone = loaded.config.zones.at(0);
  EXPECT_EQ(std::get<sync::AxfrSource>(zone.sources.at(0)).key, *dns::Name::from_text("xfr.example."));
  ASSERT_THAT(zone.allow_transfer, SizeIs(2));
  EXPECT_EQ(zone.allow_transfer[1].text(), "192.0.2.0/24 key:old.example.");
}

TEST(Config, AKeyThatIsWrongIsToldAndItsSecretIsNot) {
  const std::string good = "secret = \"c2VjcmV0\"\n", key = "[[key]]\nname = \"k.\"\n";
  EXPECT_THAT(problems_of("[[key]]\n" + good), ElementsAre(HasSubstr("a key without a name")));
  EXPECT_THAT(problems_of(key), ElementsAre(AllOf(HasSubstr("k. has no secret"), HasSubstr("secret-file"))));
  EXPECT_THAT(problems_of(key + "secret = \"\"\n"), ElementsAre(HasSubstr("the secret is empty")));
  EXPECT_THAT(problems_of(key + "algorithm = \"sha256\"\n" + good), ElementsAre(HasSubstr("hmac-sha256")));
  EXPECT_THAT(problems_of(key + good + key + good),
              ElementsAre(AllOf(StartsWith("f:4: "), HasSubstr("k. is configured twice"))));
  EXPECT_THAT(problems_of("[[key]]\nname = \"a..b\"\n" + good), ElementsAre(HasSubstr("key.name")));
  for (const std::string_view secret : {"not base64!", "c2VjcmV0=", "c2VjcmV"}) {
    const auto problems = problems_of(key + "secret = \"" + std::string(secret) + "\"\n");
    EXPECT_THAT(problems, ElementsAre(AllOf(HasSubstr("the key k."), HasSubstr("not base64"),
                                            Not(HasSubstr(std::string(secret))))));
  }
}

TEST(Config, AKeyThatIsNamedMustBeThere) {
  const std::string zone = "[[zone]]\nname = \"a\"\nsource = \"axfr://192.0.2.1";
  for (const std::string& text :
       {zone + "?key=k.\"\n", zone + "\"\nallow-notify = \"key:k.\"\n",
        zone + "\"\nallow-transfer = \"192.0.2.1 key:k.\"\n", zone + "\"\nnotify = \"192.0.2.1 key:k.\"\n"}) {
    EXPECT_THAT(problems_of(text), ElementsAre(AllOf(StartsWith("f:1: "), HasSubstr("k. is not configured"),
                                                     HasSubstr("[[key]]"))));
    EXPECT_THAT(problems_of(text + "[[key]]\nname = \"k\"\nsecret = \"c2VjcmV0\"\n"), IsEmpty());
    // What is wrong with the key is told once, and not that of who uses it.
    EXPECT_THAT(problems_of(text + "[[key]]\nname = \"k\"\nsecret = \"-\"\n"),
                ElementsAre(HasSubstr("not base64")));
  }
}

TEST(Config, ReadsASecretFromItsFile) {
  const std::string path = ::testing::TempDir() + "key-secret";
  const std::string text = "[[key]]\nname = \"k\"\nsecret-file = \"" + path + "\"\n";
  const auto read = [&](const std::string& content, std::filesystem::perms mode) {
    std::filesystem::remove(path);
    std::ofstream(path) << content;
    std::filesystem::permissions(path, mode);
    return parse_config(text, "f");
  };
  using std::filesystem::perms;
  constexpr perms mine = perms::owner_read | perms::owner_write;
  const LoadedConfig good = read("c2VjcmV0\n", mine | perms::group_read);
  ASSERT_THAT(good.problems, IsEmpty());
  EXPECT_TRUE(good.config.keys.find(*dns::Name::from_text("k")));
  EXPECT_THAT(
      read("c2VjcmV0\n", mine | perms::others_read).problems,
      ElementsAre(AllOf(StartsWith("f:3: "), HasSubstr(path), HasSubstr("everybody"), HasSubstr("chmod"))));
  EXPECT_THAT(read("key \"k\" {}\n", mine).problems, ElementsAre(HasSubstr("not base64")));
  EXPECT_THAT(read("", mine).problems, ElementsAre(HasSubstr(path)));
  std::filesystem::remove(path);
  EXPECT_THAT(parse_config(text, "f").problems,
              ElementsAre(AllOf(HasSubstr(path), HasSubstr("No such file"))));
  read("c2VjcmV0\n", mine);
  EXPECT_THAT(parse_config(text + "secret = \"c2VjcmV0\"\n", "f").problems,
              ElementsAre(HasSubstr("give secret or secret-file, not both")));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace understudy::app
