#include "notify-service/store/template_store.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"
#include "platform/timestamps.h"

namespace rematch::notify {
namespace {

using sql::Row;
using sql::RowWriter;
using sql::Value;

// More than the programs of one deployment say at a time; whoever publishes again and again fills no memory.
constexpr size_t kMaxParsed = 2000;

constexpr absl::string_view kHeadColumns = "consortium, program, kind, version, hash, created, creator";
constexpr size_t kHeadColumnCount = 7;

std::vector<Value> ToValues(const TemplateKey& key, const TemplateStore::Head& head) {
  return {key.consortium, key.program, key.kind, head.version, head.hash, head.created, head.creator};
}

// From column `first` on.
TemplateStore::Head ToHead(const Row& row, size_t first) {
  return {.version = row.Int(first), .hash = row.Text(first + 1), .created = row.Int(first + 2), .creator = row.Text(first + 3)};
}

v1::TemplateVersion ToProto(const TemplateKey& key, const TemplateStore::Head& head) {
  v1::TemplateVersion out;
  out.set_name(key.VersionName(head.version));
  out.set_program(key.ProgramName());
  out.set_template_("templates/" + key.kind);
  out.set_version(head.version);
  out.set_creator(head.creator);
  if (head.version != 0) *out.mutable_create_time() = platform::ToTimestamp(sql::FromMicros(head.created));
  out.set_reset(head.version != 0 && head.hash.empty());
  return out;
}

std::string HashOf(const PublishTemplate& publication) { return publication.own == nullptr ? "" : ContentHash(publication.source); }

// Three lists rather than triples, which not every dialect takes: it finds a superset of `keys`.
std::pair<std::string, std::vector<Value>> WhereKeys(const std::set<TemplateKey>& keys) {
  std::set<std::string> consortia, programs, kinds;
  for (const TemplateKey& key : keys) {
    consortia.insert(key.consortium);
    programs.insert(key.program);
    kinds.insert(key.kind);
  }
  std::string where;
  std::vector<Value> all;
  for (const auto& [column, ids] : {std::pair("consortium", &consortia), std::pair("program", &programs), std::pair("kind", &kinds)}) {
    std::vector<Value> values(ids->begin(), ids->end());
    sql::PadInList(values);
    absl::StrAppend(&where, where.empty() ? " WHERE " : " AND ", column, " IN ", sql::InList(values.size()));
    all.insert(all.end(), values.begin(), values.end());
  }
  return {std::move(where), std::move(all)};
}

absl::StatusOr<std::map<TemplateKey, TemplateStore::Head>> ReadHeads(sql::Transaction& tx, const std::set<TemplateKey>& keys,
                                                                     std::string_view lock = "") {
  std::map<TemplateKey, TemplateStore::Head> heads;
  if (keys.empty()) return heads;
  const auto [where, values] = WhereKeys(keys);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           tx.Query(absl::StrCat("SELECT ", kHeadColumns, " FROM program_templates", where, std::string(lock)), values));
  for (const Row& row : rows) {
    TemplateKey key{.consortium = row.Text(0), .program = row.Text(1), .kind = row.Text(2)};
    if (keys.contains(key)) heads.emplace(std::move(key), ToHead(row, 3));
  }
  return heads;
}

absl::StatusOr<std::map<std::string, v1::TemplateSource>> ReadSources(sql::Transaction& tx, const std::set<std::string>& hashes) {
  std::map<std::string, v1::TemplateSource> sources;
  if (hashes.empty()) return sources;
  std::vector<Value> values(hashes.begin(), hashes.end());
  sql::PadInList(values);
  REMATCH_ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      tx.Query(absl::StrCat("SELECT hash, source FROM template_sources WHERE hash IN ", sql::InList(values.size())), values));
  for (const Row& row : rows) {
    v1::TemplateSource source;
    if (source.ParseFromString(row.Text(1))) sources.emplace(row.Text(0), std::move(source));
  }
  return sources;
}

}  // namespace

