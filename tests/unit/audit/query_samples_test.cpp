// The ring between a worker and whoever compares what its clients ask.
#include <gtest/gtest.h>

#include <thread>

#include "server/query_samples.h"

namespace understudy::test {
namespace {

using server::QuerySamples;

std::vector<std::uint8_t> query(std::uint32_t number, std::size_t size = 20) {
  std::vector<std::uint8_t> octets(size, static_cast<std::uint8_t>(number));
  dns::store32(octets.data(), number);
  return octets;
}

std::vector<std::uint32_t> taken(QuerySamples& samples) {
  std::vector<std::uint32_t> numbers;
  samples.take([&](dns::Octets octets) { numbers.push_back(dns::load32(octets.data())); });
  return numbers;
}

TEST(QuerySamples, OneOfSoMany) {
  QuerySamples none, third(3);
  for (std::uint32_t i = 1; i <= 10; ++i) {
    none.offer(query(i));
    third.offer(query(i));
  }
  EXPECT_TRUE(taken(none).empty());
  EXPECT_EQ(taken(third), (std::vector<std::uint32_t>{3, 6, 9}));
  EXPECT_TRUE(taken(third).empty()) << "each once";
}

TEST(QuerySamples, AnotherShare) {
  QuerySamples samples(1000);
  for (std::uint32_t i = 1; i <= 10; ++i) samples.offer(query(i));
  samples.change(2);
  for (std::uint32_t i = 11; i <= 14; ++i) samples.offer(query(i));
  EXPECT_EQ(taken(samples), (std::vector<std::uint32_t>{11, 13})) << "at once, not when the old turn is over";
  samples.change(0);
  for (std::uint32_t i = 15; i <= 20; ++i) samples.offer(query(i));
  EXPECT_TRUE(taken(samples).empty());
  samples.change(1);
  samples.offer(query(21));
  EXPECT_EQ(taken(samples), std::vector<std::uint32_t>{21});
}

TEST(QuerySamples, WhatHasNoPlaceIsLeftOut) {
  QuerySamples samples(1);
  for (std::uint32_t i = 0; i < 2 * QuerySamples::places; ++i) samples.offer(query(i));
  const auto first = taken(samples);
  ASSERT_EQ(first.size(), QuerySamples::places);
  EXPECT_EQ(first.front(), 0u);
  EXPECT_EQ(first.back(), QuerySamples::places - 1);
  samples.offer(query(7, QuerySamples::longest));
  samples.offer(query(8, QuerySamples::longest + 1));
  EXPECT_EQ(taken(samples), std::vector<std::uint32_t>{7});
}

TEST(QuerySamples, TwoThreads) {
  QuerySamples samples(1);
  constexpr std::uint32_t last = 200'000;
  std::thread worker([&] {
    for (std::uint32_t i = 1; i <= last; ++i) samples.offer(query(i, 20 + i % 100));
    // The last one comes through in the end.
    for (std::uint32_t i = 0; i < 1'000'000'000 && !samples.empty(); ++i) std::this_thread::yield();
    samples.offer(query(last + 1));
  });
  std::uint32_t newest = 0;
  bool sound = true;
  for (std::uint64_t turns = 0; newest <= last && turns < 10'000'000'000; ++turns) {
    samples.take([&](dns::Octets octets) {
      const std::uint32_t number = dns::load32(octets.data());
      sound = sound && number > newest;
      if (number <= last) sound = sound && std::ranges::equal(octets, query(number, 20 + number % 100));
      newest = number;
    });
    std::this_thread::yield();
  }
  worker.join();
  EXPECT_TRUE(sound) << "in order, and whole";
  EXPECT_EQ(newest, last + 1);
}

}  // namespace
}  // namespace understudy::test
