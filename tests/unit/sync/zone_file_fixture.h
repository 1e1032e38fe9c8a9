// A directory with zone files in it, and their records as text.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "dns/presentation.h"
#include "sync/zone_file.h"

namespace understudy::sync {

// A directory that is gone when the test is.
class ZoneFileTest : public testing::Test {
 protected:
  ZoneFileTest() {
    std::string pattern = testing::TempDir() + "zone-file-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~ZoneFileTest() override { std::filesystem::remove_all(directory_); }

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

  std::filesystem::path directory_;
  ZoneFileStatistics statistics_;
  std::string_view reason_;
};

}  // namespace understudy::sync