absl::StatusOr<std::map<TemplateStore::Parsed, std::shared_ptr<const Kind>>> TemplateStore::Parse(sql::Transaction& tx,
                                                                                                  const std::set<Parsed>& wanted) {
  std::map<Parsed, std::shared_ptr<const Kind>> found;
  std::set<std::string> missing;
  {
    absl::MutexLock lock(&mutex_);
    for (const Parsed& one : wanted) {
      const auto known = parsed_.find(one);
      if (known == parsed_.end()) {
        missing.insert(one.second);
      } else {
        found.insert(*known);
      }
    }
  }
  REMATCH_ASSIGN_OR_RETURN(const auto sources, ReadSources(tx, missing));
  for (const Parsed& one : wanted) {
    if (found.contains(one)) continue;
    const auto source = sources.find(one.second);
    // What cannot be read, or not by this release, must not keep the message from going out.
    Violations ignored;
    found[one] = source == sources.end() ? nullptr : release_.MakeOwn(ignored, "source", one.first, source->second);
  }
  absl::MutexLock lock(&mutex_);
  if (parsed_.size() + found.size() > kMaxParsed) parsed_.clear();
  parsed_.insert(found.begin(), found.end());
  return found;
}

absl::StatusOr<v1::TemplateVersion> TemplateStore::Find(const TemplateKey& key, int64_t version) {
  v1::TemplateVersion found;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const auto heads, ReadHeads(tx, {key}));
    Head head;
    if (version != 0) {
      REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               tx.Query("SELECT version, hash, created, creator FROM program_template_versions WHERE consortium = ? AND"
                                        " program = ? AND kind = ? AND version = ?",
                                        {key.consortium, key.program, key.kind, version}));
      if (rows.empty()) return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such version");
      head = ToHead(rows[0], 0);
    }
    found = ToProto(key, head);
    found.set_active(version == (heads.empty() ? 0 : heads.begin()->second.version));
    const Kind* words = release_.Find(key.kind);
    std::shared_ptr<const Kind> own;
    if (head.hash.empty()) {
      if (words == nullptr && version == 0) return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such template");
    } else {
      REMATCH_ASSIGN_OR_RETURN(const auto sources, ReadSources(tx, {head.hash}));
      if (const auto source = sources.find(head.hash); source != sources.end()) *found.mutable_source() = source->second;
      REMATCH_ASSIGN_OR_RETURN(const auto parsed, Parse(tx, {{key.kind, head.hash}}));
      own = parsed.begin()->second;
      words = own.get();
    }
    found.set_unusable(words == nullptr);
    if (words == nullptr) return absl::OkStatus();
    for (const std::string& variable : words->variables) found.add_variables(variable);
    if (head.hash.empty()) {
      found.mutable_source()->set_subject(words->subject);
      found.mutable_source()->set_text(words->text);
      found.mutable_source()->set_html(words->html);
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::vector<v1::TemplateVersion>> TemplateStore::List(const TemplateKey& key, const Position& after, int limit) {
  std::string where = " WHERE consortium = ? AND program = ?";
  std::vector<Value> values = {key.consortium, key.program};
  if (!key.kind.empty()) {
    where += " AND kind = ?";
    values.emplace_back(key.kind);
  }
  const std::string newest = "SELECT kind, version FROM program_templates" + where;
  const std::vector<Value> of_newest = values;
  if (after.version != 0) {
    where += " AND kind >= ? AND (kind > ? OR version < ?)";
    values.insert(values.end(), {after.kind, after.kind, after.version});
  }
  values.emplace_back(int64_t{limit});
  std::vector<v1::TemplateVersion> found;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    found.clear();
    std::map<std::string, int64_t> active;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> heads, tx.Query(newest, of_newest));
    for (const Row& row : heads) active[row.Text(0)] = row.Int(1);
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query(absl::StrCat("SELECT kind, version, hash, created, creator FROM program_template_versions", where,
                                                   " ORDER BY kind, version DESC LIMIT ?"),
                                      values));
    for (const Row& row : rows) {
      found.push_back(ToProto({.consortium = key.consortium, .program = key.program, .kind = row.Text(0)}, ToHead(row, 1)));
      found.back().set_active(row.Int(1) == active[row.Text(0)]);
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<v1::TemplateVersion> TemplateStore::Foresee(const PublishTemplate& publication) {
  v1::TemplateVersion answer;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const auto heads, ReadHeads(tx, {publication.target}));
    Head head = heads.empty() ? Head() : heads.begin()->second;
    if (std::string hash = HashOf(publication); hash != head.hash) {
      head = {.version = head.version + 1, .hash = std::move(hash), .created = sql::ToMicros(clock_.Now()), .creator = publication.creator};
    }
    answer = ToProto(publication.target, head);
    answer.set_active(true);
    return absl::OkStatus();
  }));
  return answer;
}

