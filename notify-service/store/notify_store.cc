#include "notify-service/store/notify_store.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "notify-service/domain/reasons.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"
#include "platform/strings.h"
#include "platform/timestamps.h"

namespace rematch::notify {

std::string SendId(const Key& key) { return absl::StrCat(key.consortium, "/", key.id); }

namespace {

using sql::Row;
using sql::Transaction;
using sql::Value;

// A notification as a batch sees it.
struct Entry {
  std::string maker;
  int64_t created = 0;
  std::string origin = {};
  std::string readers = {};  // one a line
  std::string content_hash = {};
  std::string message_id = {};
  Progress progress = {};
};

// Its row of `sends`.
struct Send {
  int64_t accepted = 0;
  int64_t due = 0;
  std::string owner;
  int64_t epoch = 0;
  int64_t begun = 0;
};

constexpr absl::string_view kEntryColumns =
    "n.consortium, n.id, n.maker, n.created, n.origin, n.readers, n.content_hash, n.message_id, n.state, n.cancel_asked, n.attempts,"
    " n.beginnings, n.tries, n.resends, n.pauses, n.last_error, n.queued, n.ended, n.may_have_arrived";
constexpr size_t kEntryColumnCount = 19;
constexpr absl::string_view kEntryTable =
    "INTO notifications (consortium, id, maker, created, origin, readers, content_hash, message_id, state, cancel_asked, attempts,"
    " beginnings, tries, resends, pauses, last_error, queued, ended, may_have_arrived)";

std::vector<Value> ToValues(const Key& key, const Entry& entry) {
  const Progress& p = entry.progress;
  return {key.consortium,
          key.id,
          entry.maker,
          entry.created,
          entry.origin,
          entry.readers,
          entry.content_hash,
          entry.message_id,
          static_cast<int64_t>(p.state),
          int64_t{p.cancel_asked},
          p.attempts,
          p.beginnings,
          p.tries,
          p.resends,
          p.pauses,
          p.last_error,
          sql::ToMicros(p.queued),
          sql::ToMicros(p.end),
          int64_t{p.may_have_arrived}};
}

Entry ToEntry(const Row& row) {
  return {.maker = row.Text(2),
          .created = row.Int(3),
          .origin = row.Text(4),
          .readers = row.Text(5),
          .content_hash = row.Text(6),
          .message_id = row.Text(7),
          .progress = {.state = static_cast<State>(row.Int(8)),
                       .cancel_asked = row.Int(9) != 0,
                       .attempts = row.Int(10),
                       .beginnings = row.Int(11),
                       .tries = row.Int(12),
                       .resends = row.Int(13),
                       .pauses = row.Int(14),
                       .last_error = row.Text(15),
                       .queued = sql::FromMicros(row.Int(16)),
                       .end = sql::FromMicros(row.Int(17)),
                       .may_have_arrived = row.Int(18) != 0}};
}

v1::Notification ToProto(const Key& key, const Entry& entry) {
  v1::Notification out;
  out.set_name(NotificationName(key.consortium, key.id));
  out.set_origin(entry.origin);
  for (const absl::string_view reader : absl::StrSplit(entry.readers, '\n', absl::SkipEmpty())) out.add_readers(std::string(reader));
  out.set_state(PublicState(entry.progress));
  out.set_attempts(static_cast<int32_t>(entry.progress.attempts));
  out.set_message_id(entry.message_id);
  *out.mutable_create_time() = platform::ToTimestamp(sql::FromMicros(entry.created));
  if (entry.progress.end != absl::InfiniteFuture()) *out.mutable_end_time() = platform::ToTimestamp(entry.progress.end);
  out.set_last_error(entry.progress.last_error);
  out.set_may_have_arrived(entry.progress.state == State::kFailed && entry.progress.may_have_arrived);
  return out;
}

void SetAddress(v1::Address& out, const stored::Address& address) {
  out.set_display_name(address.display_name());
  out.set_email(address.email());
}

void AddContent(v1::Notification& out, const std::string& bytes) {
  stored::Content content;
  content.ParseFromString(bytes);
  if (content.template_().empty()) return;  // barred before it was sent
  out.set_template_(std::move(*content.mutable_template_()));
  SetAddress(*out.mutable_to(), content.to());
  if (content.has_reply_to()) SetAddress(*out.mutable_reply_to(), content.reply_to());
  *out.mutable_variables() = std::move(*content.mutable_variables());
  out.set_subject(std::move(*content.mutable_subject()));
  out.set_program(std::move(*content.mutable_program()));
  out.set_template_version(content.template_version());
}

Mailbox ToMailbox(const stored::Address& address) { return {.display_name = address.display_name(), .email = address.email()}; }

// A condition on table n, with its values. Two lists rather than pairs, which not every dialect takes: with several consortia it finds
// a superset of `keys`.
std::pair<std::string, std::vector<Value>> WhereKeys(const std::set<Key>& keys) {
  std::set<std::string> consortia_seen;
  std::vector<Value> consortia;
  std::vector<Value> values;
  for (const Key& key : keys) {
    if (consortia_seen.insert(key.consortium).second) consortia.emplace_back(key.consortium);
    values.emplace_back(key.id);
  }
  sql::PadInList(consortia);
  sql::PadInList(values);
  std::string where = absl::StrCat(" WHERE n.consortium IN ", sql::InList(consortia.size()), " AND n.id IN ", sql::InList(values.size()));
  values.insert(values.begin(), consortia.begin(), consortia.end());
  return {std::move(where), std::move(values)};
}

// The message that a command is about; nullptr for none.
const Key* KeyOf(const Command& command) {
  return std::visit(
      [](const auto& c) -> const Key* {
        if constexpr (requires { c.key(); }) {
          return &c.key();
        } else {
          return nullptr;
        }
      },
      command);
}

absl::Status ClaimLost() { return Error(absl::StatusCode::kAborted, reason::kClaimLost, "the claim on this message is over"); }

// One batch: loads what its commands name, applies them in order in memory, writes one statement per table.
class Batch {
 public:
  Batch(Transaction& tx, TemplateStore& templates, int64_t now, std::string maker, const std::string& replica, const SendPolicy& policy,
        platform::Random& random)
      : tx_(tx),
        release_(templates.release()),
        templates_(tx, now, templates),
        now_(now),
        maker_(std::move(maker)),
        replica_(replica),
        policy_(policy),
        random_(random) {}

