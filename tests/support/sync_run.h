// Sync over a real mirror, both in a directory that goes with them, run by the test's own thread: until what
// must happen has happened, never for a length of time.
#pragma once

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include "support/temporary_directory.h"
#include "sync/sync.h"

namespace understudy::test {

class SyncRun : public testing::Test {
 protected:
  explicit SyncRun(unsigned pool_threads = 2) : pool_threads_(pool_threads) {
    std::filesystem::create_directory(directory_ + "/mirror");
  }
  void TearDown() override { close(); }  // before what derives from this is gone

  void open_mirror() {
    auto opened = backend::open_mirror({.directory = directory_ + "/mirror", .map_octets = 1u << 30});
    ASSERT_TRUE(opened) << opened.error().message;
    mirror_ = std::move(*opened);
  }
  // Anew, as a server that starts with these zones. Once a mirror is open, over that one.
  void start(const Clock& clock, std::vector<sync::ZoneSettings> zones,
             std::vector<sync::CatalogSettings> catalogs = {},
             backend::PublicationListener* listener = nullptr) {
    if (!mirror_) open_mirror();
    context_ = std::make_unique<boost::asio::io_context>();
    tables_ = std::make_unique<backend::ZoneTables>();
    sync_ = std::make_unique<sync::Sync>(*context_, *mirror_, *tables_, clock,
                                         sync::SyncOptions{directory_, pool_threads_});
    if (listener != nullptr) sync_->add_listener(*listener);
    const Result<> started = sync_->start(std::move(zones), std::move(catalogs));
    ASSERT_TRUE(started) << started.error().message;
  }
  void close() {
    if (sync_) sync_->stop();
    sync_.reset();
    context_.reset();
    tables_.reset();
    mirror_.reset();
  }
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) context_->run_one();
  }

 private:
  const TemporaryDirectory temporary_;
  const unsigned pool_threads_;

 protected:
  const std::string directory_ = temporary_.path();
  std::unique_ptr<backend::Mirror> mirror_;
  std::unique_ptr<backend::ZoneTables> tables_;
  std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<sync::Sync> sync_;
};

}  // namespace understudy::test
