// Sync with catalogs and zone files as sources, for the tests of what catalogs do.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "support/sync_run.h"

namespace understudy::sync {

inline dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

class CatalogsTest : public test::SyncRun {
 protected:
  CatalogsTest() {
    write("member", "@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n");
    list("cat", {"a", "b", "c", "d"});
  }

  void write(const std::string& file, const std::string& lines) {
    const std::string path = directory_ + "/" + file;
    std::ofstream(path + ".new") << "$TTL 300\n" << lines;
    std::filesystem::rename(path + ".new", path);
  }
  // A catalog of a.test., ... with the labels la, ..., or the label that follows an equals sign.
  void list(const std::string& file, const std::vector<std::string>& zones, const std::string& more = {}) {
    std::string lines = "@ SOA invalid. invalid. " + std::to_string(++serial_) +
                        " 3600 600 86400 300\n@ NS invalid.\nversion TXT \"2\"\n";
    for (const std::string& zone : zones) {
      const std::size_t equals = zone.find('=');
      const std::string label = equals == std::string::npos ? "l" + zone : zone.substr(equals + 1);
      lines += label + ".zones PTR " + zone.substr(0, equals) + ".test.\n";
    }
    write(file, lines + more);
  }

  ZoneSettings zone(std::string_view apex, const std::string& file) const {
    ZoneSettings settings;
    settings.apex = name(apex);
    settings.sources = {FileSource{directory_ + "/" + file}};
    return settings;
  }
  void obey(std::string_view apex, const std::string& file) {
    zones_.push_back(zone(apex, file));
    zones_.back().gate.catalog.emplace();
    CatalogSettings catalog;
    catalog.zone = name(apex);
    catalog.allow = {*NamePattern::parse("*.test")};
    catalog.member = zone(".", "member");
    catalogs_.push_back(std::move(catalog));
  }
  void open() {
    close();
    start(clock_, zones_, catalogs_);
  }

  template <class Result, class Begin>
  Result wait(Begin begin) {
    std::optional<Result> outcome;
    begin([&outcome](Result result) { outcome = std::move(result); });
    run_until([&] { return outcome.has_value(); });
    return *outcome;
  }
  using Words = Result<std::string>;
  Words refresh(std::string_view apex) {
    return wait<Words>([&](Sync::Done done) { sync_->refresh(name(apex), std::move(done)); });
  }
  // What clients get answers from, but for catalogs.
  std::vector<std::string> served() {
    std::vector<std::string> all;
    sync_->visit_settings([&all](dns::NameView apex, const SharedSettings& settings) {
      if (!is_catalog(settings)) all.push_back(dns::to_string(apex));
    });
    std::sort(all.begin(), all.end());
    return all;
  }
  void wait_served(const std::vector<std::string>& zones) {
    run_until([&] { return served() == zones; });
  }
  void wait_version(std::string_view apex, backend::Version version) {
    run_until([&] { return sync_->status(name(apex))->row.version == version; });
  }
  backend::ZoneRow row(std::string_view apex) { return sync_->status(name(apex))->row; }
  std::optional<backend::MemberZone> member(std::string_view apex) {
    return sync_->status(name(apex))->member;
  }

  const std::vector<std::string> all_ = {"a.test.", "b.test.", "c.test.", "d.test."};
  SystemClock clock_;
  unsigned serial_ = 0;
  std::vector<ZoneSettings> zones_;
  std::vector<CatalogSettings> catalogs_;
};

}  // namespace understudy::sync