  absl::Status Load(absl::Span<Command* const> batch) {
    std::map<Key, Entry> made;  // sorted: every batch inserts in the same order
    std::set<Key> keys;
    std::vector<Value> send_ids;
    std::set<TemplateKey> published;
    for (const Command* command : batch) {
      if (const auto* publication = std::get_if<PublishTemplate>(command)) published.insert(publication->target);
      const Key* const about = KeyOf(*command);
      if (about == nullptr) continue;
      const Key& key = *about;
      keys.insert(key);
      if (std::holds_alternative<BeginSend>(*command) || std::holds_alternative<FinishSend>(*command) ||
          std::holds_alternative<CallBack>(*command)) {
        send_ids.emplace_back(SendId(key));
      }
      // What the row is if there is none yet: the first command of the batch decides.
      if (const auto* accept = std::get_if<Accept>(command)) {
        made.try_emplace(key, Entry{.maker = maker_,
                                    .created = now_,
                                    .origin = accept->draft.origin,
                                    .readers = absl::StrJoin(accept->draft.readers, "\n"),
                                    .content_hash = accept->draft.content_hash,
                                    .message_id = accept->message_id,
                                    .progress = {.queued = sql::FromMicros(now_)}});
      } else if (std::holds_alternative<CallBack>(*command)) {
        made.try_emplace(key,
                         Entry{.maker = maker_, .created = now_, .progress = {.state = State::kCancelled, .end = sql::FromMicros(now_)}});
      }
    }
    REMATCH_RETURN_IF_ERROR(LoadEntries(keys));
    REMATCH_RETURN_IF_ERROR(Make(std::move(made)));
    REMATCH_RETURN_IF_ERROR(LoadSends(std::move(send_ids)));
    REMATCH_RETURN_IF_ERROR(templates_.Lock(published));
    std::set<TemplateKey> said;  // by messages that are new, in the words of a program
    for (const Command* command : batch) {
      const auto* accept = std::get_if<Accept>(command);
      if (accept == nullptr || accept->draft.words.program.empty() || entries_.at(accept->key()).maker != maker_) continue;
      said.insert(accept->draft.words);
    }
    return templates_.Load(said);
  }

