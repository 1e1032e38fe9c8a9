// The same files read by us, by BIND and by ldns. All of it needs their programs, and says so where they are
// missing.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "dns/rdata.h"
#include "zone_file_fixture.h"

namespace understudy::sync {
namespace {

namespace fs = std::filesystem;
using ZoneFilePeersTest = ZoneFileTest;

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
sig 86400 RRSIG A 5 3 86400 20380119031407 ( 20030220173103 2642 example.com.
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

TEST_F(ZoneFilePeersTest, AgreesWithBindOnEveryFeature) {
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

TEST_F(ZoneFilePeersTest, AgreesWithLdnsOnEveryFeature) {
  if (!installed("ldns-read-zone")) SKIP_LOUDLY("ldns-read-zone (ldnsutils) is not installed");
  const std::string path = write("zone", "$ORIGIN example.com.\n" + std::string(every_feature));
  const std::string theirs_path = (directory_ / "ldns").string();
  ASSERT_EQ(std::system(("ldns-read-zone " + path + " > " + theirs_path).c_str()), 0);
  const auto ours = parse_all(path, "example.com"), theirs = parse_all(theirs_path, "example.com");
  ASSERT_TRUE(ours) << ours.error().message;
  ASSERT_TRUE(theirs) << theirs.error().message;
  EXPECT_EQ(difference(*ours, *theirs), "");
}

TEST_F(ZoneFilePeersTest, ARealRootZone) {
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
