// A mirror in a directory that goes with it, opened when it is first needed; `mirror_.reset()` closes it.
#pragma once

#include <gtest/gtest.h>

#include "backend/mirror.h"
#include "support/temporary_directory.h"

namespace understudy::backend {

using Bytes = std::vector<std::uint8_t>;

inline Name name(std::string_view text) { return *Name::from_text(text); }
inline Bytes wire(std::string_view text) {
  const Name n = name(text);
  return {n.data(), n.data() + n.size()};
}

class MirrorFixture : public testing::Test {
 protected:
  MirrorFixture() {
    options_.directory = directory_;
    options_.map_octets = 1ull << 30;
  }
  Mirror& mirror() {
    if (!mirror_) mirror_ = std::move(*open_mirror(options_));
    return *mirror_;
  }
  Writer& writer() { return mirror().writer(); }
  // Sees what is committed now.
  std::unique_ptr<Reader> reader() {
    auto made = std::move(*mirror().reader());
    EXPECT_TRUE(made->renew());
    return made;
  }

 private:
  const test::TemporaryDirectory temporary_;

 protected:
  const std::string directory_ = temporary_.path();
  MirrorOptions options_;
  std::unique_ptr<Mirror> mirror_;
};

}  // namespace understudy::backend