  absl::StatusOr<std::string> Apply(Command& command) {
    return std::visit([this](auto& c) { return On(c); }, command);
  }

  absl::Status Write() {
    REMATCH_RETURN_IF_ERROR(WriteEntries());
    REMATCH_RETURN_IF_ERROR(WriteContents());
    REMATCH_RETURN_IF_ERROR(WriteSends());
    REMATCH_RETURN_IF_ERROR(templates_.Save());
    return WriteDeliveries();
  }

  bool has_deliveries() const { return !deliveries_.empty(); }
  bool has_own_sends() const { return has_own_sends_; }

 private:
  struct Accepted {
    const Accept* command;
    TemplateStore::Batch::Saying saying;
  };
  struct NewDelivery {
    Key key;
    v1::Notification::State state;
    bool may_have_arrived;
  };

  absl::Status LoadEntries(const std::set<Key>& keys) {
    if (keys.empty()) return absl::OkStatus();
    const auto [where, values] = WhereKeys(keys);
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx_.Query(absl::StrCat("SELECT ", kEntryColumns, " FROM notifications n", where,
                                                                                 " ORDER BY n.consortium, n.id FOR UPDATE"),
                                                                    values));
    for (const Row& row : rows) {
      Key key{.consortium = row.Text(0), .id = row.Text(1)};
      if (keys.contains(key)) entries_.insert_or_assign(std::move(key), ToEntry(row));
    }
    return absl::OkStatus();
  }

  // Inserts those of `made` that are not there. Rows that are there were locked before, since batches that lock some rows, then insert,
  // then lock others would wait for one another.
  absl::Status Make(std::map<Key, Entry> made) {
    std::set<Key> keys;
    sql::RowWriter writer(absl::StrCat("INSERT IGNORE ", kEntryTable), kEntryColumnCount);
    for (const auto& [key, entry] : made) {
      if (entries_.contains(key)) continue;
      keys.insert(key);
      writer.Add(ToValues(key, entry));
    }
    REMATCH_ASSIGN_OR_RETURN(const int64_t inserted, writer.WriteCounting(tx_));
    // Somebody made some of them in between: theirs count, and are locked by now.
    if (inserted != static_cast<int64_t>(keys.size())) return LoadEntries(keys);
    for (const Key& key : keys) entries_.emplace(key, std::move(made.at(key)));
    return absl::OkStatus();
  }

