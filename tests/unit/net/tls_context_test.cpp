// A certificate and its key: what is taken, what is refused with which words, and when the files are read
// again.
#include "net/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "net/tls_client.h"
#include "support/test_certificate.h"

namespace understudy::net {
namespace {

using ::testing::HasSubstr;

class TlsContextFiles : public ::testing::Test {
 protected:
  TlsContextFiles() { test::write_certificate(files_, "one"); }
  ~TlsContextFiles() override { std::filesystem::remove_all(directory_); }

  static std::string make_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "understudy-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    return pattern;
  }
  static std::string name_in(const TlsSession& session) {
    std::array<char, 64> text{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get_certificate(session.get())), NID_commonName,
                              text.data(), text.size());
    return text.data();
  }
  static void write(const std::string& file, std::string_view text) { std::ofstream(file) << text; }

  const std::string directory_ = make_directory();
  const test::CertificateFiles files_{directory_ + "/certificate.pem", directory_ + "/key.pem"};
  TlsServerOptions options() const { return {files_.certificate, files_.key, {}, {}}; }
  bool take() {
    auto loaded = TlsContext::load(options());
    if (loaded) context_.take(*loaded);
    return loaded.has_value();
  }
  TlsContext context_;
};

TEST_F(TlsContextFiles, ChangedFilesAreTakenOnce) {
  ASSERT_TRUE(take());
  const TlsSession old = context_.new_session();
  EXPECT_EQ(context_.renew().value(), false);
  test::write_certificate(files_, "another");
  EXPECT_EQ(context_.renew().value(), true);
  EXPECT_EQ(context_.renew().value(), false);
  EXPECT_EQ(name_in(context_.new_session()), "another");
  EXPECT_EQ(name_in(old), "one");
}

TEST_F(TlsContextFiles, ABrokenPairIsToldOnceAndTheOldOneGoesOn) {
  ASSERT_TRUE(take());
  write(files_.certificate, "no certificate");
  const auto renewed = context_.renew();
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().reason, "tls-certificate");
  EXPECT_THAT(renewed.error().message, HasSubstr(files_.certificate));
  EXPECT_EQ(context_.renew().value(), false);
  EXPECT_EQ(name_in(context_.new_session()), "one");
  test::write_certificate(files_, "mended");
  EXPECT_EQ(context_.renew().value(), true);
  EXPECT_EQ(name_in(context_.new_session()), "mended");
}

TEST_F(TlsContextFiles, AKeyOfAnotherCertificateIsRefused) {
  const test::CertificateFiles other{directory_ + "/other.pem", files_.key};
  test::write_certificate(other, "other");
  const auto loaded = TlsContext::load(options());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr(files_.key));
}

TEST_F(TlsContextFiles, FilesThatAreMissingAreNamed) {
  std::filesystem::remove(files_.certificate);
  const auto loaded = TlsContext::load(options());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("No such file"));
}

// Towards primaries: what the files hold counts, not what they are called or when they were written.
TEST_F(TlsContextFiles, AClientIsLikeAnotherWhereItsFilesHoldTheSame) {
  const test::CertificateFiles authority{directory_ + "/ca.pem", directory_ + "/ca-key.pem"};
  test::write_certificate(authority, "authority");
  const auto make = [&] {
    return TlsClient::make({authority.certificate, files_.certificate, files_.key}).value();
  };
  const auto first = make();
  EXPECT_TRUE(first->is_like(*make()));
  for (const std::string& file : {authority.certificate, files_.certificate, files_.key}) {
    const auto before = make();
    const auto written = std::filesystem::last_write_time(file);
    std::ofstream(file, std::ios::app) << "\n";
    std::filesystem::last_write_time(file, written);
    EXPECT_FALSE(before->is_like(*make())) << file;
  }
  EXPECT_FALSE(first->is_like(*TlsClient::make({authority.certificate, {}, {}}).value()));
}

}  // namespace
}  // namespace understudy::net
