#include <sys/stat.h>

#include "zone_file_fixture.h"

namespace understudy::sync {
namespace {

namespace fs = std::filesystem;

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
}  // namespace
}  // namespace understudy::sync