  absl::Status LoadSends(std::vector<Value> send_ids) {
    if (send_ids.empty()) return absl::OkStatus();
    sql::PadInList(send_ids);
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<Row> sends,
        tx_.Query(absl::StrCat("SELECT consortium, notification, accepted, due, owner, epoch, begun FROM sends WHERE id IN ",
                               sql::InList(send_ids.size()), " ORDER BY id FOR UPDATE"),
                  send_ids));
    for (const Row& row : sends) {
      sends_.emplace(Key{.consortium = row.Text(0), .id = row.Text(1)},
                     Send{.accepted = row.Int(2), .due = row.Int(3), .owner = row.Text(4), .epoch = row.Int(5), .begun = row.Int(6)});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> On(Accept& command) {
    Entry& entry = entries_.at(command.key());
    if (entry.maker == maker_ && entry.progress.state == State::kQueued && !accepted_.contains(command.key())) {
      accepted_.emplace(command.key(), Accepted{.command = &command, .saying = templates_.Of(command.draft.words)});
      Enqueue(command.key(), entry);
    } else if (entry.content_hash.empty() || entry.progress.state == State::kCancelled) {
      return Error(absl::StatusCode::kFailedPrecondition, reason::kNotificationCancelled, "this notification was cancelled");
    } else if (entry.content_hash != command.draft.content_hash) {
      return Error(absl::StatusCode::kAlreadyExists, reason::kNotificationExists, "this key was used for another message");
    }
    return ToProto(command.key(), entry).SerializeAsString();
  }

  absl::StatusOr<std::string> On(PublishTemplate& command) { return templates_.Apply(command); }

  absl::StatusOr<std::string> On(CallBack& command) {
    Entry& entry = entries_.at(command.key());
    const bool barred_now = entry.maker == maker_ && entry.content_hash.empty() && barred_.insert(command.key()).second;
    const v1::Notification::State before = barred_now ? v1::Notification::STATE_UNSPECIFIED : PublicState(entry.progress);
    Cancel(entry.progress, sql::FromMicros(now_));
    Changed(command.key(), entry, before);
    if (HasEnded(entry.progress.state)) Dequeue(command.key());
    return ToProto(command.key(), entry).SerializeAsString();
  }

  absl::StatusOr<std::string> On(TryAgain& command) {
    const auto found = entries_.find(command.key());
    if (found == entries_.end()) return Error(absl::StatusCode::kNotFound, rematch::reason::kNotFound, "no such notification");
    Entry& entry = found->second;
    const v1::Notification::State before = PublicState(entry.progress);
    REMATCH_RETURN_IF_ERROR(Retry(entry.progress, sql::FromMicros(now_)));
    Enqueue(command.key(), entry);
    Changed(command.key(), entry, before);
    return ToProto(command.key(), entry).SerializeAsString();
  }

  absl::StatusOr<std::string> On(ComeBack& command) {
    const auto found = entries_.find(command.key());
    if (found == entries_.end()) return Error(absl::StatusCode::kNotFound, rematch::reason::kNotFound, "no such notification");
    Entry& entry = found->second;
    const v1::Notification::State before = PublicState(entry.progress);
    REMATCH_RETURN_IF_ERROR(Bounce(entry.progress, sql::FromMicros(now_)));
    Changed(command.key(), entry, before);
    return ToProto(command.key(), entry).SerializeAsString();
  }

  absl::StatusOr<std::string> On(BeginSend& command) {
    const auto found = entries_.find(command.key());
    if (found == entries_.end() || !Owns(command.key(), command.epoch) || HasEnded(found->second.progress.state)) return ClaimLost();
    Entry& entry = found->second;
    const v1::Notification::State before = PublicState(entry.progress);
    const Beginning beginning = Begin(entry.progress, policy_);
    Changed(command.key(), entry, before);
    sends_.at(command.key()).begun = entry.progress.beginnings;
    changed_sends_.insert(command.key());
    stored::Begun begun;
    begun.set_settle(beginning.settle);
    begun.set_may_send(beginning.may_send);
    begun.set_may_resend(beginning.may_resend);
    begun.set_beginning(entry.progress.beginnings);
    return begun.SerializeAsString();
  }

  absl::StatusOr<std::string> On(FinishSend& command) {
    const auto found = entries_.find(command.key());
    if (found == entries_.end() || !Owns(command.key(), command.epoch) || found->second.progress.beginnings != command.beginning) {
      return ClaimLost();
    }
    Entry& entry = found->second;
    const v1::Notification::State before = PublicState(entry.progress);
    const absl::Time again = Finish(entry.progress, command.outcome, policy_, sql::FromMicros(now_), random_.Next());
    Changed(command.key(), entry, before);
    if (again == absl::InfiniteFuture()) {
      Dequeue(command.key());
    } else {
      // Anybody's from now on: who is alive by then takes it.
      Send& send = sends_.at(command.key());
      send.due = sql::ToMicros(again);
      send.owner.clear();
      changed_sends_.insert(command.key());
    }
    return std::string();
  }

  bool Owns(const Key& key, int64_t epoch) const {
    const auto send = sends_.find(key);
    return send != sends_.end() && send->second.owner == replica_ && send->second.epoch == epoch && !ended_sends_.contains(key);
  }

  // Ready to be sent, by this replica: no polling lies between the commit and the first attempt.
  void Enqueue(const Key& key, const Entry& entry) {
    sends_.insert_or_assign(
        key, Send{.accepted = entry.created, .due = now_, .owner = replica_, .epoch = 1, .begun = entry.progress.beginnings});
    changed_sends_.insert(key);
    ended_sends_.erase(key);
    has_own_sends_ = true;
  }

  void Dequeue(const Key& key) {
    changed_sends_.erase(key);
    if (sends_.contains(key)) ended_sends_.insert(key);
  }

  void Changed(const Key& key, const Entry& entry, v1::Notification::State before) {
    changed_.insert(key);
    const v1::Notification::State state = PublicState(entry.progress);
    if (state == before) return;
    deliveries_.push_back(
        {.key = key, .state = state, .may_have_arrived = state == v1::Notification::FAILED && entry.progress.may_have_arrived});
  }

  absl::Status WriteEntries() {
    sql::RowWriter writer(
        absl::StrCat("INSERT ", kEntryTable), kEntryColumnCount,
        " ON DUPLICATE KEY UPDATE state = VALUES(state), cancel_asked = VALUES(cancel_asked), attempts = VALUES(attempts),"
        " beginnings = VALUES(beginnings), tries = VALUES(tries), resends = VALUES(resends), pauses = VALUES(pauses),"
        " last_error = VALUES(last_error), queued = VALUES(queued), ended = VALUES(ended),"
        " may_have_arrived = VALUES(may_have_arrived)");
    for (const Key& key : changed_) writer.Add(ToValues(key, entries_.at(key)));
    return writer.Write(tx_);
  }

  absl::Status WriteContents() {
    constexpr size_t kColumns = 5;
    sql::RowWriter writer("INSERT INTO contents (consortium, id, content, text_body, html_body)", kColumns);
    for (const auto& [key, accepted] : accepted_) {
      const Draft& draft = accepted.command->draft;
      if (accepted.saying.own == nullptr) {
        writer.Add({key.consortium, key.id, sql::Bytes{draft.content.SerializeAsString()}, sql::Bytes{draft.text_body},
                    sql::Bytes{draft.html_body}});
        continue;
      }
      Rendered own = release_.Render(*accepted.saying.own, {draft.content.variables().begin(), draft.content.variables().end()});
      stored::Content content = draft.content;
      content.set_subject(std::move(own.subject));
      content.set_template_version(accepted.saying.version);
      writer.Add({key.consortium, key.id, sql::Bytes{content.SerializeAsString()}, sql::Bytes{std::move(own.text)},
                  sql::Bytes{std::move(own.html)}});
    }
    return writer.Write(tx_);
  }

  absl::Status WriteSends() {
    constexpr size_t kColumns = 8;
    sql::RowWriter writer(
        "INSERT INTO sends (id, consortium, notification, accepted, due, owner, epoch, begun)", kColumns,
        " ON DUPLICATE KEY UPDATE due = VALUES(due), owner = VALUES(owner), epoch = VALUES(epoch), begun = VALUES(begun)");
    for (const Key& key : changed_sends_) {
      const Send& send = sends_.at(key);
      writer.Add({SendId(key), key.consortium, key.id, send.accepted, send.due, send.owner, send.epoch, send.begun});
    }
    REMATCH_RETURN_IF_ERROR(writer.Write(tx_));
    if (ended_sends_.empty()) return absl::OkStatus();
    std::vector<Value> ids;
    for (const Key& key : ended_sends_) ids.emplace_back(SendId(key));
    const auto count = static_cast<int64_t>(ids.size());
    sql::PadInList(ids);
    const std::string list = sql::InList(ids.size());
    ids.emplace_back(count);
    // The LIMIT is as many as there are: without it a server that thinks little of the table's length reads all of it, and waits for rows
    // of other batches, which wait for this one's.
    return tx_.Execute(absl::StrCat("DELETE FROM sends WHERE id IN ", list, " LIMIT ?"), ids).status();
  }

  absl::Status WriteDeliveries() {
    if (deliveries_.empty()) return absl::OkStatus();
    const auto count = static_cast<int64_t>(deliveries_.size());
    REMATCH_RETURN_IF_ERROR(tx_.Execute("UPDATE feed_position SET next = next + ? WHERE name = 'deliveries'", {count}).status());
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx_.Query("SELECT next FROM feed_position WHERE name = 'deliveries'"));
    if (rows.empty()) return sql::StoreError(sql::Failure::kSplit, "the feed's counter is gone");
    int64_t position = rows[0].Int(0) - count;
    constexpr size_t kColumns = 7;
    sql::RowWriter writer("INSERT INTO deliveries (position, consortium, notification, origin, state, may_have_arrived, time)", kColumns);
    for (const NewDelivery& delivery : deliveries_) {
      writer.Add({position++, delivery.key.consortium, delivery.key.id, entries_.at(delivery.key).origin,
                  static_cast<int64_t>(delivery.state), int64_t{delivery.may_have_arrived}, now_});
    }
    return writer.Write(tx_);
  }

