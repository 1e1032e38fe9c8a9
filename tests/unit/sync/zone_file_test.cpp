#include "sync/zone_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "dns/presentation.h"
#include "dns/rdata.h"
#include "sync/zone_generate.h"

namespace understudy::sync {
namespace {

namespace fs = std::filesystem;

// A directory that is gone when the test is.
class ZoneFileTest : public testing::Test {
 protected:
  ZoneFileTest() {
    std::string pattern = testing::TempDir() + "zone-file-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~ZoneFileTest() override { fs::remove_all(directory_); }

  std::string write(const std::string& name, std::string_view text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
    return (directory_ / name).string();
  }

  // The records as text, or the error.
  std::vector<std::string> read(std::string_view text) { return read_path(write("zone", text)); }
  std::vector<std::string> read_path(const std::string& path, std::string_view origin = "example.com") {
    std::vector<std::string> out;
    statistics_ = {};
    const auto done = read_zone_file(
        path, dns::Name::from_text(origin).value(),
        [&](const dns::RecordView& record) -> Result<> {
          out.push_back(dns::record_text(record));
          return {};
        },
        &statistics_);
    if (done) return out;
    reason_ = done.error().reason;
    return {"error: " + done.error().message};
  }
  std::string error_of(std::string_view text) {
    const auto out = read("$TTL 60\n" + std::string(text));
    return out.size() == 1 && out[0].starts_with("error: ") ? out[0] : "none";
  }

  fs::path directory_;
  ZoneFileStatistics statistics_;
  std::string_view reason_;
};

using Lines = std::vector<std::string>;

// RFC 1035 5.3, the example there, with its $INCLUDE.
TEST_F(ZoneFileTest, TheExampleOfTheRfc) {
  write("MAILBOXES.TXT", "MOE     MB      A.ISI.EDU.\nSTOOGES MG      MOE\n");
  const std::string path = write("zone", R"(@   IN  SOA     VENERA      Action\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VAXA
        MX      10      VENERA
        MX      20      VAXA

A       A       26.3.0.103

VENERA  A       10.1.0.52
        A       128.9.0.32

VAXA    A       10.2.0.27

$INCLUDE MAILBOXES.TXT
)");
  EXPECT_EQ(read_path(path, "ISI.EDU."),
            (Lines{"ISI.EDU. 60 IN SOA VENERA.ISI.EDU. Action\\.domains.ISI.EDU. 20 7200 600 3600000 60",
                   "ISI.EDU. 60 IN NS A.ISI.EDU.", "ISI.EDU. 60 IN NS VAXA.ISI.EDU.",
                   "ISI.EDU. 60 IN MX 10 VENERA.ISI.EDU.", "ISI.EDU. 60 IN MX 20 VAXA.ISI.EDU.",
                   "A.ISI.EDU. 60 IN A 26.3.0.103", "VENERA.ISI.EDU. 60 IN A 10.1.0.52",
                   "VENERA.ISI.EDU. 60 IN A 128.9.0.32", "VAXA.ISI.EDU. 60 IN A 10.2.0.27",
                   "MOE.ISI.EDU. 60 IN TYPE7 \\# 11 01410349534903454455"
                   "00",
                   "STOOGES.ISI.EDU. 60 IN TYPE8 \\# 13 034D4F450349534903454455"
                   "00"}));
  EXPECT_EQ(statistics_.records, 11u);
  EXPECT_EQ(statistics_.files, (Lines{path, (directory_ / "MAILBOXES.TXT").string()}));
}

TEST_F(ZoneFileTest, OwnersOriginsAndClasses) {
  EXPECT_EQ(read("$TTL 60\n@ A 10.0.0.1\n A 10.0.0.2\n\n ; comment\n\t IN A 10.0.0.3\n$ORIGIN sub\nx IN 5 A "
                 "10.0.0.4\n"
                 "$origin @\ny 6 IN A 10.0.0.5\n$ORIGIN net.\nz CLASS1 A 10.0.0.6\nw. A 10.0.0.7\n"),
            (Lines{"example.com. 60 IN A 10.0.0.1", "example.com. 60 IN A 10.0.0.2",
                   "example.com. 60 IN A 10.0.0.3", "x.sub.example.com. 5 IN A 10.0.0.4",
                   "y.sub.example.com. 6 IN A 10.0.0.5", "z.net. 60 IN A 10.0.0.6", "w. 60 IN A 10.0.0.7"}));
  EXPECT_EQ(
      read("$TTL 60\nin A 10.0.0.1\n7 A 10.0.0.2\na\\.b A 10.0.0.3\n\\@ A 10.0.0.4\n\\$TTL A 10.0.0.5\n"),
      (Lines{"in.example.com. 60 IN A 10.0.0.1", "7.example.com. 60 IN A 10.0.0.2",
             "a\\.b.example.com. 60 IN A 10.0.0.3", "\\@.example.com. 60 IN A 10.0.0.4",
             "\\$TTL.example.com. 60 IN A 10.0.0.5"}));
}

TEST_F(ZoneFileTest, WhatTtlARecordTakes) {
  // Stated; $TTL before the last stated one; the last stated one where there is no $TTL; the SOA's minimum.
  EXPECT_EQ(read("a 10 A 10.0.0.1\nb A 10.0.0.2\n$TTL 20\nc A 10.0.0.3\nd 30 A 10.0.0.4\ne A 10.0.0.5\n$TTL "
                 "1h30m\nf A 10.0.0.6\n"),
            (Lines{"a.example.com. 10 IN A 10.0.0.1", "b.example.com. 10 IN A 10.0.0.2",
                   "c.example.com. 20 IN A 10.0.0.3", "d.example.com. 30 IN A 10.0.0.4",
                   "e.example.com. 20 IN A 10.0.0.5", "f.example.com. 5400 IN A 10.0.0.6"}));
  EXPECT_EQ(read("@ SOA a b 1 2 3 4 77\n 5 NS a\n NS b\n"),
            (Lines{"example.com. 77 IN SOA a.example.com. b.example.com. 1 2 3 4 77",
                   "example.com. 5 IN NS a.example.com.", "example.com. 77 IN NS b.example.com."}));
  EXPECT_NE(read("@ NS a\n")[0].find("zone:1: the record has no TTL"), std::string::npos);
  EXPECT_EQ(read("a 0 A 10.0.0.1\nb 2147483647 A 10.0.0.1\n").size(), 2u);
  EXPECT_NE(error_of("a 2147483648 A 10.0.0.1\n").find("zone:2: '2147483648' is not a TTL"),
            std::string::npos);
  EXPECT_NE(error_of("$TTL 2147483648\n").find("zone:2: "), std::string::npos);
  EXPECT_NE(read("@ SOA a b 1 2 3 4 4294967295\n")[0].find("no TTL"), std::string::npos);
}

TEST_F(ZoneFileTest, ParenthesesQuotesAndComments) {
  EXPECT_EQ(read("$TTL 60\na TXT ( \"x;y\" ; ( \"\n  z\\;\n)(\n)\n( b\n A\n 10.0.0.1 )\n\nc TXT \"\" "
                 "\"a\"\"b\"\\032\r\n"),
            (Lines{"a.example.com. 60 IN TXT \"x;y\" \"z;\"", "b.example.com. 60 IN A 10.0.0.1",
                   "c.example.com. 60 IN TXT \"\" \"a\" \"b\" \" \""}));
  EXPECT_EQ(read("a 1 A 10.0.0.1").size(), 1u);  // no newline at the end
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a 1 A 10.0.0.1\r\n")
                .size(),
            1u);  // a byte order mark
  EXPECT_EQ(read("").size(), 0u);
  EXPECT_EQ(read(" \n;\n\t(\n) ; x").size(), 0u);
}

TEST_F(ZoneFileTest, EveryErrorSaysWhereAndWhat) {
  const std::pair<const char*, const char*> cases[] = {
      {"a A 10.0.0.256\n", ":2: the data of this A record is wrong: '10.0.0.256' is not an IPv4 address"},
      {"\n\na A 1\n", ":4: "},
      {"a SOA ( b c\n 1 2 x\n", ":2: the parenthesis that opens here is never closed"},
      {"a SOA ( b c\n 1 2\n x 4 5 )\n", ":2: the data of this SOA record is wrong: 'x'"},
      {"a TXT \"b\n", ":2: a quote is not closed in its line"},
      {"a TXT \"b", ":2: a quote is never closed"},
      {"\na TXT b\\\n", ":3: a backslash"},
      {"a TXT ( b\n c\"d )\n", ":3: a quote stands in the middle"},
      {"a A 10.0.0.1 )\n", ":2: a parenthesis closes"},
      {"a TXT \x01\n", ":2: a control character"},
      {"a NOSUCH x\n", ":2: 'NOSUCH' is not a record type; one without a name is written TYPE123"},
      {"a AXFR x\n", ":2: type 'AXFR' cannot be data of a zone"},
      {"a CH A 10.0.0.1\n", ":2: class 'CH' is not served"},
      {"a CLASS7 A 10.0.0.1\n", ":2: class 'CLASS7'"},
      {"a 5 6 A 10.0.0.1\n", ":2: there is a second TTL"},
      {"a IN IN A 10.0.0.1\n", ":2: there is a second class"},
      {"a 5\n", ":2: the record ends before its type"},
      {" A 10.0.0.1\n", ":2: the line begins with a blank"},
      {"a..b A 10.0.0.1\n", ":2: 'a..b' is not a domain name"},
      {"\"a\" A 10.0.0.1\n", ":2: 'a' is no owner name: it has quotes"},
      {" $TTL 5\n", ":2: '$TTL' must stand at the very beginning"},
      {"$NOSUCH\n", ":2: '$NOSUCH' is no directive"},
      {"$TTL\n", ":2: $TTL takes exactly one word"},
      {"$TTL 5x\n", ":2: '5x' is not a TTL"},
      {"$ORIGIN a b\n", ":2: $ORIGIN takes exactly one word"},
      {"$ORIGIN a..\n", ":2: "},
      {"$INCLUDE\n", ":2: write $INCLUDE FILE [ORIGIN]"},
      {"$GENERATE 1-2 a\n", ":2: write $GENERATE"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(error_of(text).find("zone" + std::string(expected)), std::string::npos)
        << text << " -> " << error_of(text);
    EXPECT_EQ(reason_, "bad-zone-file");
  }
}

TEST_F(ZoneFileTest, IncludedFiles) {
  fs::create_directory(directory_ / "sub");
  write("sub/one", "x A 10.0.0.1\n$ORIGIN deeper\n$TTL 7\ny A 10.0.0.2\n$INCLUDE two\n");
  write("sub/two", "z A 10.0.0.3\n");
  const auto out = read(
      "$TTL 60\nown A 10.0.0.9\n$INCLUDE sub/one\n A 10.0.0.4\nv A 10.0.0.5\n$INCLUDE \"sub/two\" "
      "other.net.\n");
  EXPECT_EQ(out, (Lines{"own.example.com. 60 IN A 10.0.0.9", "x.example.com. 60 IN A 10.0.0.1",
                        "y.deeper.example.com. 7 IN A 10.0.0.2", "z.deeper.example.com. 7 IN A 10.0.0.3",
                        "own.example.com. 7 IN A 10.0.0.4", "v.example.com. 7 IN A 10.0.0.5",
                        "z.other.net. 7 IN A 10.0.0.3"}));
  EXPECT_EQ(statistics_.files.size(), 3u);
  // A record of an included file cannot lean on the owner before it.
  write("sub/two", " A 10.0.0.3\n");
  EXPECT_NE(error_of("a A 10.0.0.1\n$INCLUDE sub/two\n").find("zone:3: "), std::string::npos);
  EXPECT_NE(error_of("a A 10.0.0.1\n$INCLUDE sub/two\n").find("two:1: the line begins with a blank"),
            std::string::npos);
}

TEST_F(ZoneFileTest, IncludesThatCannotBe) {
  EXPECT_NE(error_of("$INCLUDE missing\n").find("missing: No such file"), std::string::npos);
  EXPECT_EQ(reason_, "file-unreadable");
  EXPECT_EQ(statistics_.files.size(), 2u);  // it is watched, so that its arrival is seen
  EXPECT_NE(error_of("$INCLUDE zone\n").find("includes itself"), std::string::npos);
  write("other", "$INCLUDE ./link\n");
  fs::create_symlink(directory_ / "zone", directory_ / "link");
  EXPECT_NE(error_of("$INCLUDE other\n").find("includes itself"), std::string::npos);
  for (int i = 0; i < 12; ++i)
    write("deep" + std::to_string(i), "$INCLUDE deep" + std::to_string(i + 1) + "\n");
  write("deep12", "");
  EXPECT_NE(error_of("$INCLUDE deep0\n").find("deeper than"), std::string::npos);
  EXPECT_EQ(error_of("$INCLUDE deep3\n"), "none");
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  for (const char* name : {"pipe", "."}) {  // neither blocks
    EXPECT_NE(error_of("$INCLUDE " + std::string(name) + "\n").find("regular file"), std::string::npos)
        << name;
  }
}

TEST_F(ZoneFileTest, GeneratedRecords) {
  EXPECT_EQ(
      read("$TTL 60\n$GENERATE 1-3/2 h$ A 10.0.0.$\n$GENERATE 9-10 ${-9,3} 5 IN MX \"10 m${1,2,x}.$$\"\n"
           "$GENERATE 18-18 ${0,7,n}.a CNAME ${0,0,N}.${2,0,o}.\\$.${0,4,X}.\n"),
      (Lines{"h1.example.com. 60 IN A 10.0.0.1", "h3.example.com. 60 IN A 10.0.0.3",
             "000.example.com. 5 IN MX 10 m0a.\\$.example.com.",
             "001.example.com. 5 IN MX 10 m0b.\\$.example.com.",
             "2.1.0.0.a.example.com. 60 IN CNAME 2.1.24.\\$.0012."}));
  EXPECT_NE(error_of("$GENERATE 0-20000000 a A 10.0.0.1\n").find("split it"), std::string::npos);
  EXPECT_NE(error_of("$GENERATE 0-1 ${-1} A 10.0.0.1\n").find("below 0"), std::string::npos);
  for (const char* wrong : {"2-1", "1", "1-", "-1-2", "1-2/0", "1-2/", "1-2x", "1-2147483648", "1-2/-1"}) {
    EXPECT_NE(error_of("$GENERATE " + std::string(wrong) + " a A 10.0.0.1\n").find("is no range"),
              std::string::npos)
        << wrong;
  }
  for (const char* wrong :
       {"${", "${}", "${x}", "${1,}", "${1,2,}", "${1,2,q}", "${1,2,d,}", "${1,128}", "${1,-1}"}) {
    EXPECT_NE(error_of("$GENERATE 1-2 " + std::string(wrong) + " A 10.0.0.1\n").find("is not ${offset}"),
              std::string::npos)
        << wrong;
  }
}

TEST_F(ZoneFileTest, TheSinkCanEndIt) {
  const std::string path = write("zone", "a 1 A 10.0.0.1\nb 1 A 10.0.0.2\nc 1 A 10.0.0.3\n");
  unsigned seen = 0;
  const auto done = read_zone_file(path, dns::Name(), [&](const dns::RecordView&) -> Result<> {
    if (++seen == 2) return Error{"too-many-records", "enough"};
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "too-many-records");
  EXPECT_EQ(done.error().message, path + ":2: enough");
  EXPECT_EQ(seen, 2u);
  EXPECT_EQ(read_path((directory_ / "none").string())[0].substr(0, 32), "error: cannot open the zone file");
  EXPECT_EQ(reason_, "file-unreadable");
}

// Entries that straddle the ends of the buffer, at every place.
TEST_F(ZoneFileTest, EntriesAcrossBuffers) {
  for (const std::size_t shift : {0u, 1u, 2u, 3u, 17u, 18u, 19u, 20u, 25u}) {
    std::string text = ";" + std::string(shift, 'x') + "\n";
    std::size_t count = 0;
    while (text.size() < 600'000) text += "a" + std::to_string(count++) + " 1 TXT \"b \\\" c\" ( d\n )\n";
    const auto out = read(text);
    ASSERT_EQ(out.size(), count) << out[0];
    ASSERT_EQ(out.back(), "a" + std::to_string(count - 1) + ".example.com. 1 IN TXT \"b \\\" c\" \"d\"");
  }
}

TEST_F(ZoneFileTest, TheLargestRecordAndTheEntryLimit) {
  std::string escaped = "a 1 TXT (";
  for (int strings = 0; strings < 255; ++strings) {
    escaped += "\n \"";
    for (int i = 0; i < 255; ++i) escaped += "\\200";
    escaped += '"';
  }
  EXPECT_EQ(read(escaped + " )\n").size(), 1u);
  EXPECT_NE(error_of("a TXT ( " + std::string(2 << 20, '\n')).find("over 1 MiB"), std::string::npos);
  EXPECT_NE(error_of("a TXT ( " + escaped + "\n" + escaped + ")").find("a"), std::string::npos);
}

// --- against other implementations
// ---------------------------------------------------------------------------------

struct Parsed {
  std::string owner;
  std::uint32_t ttl;
  unsigned type;
  std::vector<std::uint8_t> rdata;
  auto operator<=>(const Parsed&) const = default;
};

Result<std::multiset<Parsed>> parse_all(const std::string& path, std::string_view origin) {
  std::multiset<Parsed> out;
  const auto done = read_zone_file(path, dns::Name::from_text(origin).value(),
                                   [&](const dns::RecordView& record) -> Result<> {
                                     Parsed parsed{dns::to_string(record.owner),
                                                   record.ttl,
                                                   static_cast<unsigned>(record.type),
                                                   {record.rdata.begin(), record.rdata.end()}};
                                     // Both programs may lower names inside data or keep them: DNS does not
                                     // tell them apart.
                                     dns::lower_names(record.type, parsed.rdata);
                                     for (char& c : parsed.owner)
                                       c = static_cast<char>(dns::lower(static_cast<std::uint8_t>(c)));
                                     out.insert(std::move(parsed));
                                     return {};
                                   });
  if (!done) return done.error();
  return out;
}

// One TTL an RRset (RFC 2181 5.2) and no duplicates: what a server makes of a file while loading.
std::set<Parsed> as_loaded(const std::multiset<Parsed>& records) {
  std::map<std::pair<std::string, unsigned>, std::uint32_t> lowest;
  for (const Parsed& record : records) {
    auto [at, fresh] = lowest.try_emplace({record.owner, record.type}, record.ttl);
    at->second = std::min(at->second, record.ttl);
  }
  std::set<Parsed> out;
  for (Parsed record : records) {
    record.ttl = lowest[{record.owner, record.type}];
    out.insert(record);
  }
  return out;
}

// What only one of two sets has, as text; empty where they are equal.
template <class Set>
std::string difference(const Set& ours, const Set& theirs) {
  std::string out;
  const auto tell = [&out](std::string_view whose, const Set& all, const Set& others) {
    for (const Parsed& p : all) {
      if (others.contains(p)) continue;
      const dns::Name owner = dns::Name::from_text(p.owner).value();
      const dns::RRType type{static_cast<std::uint16_t>(p.type)};
      out += std::string(whose) + dns::record_text({owner.view(), type, p.ttl, p.rdata}) + '\n';
    }
  };
  tell("ours:   ", ours, theirs);
  tell("theirs: ", theirs, ours);
  return out.empty() && ours.size() != theirs.size() ? "their sizes" : out;
}

bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }
bool installed(const char* program) { return run(std::string("command -v ") + program); }

#define SKIP_LOUDLY(what)                                             \
  do {                                                                \
    std::fprintf(stderr, "skipped: %s\n", std::string(what).c_str()); \
    GTEST_SKIP() << "skipped: " << (what);                            \
  } while (false)

constexpr std::string_view every_feature = R"zone($TTL 1h
@ IN SOA ns1 host\.master ( 2024010101 ; serial
   1h 15m 4w3d ; comment ) " here
   5m )
  NS ns1
  NS ns2.example.net.
ns1 A 192.0.2.1
 AAAA 2001:db8::1
 1h30m IN TXT "quoted; not comment" unquoted "esc\"aped \\ \255\000 ()"
 90m TXT ( "multi"
   "line" )
$ORIGIN sub.example.com.
@ A 192.0.2.2
rel CNAME @
$ORIGIN example.com.
mx MX 10 mail
 MX 0 .
srv._tcp SRV 0 5 5060 sip
naptr NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp
 NAPTR 100 50 U E2U+sip "!^.*$!sip:info@example.com!" .
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
 LOC 0 0 0 N 0 0 0 E 0m
 LOC 90 0 0.000 S 180 0 0 W 42849672.95m 90000000m
caa CAA 0 issue "ca.example.net; policy=ev"
 CAA 128 iodef "mailto:a@b\"c"
svcb SVCB 0 foo
https HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1 port=8443
 HTTPS 16 foo.example.org. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1 ech=AEn+DQBF
 HTTPS 2 . key65333=ex1 key65444="abc\001\"d" no-default-alpn alpn="h2"
ds DS 60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118
sshfp SSHFP 2 1 123456789abcdef67890123456789abcdef67890
tlsa._tcp TLSA 3 1 1 ( 0123456789abcdef0123456789abcdef
   0123456789abcdef0123456789abcdef )
hinfo HINFO "PC Intel" Linux
rp RP a.b txt
afs AFSDB 1 afs
kx KX 1 kx
cert CERT PKIX 1 RSASHA256 AQIDBA==
dn.dn DNAME example.net.
apl APL 1:192.168.32.0/21 !1:192.168.38.0/28 2:FF00:0:0:0:0:0:0:0/8
ips IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
 IPSECKEY 10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
sig RRSIG A 5 3 86400 20380119031407 ( 20030220173103 2642 example.com.
   oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMeDPKijVCHX3DDKdfb+v6o
   B9wfuh3DTJXUAfI/M0zmO/zz8bW0Rznl8O3tGNazPwQKkRN20XPXV6nwwfoXmJQbsLNrLfkG J5D6fwFm8nN+6pBzeDQfsS3Ap3o= )
nsec NSEC host.example.com. ( A MX RRSIG NSEC TYPE1234 )
key DNSKEY 256 3 RSASHA1 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8nokfzj31GajIQKY+5CptLr
2t7b4g4vsa5smi47k61mv5bv1a22bojr NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG
n3p NSEC3PARAM 1 0 12 -
cds CDS 0 0 0 00
@ CSYNC 66 3 A NS AAAA
nid NID 10 0014:4fff:ff20:ee64
l32 L32 10 10.1.2.0
l64 L64 10 2001:0DB8:1140:1000
lp LP 10 l64
eui EUI48 00-00-5e-00-53-2a
 EUI64 00-00-5e-ef-10-00-00-2a
uri._tcp URI 10 1 "ftp://ftp1.example.com/public\"x"
px PX 10 a b
unk TYPE65280 \# 4 0A000001
unk0 TYPE65280 \# 0
gen TYPE1 \# 4 0A000001
odd\.dot.\000nul A 10.0.0.1
\@ A 10.0.0.2
sp\032ace A 10.0.0.5
UPPER.Case A 10.0.0.6
* A 10.0.0.7
\255\128 A 10.0.0.8
)zone";

// What only BIND has among the programs that are asked. (ldns 1.8.3 prints $ and " in names without their
// backslashes, so that its own output reads as a directive.)
constexpr std::string_view features_of_bind = R"zone(\$dollar A 10.0.0.3
q\"u\;o\(t\) A 10.0.0.4
caa2 CAA 0 issue letsencrypt.org
gena A \# 4 0A 00 00 01
genc CLASS1 TYPE1 10.0.0.9
ips2 IPSECKEY 10 3 2 mygw AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
amt AMTRELAY 10 0 1 203.0.113.15
 AMTRELAY 10 1 3 relays
https2 HTTPS 2 . alpn="f\\\\oo\\,bar,h2"
 HTTPS 3 . dohpath=/dns-query{?dns}
$GENERATE 1-3 h$ A 10.1.0.$
$GENERATE 0-20/5 x${0,3,d}y${1,4,x} 1h IN CNAME z${0,0,X}.$$
$GENERATE 1-2 ${0,7,n}.n PTR p${-1,2,o}
$GENERATE 254-258 ${0,0,N}.n PTR ${0,12,n}
$GENERATE 1-2 m$ MX "10 mail$"
$INCLUDE inc.zone
$INCLUDE inc.zone inc2
after A 10.2.0.1
)zone";
constexpr std::string_view included = "incl A 10.3.0.1\n$TTL 77\n$ORIGIN deeper\nhere A 10.3.0.2\n";

TEST_F(ZoneFileTest, AgreesWithBindOnEveryFeature) {
  if (!installed("named-compilezone")) SKIP_LOUDLY("named-compilezone (bind9-utils) is not installed");
  write("inc.zone", included);
  const std::string path = write("zone", std::string(every_feature) + std::string(features_of_bind));
  const std::string compiled = (directory_ / "compiled").string();
  const std::string options =
      " -i none -k ignore -n ignore -m ignore -r ignore -S ignore -T ignore -s full -o ";
  const std::string enter = "cd " + directory_.string() + " && ";
  ASSERT_TRUE(run(enter + "named-compilezone" + options + compiled + " example.com " + path));
  const auto ours = parse_all(path, "example.com"), theirs = parse_all(compiled, "example.com");
  ASSERT_TRUE(ours) << ours.error().message;
  ASSERT_TRUE(theirs) << theirs.error().message;
  EXPECT_GT(ours->size(), 90u);
  EXPECT_EQ(difference(as_loaded(*ours), as_loaded(*theirs)), "");

  // And BIND reads what we print as the same zone.
  std::string printed;
  for (const std::string& line : read_path(path)) printed += line + "\n";
  const std::string again = (directory_ / "again").string();
  ASSERT_TRUE(
      run(enter + "named-compilezone" + options + again + " example.com " + write("printed", printed)));
  const auto reread = parse_all(again, "example.com");
  ASSERT_TRUE(reread) << reread.error().message;
  EXPECT_EQ(difference(as_loaded(*reread), as_loaded(*theirs)), "");
}

TEST_F(ZoneFileTest, AgreesWithLdnsOnEveryFeature) {
  if (!installed("ldns-read-zone")) SKIP_LOUDLY("ldns-read-zone (ldnsutils) is not installed");
  const std::string path = write("zone", "$ORIGIN example.com.\n" + std::string(every_feature));
  const std::string theirs_path = (directory_ / "ldns").string();
  ASSERT_EQ(std::system(("ldns-read-zone " + path + " > " + theirs_path).c_str()), 0);
  const auto ours = parse_all(path, "example.com"), theirs = parse_all(theirs_path, "example.com");
  ASSERT_TRUE(ours) << ours.error().message;
  ASSERT_TRUE(theirs) << theirs.error().message;
  EXPECT_EQ(difference(*ours, *theirs), "");
}

TEST_F(ZoneFileTest, ARealRootZone) {
  fs::path sample;
  // From the build directory upwards, and from the sources.
  for (fs::path at = fs::current_path(); sample.empty() && at.has_relative_path(); at = at.parent_path()) {
    const fs::path folder = at / "shared" / "data" / "root";
    if (!fs::is_directory(folder)) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().string().ends_with(".zone.gz")) sample = entry.path();
    }
  }
  if (sample.empty()) SKIP_LOUDLY("there is no shared/data/root/*.zone.gz in any directory above");
  if (!installed("named-compilezone") || !installed("ldns-read-zone")) {
    SKIP_LOUDLY("named-compilezone or ldns-read-zone is not installed");
  }
  const std::string path = (directory_ / "root").string();
  ASSERT_EQ(std::system(("zcat " + sample.string() + " > " + path).c_str()), 0);
  const std::string bind = (directory_ / "bind").string(), ldns = (directory_ / "ldns").string();
  ASSERT_TRUE(run("named-compilezone -i none -s full -o " + bind + " . " + path));
  ASSERT_EQ(std::system(("ldns-read-zone " + path + " > " + ldns).c_str()), 0);
  const auto ours = parse_all(path, ".");
  ASSERT_TRUE(ours) << ours.error().message;
  EXPECT_GT(ours->size(), 10'000u);
  for (const std::string& theirs_path : {bind, ldns}) {
    const auto theirs = parse_all(theirs_path, ".");
    ASSERT_TRUE(theirs) << theirs.error().message;
    EXPECT_EQ(difference(as_loaded(*ours), as_loaded(*theirs)), "") << theirs_path;
  }
}

}  // namespace
}  // namespace understudy::sync