absl::StatusOr<std::shared_ptr<const Kind>> TemplateStore::Words(const TemplateKey& key) {
  std::shared_ptr<const Kind> words;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    Batch read(tx, 0, *this);
    REMATCH_RETURN_IF_ERROR(read.Load({key}));
    words = read.Of(key).own;
    return absl::OkStatus();
  }));
  return words;
}

absl::Status TemplateStore::Batch::Lock(const std::set<TemplateKey>& published) {
  if (published.empty()) return absl::OkStatus();
  // Two that are the first of a program and kind meet at their row.
  RowWriter insert(absl::StrCat("INSERT IGNORE INTO program_templates (", kHeadColumns, ")"), kHeadColumnCount);
  for (const TemplateKey& key : published) insert.Add(ToValues(key, {}));
  REMATCH_RETURN_IF_ERROR(insert.Write(tx_));
  REMATCH_ASSIGN_OR_RETURN(heads_, ReadHeads(tx_, published, " ORDER BY consortium, program, kind FOR UPDATE"));
  return absl::OkStatus();
}

absl::Status TemplateStore::Batch::Load(const std::set<TemplateKey>& said) {
  std::set<TemplateKey> unknown;
  for (const TemplateKey& key : said) {
    if (!heads_.contains(key)) unknown.insert(key);
  }
  REMATCH_ASSIGN_OR_RETURN(auto read, ReadHeads(tx_, unknown));
  heads_.merge(std::move(read));
  std::set<Parsed> wanted;
  for (const TemplateKey& key : said) {
    const auto head = heads_.find(key);
    if (head != heads_.end() && !head->second.hash.empty()) wanted.insert({key.kind, head->second.hash});
  }
  REMATCH_ASSIGN_OR_RETURN(const auto parsed, store_.Parse(tx_, wanted));
  for (const TemplateKey& key : said) {
    const auto head = heads_.find(key);
    if (head == heads_.end()) continue;
    if (const auto own = parsed.find({key.kind, head->second.hash}); own != parsed.end()) own_[key] = own->second;
  }
  return absl::OkStatus();
}

std::string TemplateStore::Batch::Apply(const PublishTemplate& publication) {
  Head& head = heads_.at(publication.target);
  if (std::string hash = HashOf(publication); hash != head.hash) {
    head = {.version = head.version + 1, .hash = std::move(hash), .created = now_, .creator = publication.creator};
    made_.emplace_back(publication.target, head);
    own_[publication.target] = publication.own;
    if (publication.own != nullptr) sources_[head.hash] = publication.source.SerializeAsString();
  }
  v1::TemplateVersion answer = ToProto(publication.target, head);
  answer.set_active(true);
  return answer.SerializeAsString();
}

TemplateStore::Batch::Saying TemplateStore::Batch::Of(const TemplateKey& key) const {
  const auto own = own_.find(key);
  if (own == own_.end() || own->second == nullptr) return {};
  return {.version = heads_.at(key).version, .own = own->second};
}

absl::Status TemplateStore::Batch::Save() {
  RowWriter sources("INSERT IGNORE INTO template_sources (hash, source)", 2);
  for (const auto& [hash, bytes] : sources_) sources.Add({hash, sql::Bytes{bytes}});
  RowWriter versions(absl::StrCat("INSERT INTO program_template_versions (", kHeadColumns, ")"), kHeadColumnCount);
  std::set<TemplateKey> changed;
  for (const auto& [key, made] : made_) {
    versions.Add(ToValues(key, made));
    changed.insert(key);
  }
  RowWriter heads(absl::StrCat("INSERT INTO program_templates (", kHeadColumns, ")"), kHeadColumnCount,
                  " ON DUPLICATE KEY UPDATE version = VALUES(version), hash = VALUES(hash), created = VALUES(created),"
                  " creator = VALUES(creator)");
  for (const TemplateKey& key : changed) heads.Add(ToValues(key, heads_.at(key)));
  REMATCH_RETURN_IF_ERROR(sources.Write(tx_));
  REMATCH_RETURN_IF_ERROR(versions.Write(tx_));
  return heads.Write(tx_);
}

}  // namespace rematch::notify