  Transaction& tx_;
  const Templates& release_;
  TemplateStore::Batch templates_;
  const int64_t now_;
  const std::string maker_;
  const std::string& replica_;
  const SendPolicy& policy_;
  platform::Random& random_;
  std::map<Key, Entry> entries_;
  std::map<Key, Send> sends_;
  std::map<Key, Accepted> accepted_;
  std::set<Key> barred_;
  std::set<Key> changed_;
  std::set<Key> changed_sends_;
  std::set<Key> ended_sends_;
  std::vector<NewDelivery> deliveries_;
  bool has_own_sends_ = false;
};

}  // namespace

absl::StatusOr<BatchResult> NotifyStore::Run(Transaction& tx, absl::Span<Command* const> batch) {
  Batch work(tx, templates_, sql::ToMicros(clock_.Now()), absl::StrCat(absl::Hex(random_.Next(), absl::kZeroPad16)), replica_, policy_,
             random_);
  REMATCH_RETURN_IF_ERROR(work.Load(batch));
  BatchResult result;
  result.replies.reserve(batch.size());
  for (Command* command : batch) result.replies.push_back(work.Apply(*command));
  REMATCH_RETURN_IF_ERROR(work.Write());
  result.committed = [this, sends = work.has_own_sends(), deliveries = work.has_deliveries()] {
    if (sends && wakes_.sends) wakes_.sends();
    if (deliveries && wakes_.deliveries) wakes_.deliveries();
  };
  return result;
}

