// What the comparer keeps in the mirror: rows come back, of their zone and kind only, and go with the zone.
#include <gtest/gtest.h>
#include <lmdb.h>


#include "backend/mirror.h"
#include "unit/backend/mirror_fixture.h"

namespace understudy::backend {
namespace {

class AuditRows : public MirrorFixture {
 protected:
  AuditRows() { reopen(); }
  void reopen(bool read_only = false) {
    mirror_.reset();
    options_.read_only = read_only;
    auto opened = open_mirror(options_);
    ASSERT_TRUE(opened) << opened.error().message;
    mirror_ = std::move(*opened);
  }
  std::vector<AuditRow> rows(ZoneId zone, AuditKind kind) {
    const auto reader = std::move(*mirror_->reader());
    EXPECT_TRUE(reader->renew());
    return reader->audit_rows(zone, kind);
  }
  static AuditKey key(std::uint8_t octet) {
    AuditKey key{};
    key.fill(octet);
    return key;
  }
};

TEST_F(AuditRows, ComeBackOfTheirZoneAndKind) {
  ASSERT_TRUE(mirror_->writer().save_audit({{1, AuditKind::evidence, key(0xff), {1, 2}},
                                            {1, AuditKind::evidence, key(0), {3}},
                                            {1, AuditKind::pass, key(0), {4}},
                                            {2, AuditKind::evidence, key(0), {5}}}));
  reopen();
  const auto evidence = rows(1, AuditKind::evidence);
  ASSERT_EQ(evidence.size(), 2u);
  EXPECT_EQ(evidence[0].key, key(0));
  EXPECT_EQ(evidence[0].value, std::vector<std::uint8_t>{3});
  EXPECT_EQ(evidence[1].key, key(0xff));
  ASSERT_EQ(rows(1, AuditKind::pass).size(), 1u);
  EXPECT_EQ(rows(1, AuditKind::pass)[0].value, std::vector<std::uint8_t>{4});
  EXPECT_TRUE(rows(3, AuditKind::evidence).empty());
}

TEST_F(AuditRows, AnEmptyValueRemoves) {
  ASSERT_TRUE(
      mirror_->writer().save_audit({{1, AuditKind::pass, key(1), {1}}, {1, AuditKind::pass, key(2), {2}}}));
  ASSERT_TRUE(
      mirror_->writer().save_audit({{1, AuditKind::pass, key(1), {}}, {1, AuditKind::pass, key(3), {}}}));
  ASSERT_EQ(rows(1, AuditKind::pass).size(), 1u);
  EXPECT_EQ(rows(1, AuditKind::pass)[0].key, key(2));
}

TEST_F(AuditRows, GoWithTheirZone) {
  const Name gone = *Name::from_text("gone."), stays = *Name::from_text("stays.");
  Writer& writer = mirror_->writer();
  const ZoneId id = writer.ensure_zone(gone)->id, other = writer.ensure_zone(stays)->id;
  ASSERT_TRUE(writer.save_audit({{id, AuditKind::evidence, key(1), {1}},
                                 {id, AuditKind::pass, key(1), {1}},
                                 {other, AuditKind::evidence, key(1), {1}}}));
  ASSERT_TRUE(writer.note_served({stays}, 1000));
  ASSERT_EQ(writer.forget_unserved(1000)->size(), 1u);
  EXPECT_TRUE(rows(id, AuditKind::evidence).empty());
  EXPECT_TRUE(rows(id, AuditKind::pass).empty());
  EXPECT_EQ(rows(other, AuditKind::evidence).size(), 1u);
}

// A mirror that was last written by a program that did not know these databases yet.
TEST_F(AuditRows, AMirrorWithoutThemCanBeReadAndGetsThem) {
  ASSERT_TRUE(mirror_->writer().save_audit({{1, AuditKind::pass, key(1), {1}}}));
  mirror_.reset();
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_set_maxdbs(env, 32), 0);
  ASSERT_EQ(mdb_env_open(env, (options_.directory + "/mirror.mdb").c_str(), MDB_NOSUBDIR, 0600), 0);
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  for (const char* name : {"evidence", "passes"}) {
    MDB_dbi database = 0;
    ASSERT_EQ(mdb_dbi_open(txn, name, 0, &database), 0);
    ASSERT_EQ(mdb_drop(txn, database, 1), 0);
  }
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
  reopen(true);
  EXPECT_TRUE(rows(1, AuditKind::pass).empty());
  reopen();
  ASSERT_TRUE(mirror_->writer().save_audit({{1, AuditKind::pass, key(1), {1}}}));
  EXPECT_EQ(rows(1, AuditKind::pass).size(), 1u);
}

}  // namespace
}  // namespace understudy::backend