absl::StatusOr<std::map<Key, v1::Notification>> NotifyStore::Find(Transaction& tx, const std::set<Key>& keys) {
  const auto [where, values] = WhereKeys(keys);
  REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows,
                           tx.Query(absl::StrCat("SELECT ", kEntryColumns,
                                                 ", c.content, c.text_body, c.html_body FROM notifications n LEFT JOIN contents c"
                                                 " ON c.consortium = n.consortium AND c.id = n.id",
                                                 where),
                                    values));
  std::map<Key, v1::Notification> found;
  for (Row& row : rows) {
    Key key{.consortium = row.Text(0), .id = row.Text(1)};
    if (!keys.contains(key)) continue;
    v1::Notification one = ToProto(key, ToEntry(row));
    AddContent(one, row.Text(kEntryColumnCount));
    one.set_text_body(row.TakeText(kEntryColumnCount + 1));
    one.set_html_body(row.TakeText(kEntryColumnCount + 2));
    found.emplace(std::move(key), std::move(one));
  }
  return found;
}

absl::StatusOr<std::vector<NotifyStore::Listed>> NotifyStore::List(const std::string& consortium, const std::string& origin,
                                                                   const std::optional<ListPosition>& after, int limit) {
  std::vector<Listed> found;
  std::string statement =
      absl::StrCat("SELECT ", kEntryColumns,
                   ", c.content FROM notifications n LEFT JOIN contents c ON c.consortium = n.consortium AND c.id = n.id"
                   " WHERE n.consortium = ?");
  std::vector<Value> values = {consortium};
  if (!origin.empty()) {
    statement += " AND n.origin = ?";
    values.emplace_back(origin);
  }
  if (after.has_value()) {
    statement += " AND n.created <= ? AND (n.created < ? OR n.id < ?)";
    values.emplace_back(after->created);
    values.emplace_back(after->created);
    values.emplace_back(after->id);
  }
  statement += " ORDER BY n.created DESC, n.id DESC LIMIT ?";
  values.emplace_back(int64_t{limit});
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](Transaction& tx) -> absl::Status {
    found.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, values));
    for (const Row& row : rows) {
      const Key key{.consortium = row.Text(0), .id = row.Text(1)};
      found.push_back({.position = {.created = row.Int(3), .id = key.id}, .notification = ToProto(key, ToEntry(row))});
      AddContent(found.back().notification, row.Text(kEntryColumnCount));
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::vector<v1::Delivery>> NotifyStore::Deliveries(const std::string& consortium, int64_t position, int limit) {
  std::vector<v1::Delivery> found;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](Transaction& tx) -> absl::Status {
    found.clear();
    std::vector<Value> values = {position};
    if (!consortium.empty()) values.emplace_back(consortium);
    values.emplace_back(int64_t{limit});
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<Row> rows,
        tx.Query(absl::StrCat("SELECT position, consortium, notification, origin, state, may_have_arrived, time FROM deliveries"
                              " WHERE position > ?",
                              consortium.empty() ? "" : " AND consortium = ?", " ORDER BY position LIMIT ?"),
                 values));
    for (const Row& row : rows) {
      v1::Delivery& one = found.emplace_back();
      one.set_position(row.Int(0));
      one.set_notification(NotificationName(row.Text(1), row.Text(2)));
      one.set_origin(row.Text(3));
      one.set_state(static_cast<v1::Notification::State>(row.Int(4)));
      one.set_may_have_arrived(row.Int(5) != 0);
      *one.mutable_time() = platform::ToTimestamp(sql::FromMicros(row.Int(6)));
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<NotifyStore::Due> NotifyStore::OwnDue(absl::Time now, size_t limit) {
  Due found;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](Transaction& tx) -> absl::Status {
    found = {};
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query("SELECT consortium, notification, epoch, due FROM sends WHERE owner = ? ORDER BY due LIMIT ?",
                                      {replica_, static_cast<int64_t>(limit)}));
    for (const Row& row : rows) {
      const absl::Time due = sql::FromMicros(row.Int(3));
      if (due > now) {
        found.next = due;
        break;
      }
      found.now.push_back({.key = {.consortium = row.Text(0), .id = row.Text(1)}, .epoch = row.Int(2), .due = due});
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::map<Key, Message>> NotifyStore::Messages(const std::vector<Key>& keys) {
  const std::pair<std::string, std::vector<Value>> where = WhereKeys({keys.begin(), keys.end()});
  std::map<Key, Message> found;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](Transaction& tx) -> absl::Status {
    found.clear();
    REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows,
                             tx.Query(absl::StrCat("SELECT n.consortium, n.id, n.message_id, n.created, c.content, c.text_body, c.html_body"
                                                   " FROM notifications n JOIN contents c ON c.consortium = n.consortium AND c.id = n.id",
                                                   where.first),
                                      where.second));
    for (Row& row : rows) {
      stored::Content content;
      if (!content.ParseFromString(row.Text(4)) || content.to().email().empty()) continue;
      found.emplace(Key{.consortium = row.Text(0), .id = row.Text(1)}, Message{.from = {},
                                                                               .to = ToMailbox(content.to()),
                                                                               .reply_to = ToMailbox(content.reply_to()),
                                                                               .message_id = row.Text(2),
                                                                               .date = sql::FromMicros(row.Int(3)),
                                                                               .subject = content.subject(),
                                                                               .text = row.TakeText(5),
                                                                               .html = row.TakeText(6)});
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<absl::Time> NotifyStore::Oldest() {
  absl::Time oldest;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT MIN(accepted) FROM sends"));
    oldest = rows.empty() || rows[0].IsNull(0) ? absl::InfiniteFuture() : sql::FromMicros(rows[0].Int(0));
    return absl::OkStatus();
  }));
  return oldest;
}

}  // namespace rematch::notify
