#include "bench/floor.h"

#include <algorithm>
#include <fstream>
#include <iostream>

#include <cppconn/connection.h>
#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <grpcpp/grpcpp.h>
#include <mysql_driver.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "bench/echo.h"
#include "platform/errors.h"
#include "platform/executor.h"
#include "platform/rpc/call.h"
#include "platform/sql/mysql_url.h"
#include "rematch/mentor/v1/service.grpc.pb.h"
#include "rematch/notify/v1/service.grpc.pb.h"
#include "rematch/request/v1/service.grpc.pb.h"
#include "request-service/domain/case.pb.h"
#include "request-service/rpc/convert.h"

namespace rematch::bench {
namespace {

constexpr char kSchema[] = "floor_service";
constexpr size_t kMostQueued = 100'000;
constexpr absl::Duration kPatience = absl::Minutes(5);  // with the server that makes the tables

constexpr std::pair<Sample::Kind, const char*> kKinds[] = {
    {Sample::Kind::kInsert, "insert"}, {Sample::Kind::kUpdate, "update"}, {Sample::Kind::kRead, "read"}};

std::vector<std::string> LinesOf(const std::string& text) { return absl::StrSplit(text, '\n'); }

std::string IdIn(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// --- Reads: one SELECT each, on a connection of the thread's own ---

class Reads {
 public:
  explicit Reads(const sql::MysqlUrl& url, std::string password) : url_(url), password_(std::move(password)) {}

  // The row of `statement` with these parameters is handed to `read`; NOT_FOUND without one.
  template <typename Read>
  grpc::Status One(const std::string& statement, const std::vector<std::string>& parameters, Read read) const {
    struct Connected {
      std::unique_ptr<::sql::Connection> connection;
      std::map<std::string, std::unique_ptr<::sql::PreparedStatement>> prepared;
    };
    static thread_local Connected mine;
    try {
      if (mine.connection == nullptr) mine.connection = Connect();
      std::unique_ptr<::sql::PreparedStatement>& prepared = mine.prepared[statement];
      if (prepared == nullptr) prepared.reset(mine.connection->prepareStatement(statement));
      for (size_t i = 0; i < parameters.size(); ++i) prepared->setString(static_cast<unsigned>(i) + 1, parameters[i]);
      const std::unique_ptr<::sql::ResultSet> rows(prepared->executeQuery());
      if (!rows->next()) return {grpc::StatusCode::NOT_FOUND, "no such row"};
      read(*rows);
      return grpc::Status::OK;
    } catch (const ::sql::SQLException& error) {
      return {grpc::StatusCode::INTERNAL, error.what()};
    }
  }

 private:
  std::unique_ptr<::sql::Connection> Connect() const {
    static absl::Mutex mutex(absl::kConstInit);
    const absl::MutexLock lock(&mutex);
    ::sql::ConnectOptionsMap options;
    options["hostName"] = ::sql::SQLString(absl::StrCat("tcp://", sql::ToString(url_.hosts[0])));
    options["userName"] = ::sql::SQLString(url_.user);
    options["password"] = ::sql::SQLString(password_);
    options["schema"] = ::sql::SQLString(url_.schema);
    options["OPT_CHARSET_NAME"] = ::sql::SQLString("utf8mb4");
    return std::unique_ptr<::sql::Connection>(::sql::mysql::get_driver_instance()->connect(options));
  }

  const sql::MysqlUrl url_;
  const std::string password_;
};

// --- The server ---

struct Servers {
  FloorStore& store;
  Reads& reads;
  platform::ThreadPool& pool;

  // Runs `work` on the pool and ends the call with what it returns.
  template <typename Work>
  grpc::ServerUnaryReactor* On(grpc::CallbackServerContext* context, Work work) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    if (!pool.Run([reactor, work = std::move(work)] { reactor->Finish(work()); })) {
      reactor->Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many"});
    }
    return reactor;
  }

  template <typename Response, typename Fill>
  grpc::ServerUnaryReactor* Write(grpc::CallbackServerContext* context, const std::string& operation, Keys keys, Response* response,
                                  Fill fill) {
    return On(context, [this, operation, keys = std::move(keys), response, fill] {
      const absl::Status status = store.Write(operation, keys);
      if (!status.ok()) return grpc::Status(grpc::StatusCode::INTERNAL, sql::DetailOf(status));
      if (!response->ParseFromString(store.Reply(operation))) return grpc::Status(grpc::StatusCode::INTERNAL, "no reply");
      fill(*response);
      return grpc::Status::OK;
    });
  }
};

class Mentors final : public mentor::v1::MentorService::CallbackService {
 public:
  explicit Mentors(Servers& servers) : servers_(servers) {}
  grpc::ServerUnaryReactor* GetMentor(grpc::CallbackServerContext* context, const mentor::v1::GetMentorRequest* request,
                                      mentor::v1::Mentor* response) override {
    return servers_.On(context, [this, request, response] {
      const std::vector<std::string> parts = absl::StrSplit(request->name(), '/');
      return servers_.reads.One(
          "SELECT name, email, phone, district, programs, credentials, grade_bands, subjects, supervised_sites, "
          "capacity, interested_in_more, years_mentored, opted_out, state, assigned, held, version "
          "FROM mentors WHERE consortium = ? AND mentor = ?",
          {parts[1], parts[3]}, [&](const ::sql::ResultSet& row) {
            response->set_name(request->name());
            response->mutable_contact()->set_display_name(row.getString(1).asStdString());
            response->mutable_contact()->set_email(row.getString(2).asStdString());
            response->mutable_contact()->set_phone(row.getString(3).asStdString());
            response->set_district(absl::StrCat("consortia/", parts[1], "/districts/", row.getString(4).asStdString()));
            for (const std::string& part : LinesOf(row.getString(5).asStdString())) {
              response->add_programs(absl::StrCat("consortia/", parts[1], "/programs/", part));
            }
            for (const std::string& part : LinesOf(row.getString(6).asStdString())) response->add_credentials(part);
            for (const std::string& part : LinesOf(row.getString(7).asStdString())) response->add_grade_bands(part);
            for (const std::string& part : LinesOf(row.getString(8).asStdString())) response->add_subjects(part);
            for (const std::string& part : LinesOf(row.getString(9).asStdString())) {
              if (!part.empty()) response->add_supervised_sites(absl::StrCat("consortia/", parts[1], "/sites/", part));
            }
            response->set_capacity(row.getInt(10));
            response->set_interested_in_more(row.getInt(11) != 0);
            response->set_years_mentored(row.getInt(12));
            response->set_opted_out(row.getInt(13) != 0);
            response->set_state(static_cast<mentor::v1::Mentor::State>(row.getInt(14)));
            response->set_caseload(row.getInt(15));
            response->set_held_seats(row.getInt(16));
            response->set_etag(absl::StrCat("v", row.getInt64(17)));
          });
    });
  }
  grpc::ServerUnaryReactor* HoldSeat(grpc::CallbackServerContext* context, const mentor::v1::HoldSeatRequest* request,
                                     mentor::v1::Seat* response) override {
    return servers_.Write(context, "hold",
                          {{"@KEY", request->seat_id()}, {"@MENTOR", IdIn(request->mentor())}, {"@REQUEST", request->request_id()}},
                          response, [request](mentor::v1::Seat& seat) {
                            seat.set_name(absl::StrCat(request->parent(), "/seats/", request->seat_id()));
                            seat.set_mentor(request->mentor());
                          });
  }

 private:
  Servers& servers_;
};

class Reassignments final : public request::v1::ReassignmentService::CallbackService {
 public:
  Reassignments(Servers& servers, request::v1::EscalationPolicy policy) : servers_(servers), policy_(std::move(policy)) {}
  grpc::ServerUnaryReactor* GetReassignment(grpc::CallbackServerContext* context, const request::v1::GetReassignmentRequest* request,
                                            request::v1::Reassignment* response) override {
    return servers_.On(context, [this, request, response] {
      const std::vector<std::string> parts = absl::StrSplit(request->name(), '/');
      return servers_.reads.One(
          "SELECT c.folded, t.text FROM cases c LEFT JOIN private_texts t ON t.consortium = c.consortium AND t.case_id = c.id"
          " AND t.step = 'REASONS' WHERE c.consortium = ? AND c.id = ?",
          {parts[1], parts[5]}, [&](const ::sql::ResultSet& row) {
            request::Case stored;
            (void)stored.ParseFromString(row.getString(1).asStdString());
            *response = request::ToReassignment({.consortium = parts[1], .program = parts[3], .id = parts[5]}, stored, policy_);
            response->set_reasons(row.getString(2).asStdString());
          });
    });
  }
  grpc::ServerUnaryReactor* CreateReassignment(grpc::CallbackServerContext* context, const request::v1::CreateReassignmentRequest* request,
                                               request::v1::Reassignment* response) override {
    return servers_.Write(context, "create",
                          {{"@KEY", request->request_id()}, {"@CANDIDATE", request->candidate()}, {"@REQUEST", request->request_id()}},
                          response, [request](request::v1::Reassignment& made) {
                            made.set_name(absl::StrCat(request->parent(), "/reassignments/", request->request_id()));
                            made.set_candidate(request->candidate());
                          });
  }
  grpc::ServerUnaryReactor* RespondToOffer(grpc::CallbackServerContext* context, const request::v1::RespondToOfferRequest* request,
                                           request::v1::RespondToOfferResponse* response) override {
    return servers_.Write(context, "respond", {{"@KEY", request->reply_code()}, {"@REQUEST", request->request_id()}}, response,
                          [](request::v1::RespondToOfferResponse&) {});
  }

 private:
  Servers& servers_;
  const request::v1::EscalationPolicy policy_;  // of all cases
};

class Notifications final : public notify::v1::NotifyService::CallbackService {
 public:
  explicit Notifications(Servers& servers) : servers_(servers) {}
  grpc::ServerUnaryReactor* SendNotification(grpc::CallbackServerContext* context, const notify::v1::SendNotificationRequest* request,
                                             notify::v1::Notification* response) override {
    return servers_.Write(context, "send",
                          {{"@KEY", request->notification_id()},
                           {"@SEND", absl::StrCat(IdIn(request->parent()), "/", request->notification_id())},
                           {"@REQUEST", request->request_id()}},
                          response, [request](notify::v1::Notification& made) {
                            made.set_name(absl::StrCat(request->parent(), "/notifications/", request->notification_id()));
                          });
  }

 private:
  Servers& servers_;
};

}  // namespace

// --- FloorStore ---

absl::StatusOr<std::unique_ptr<FloorStore>> FloorStore::Open(const std::string& url) {
  REMATCH_ASSIGN_OR_RETURN(std::unique_ptr<sql::Database> database, sql::Open(url));
  std::unique_ptr<FloorStore> store(new FloorStore(std::move(database)));
  REMATCH_RETURN_IF_ERROR(store->Load());
  return store;
}

absl::Status FloorStore::Load() {
  return database_->Read([this](sql::Transaction& tx) -> absl::Status {
    operations_.clear();
    REMATCH_ASSIGN_OR_RETURN(const auto tables, tx.Query("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
                                                         "ORDER BY table_name"));
    for (const sql::Row& table : tables) {
      const std::vector<std::string> parts = absl::StrSplit(table.Text(0), '$');
      if (parts.size() != 4) continue;
      Step step;
      for (const auto& [kind, name] : kKinds) {
        if (parts[2] == name) step.kind = kind;
      }
      step.table = parts[3];
      REMATCH_ASSIGN_OR_RETURN(
          const auto columns,
          tx.Query("SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? "
                   "ORDER BY ordinal_position",
                   {table.Text(0)}));
      for (const sql::Row& column : columns) step.columns.push_back(column.Text(0));
      REMATCH_ASSIGN_OR_RETURN(const auto key,
                               tx.Query("SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND "
                                        "table_name = ? AND constraint_name = 'PRIMARY' ORDER BY ordinal_position",
                                        {step.table}));
      std::vector<std::string> where, set;
      for (const sql::Row& column : key) {
        const auto at = std::find(step.columns.begin(), step.columns.end(), column.Text(0));
        step.key.push_back(static_cast<size_t>(at - step.columns.begin()));
        where.push_back(absl::StrCat(column.Text(0), " = ?"));
      }
      for (const std::string& column : step.columns) set.push_back(absl::StrCat(column, " = ?"));
      REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query(absl::StrCat("SELECT * FROM `", table.Text(0), "`")));
      // Rows know their values only by type: the columns that are numbers are those of BIGINT.
      REMATCH_ASSIGN_OR_RETURN(
          const auto types, tx.Query("SELECT data_type FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? "
                                     "ORDER BY ordinal_position",
                                     {table.Text(0)}));
      for (const sql::Row& row : rows) {
        std::vector<sql::Value> values;
        for (size_t i = 0; i < step.columns.size(); ++i) {
          if (row.IsNull(i)) {
            values.emplace_back(std::monostate());
          } else if (types[i].Text(0) == "bigint") {
            values.emplace_back(row.Int(i));
          } else if (types[i].Text(0) == "longblob") {
            values.emplace_back(sql::Bytes{row.Text(i)});
          } else {
            values.emplace_back(row.Text(i));
          }
        }
        step.rows.push_back(std::move(values));
      }
      const bool update = step.kind == Sample::Kind::kUpdate;
      step.read = absl::StrCat("SELECT * FROM ", step.table, " WHERE ", absl::StrJoin(where, " AND "), update ? " FOR UPDATE" : "");
      step.write = update ? absl::StrCat("UPDATE ", step.table, " SET ", absl::StrJoin(set, ", "), " WHERE ", absl::StrJoin(where, " AND "))
                          : absl::StrCat("INSERT INTO ", step.table, " (", absl::StrJoin(step.columns, ", "), ") VALUES ",
                                         sql::ValueRows(1, step.columns.size()));
      operations_[parts[0]].push_back(std::move(step));
    }
    return absl::OkStatus();
  });
}

absl::Status FloorStore::Write(const std::string& operation, const Keys& keys, Reads reads) {
  const auto found = operations_.find(operation);
  if (found == operations_.end()) return absl::NotFoundError(absl::StrCat("no samples of ", operation));
  return sql::TransactAgain(*database_, [&](sql::Transaction& tx) -> absl::Status {
    const auto with_keys = [&keys](const std::vector<sql::Value>& row) {
      std::vector<sql::Value> values = row;
      for (sql::Value& value : values) {
        auto* const text = std::get_if<std::string>(&value);
        if (text == nullptr || !text->starts_with('@')) continue;
        if (const auto key = keys.find(*text); key != keys.end()) *text = key->second;
      }
      return values;
    };
    REMATCH_RETURN_IF_ERROR(
        tx.Query("SELECT body_hash, reply FROM requests WHERE scope = ? AND request_id = ?", {std::string("floor"), keys.at("@REQUEST")})
            .status());
    for (const Step& step : found->second) {
      if (step.kind == Sample::Kind::kRead && reads == Reads::kLeftOut) continue;
      for (const std::vector<sql::Value>& row : step.rows) {
        std::vector<sql::Value> values = with_keys(row);
        if (step.kind != Sample::Kind::kInsert) {
          std::vector<sql::Value> key;
          for (const size_t column : step.key) key.push_back(values[column]);
          REMATCH_ASSIGN_OR_RETURN(const auto found_rows, tx.Query(step.read, key));
          if (found_rows.size() != 1) return absl::NotFoundError(absl::StrCat("no such row in ", step.table));
          if (step.kind == Sample::Kind::kRead) continue;
          values.insert(values.end(), key.begin(), key.end());
        }
        REMATCH_RETURN_IF_ERROR(tx.Execute(step.write, values).status());
      }
    }
    return absl::OkStatus();
  });
}

std::string FloorStore::Reply(const std::string& operation) const {
  for (const Step& step : operations_.at(operation)) {
    const auto at = std::find(step.columns.begin(), step.columns.end(), "reply");
    if (step.table != "requests" || at == step.columns.end() || step.rows.empty()) continue;
    const auto* const bytes = std::get_if<sql::Bytes>(&step.rows[0][static_cast<size_t>(at - step.columns.begin())]);
    return bytes == nullptr ? "" : bytes->data;
  }
  return "";
}

size_t FloorStore::RowsOf(const std::string& operation) const {
  size_t rows = 0;
  for (const Step& step : operations_.at(operation)) rows += step.kind == Sample::Kind::kRead ? 0 : step.rows.size();
  return rows;
}

// --- The schema ---

absl::StatusOr<std::string> PrepareFloor(demo::Mariadb& server, const std::vector<Sample>& samples,
                                         const std::vector<std::string>& copies) {
  REMATCH_ASSIGN_OR_RETURN(const std::string url, server.Url(kSchema));
  std::string sql = absl::StrCat("DROP DATABASE ", kSchema, "; CREATE DATABASE ", kSchema, " CHARACTER SET utf8mb4; USE ", kSchema, ";\n");
  for (const std::string& copy : copies) {
    const std::string table = copy.substr(copy.find('.') + 1);
    absl::StrAppend(&sql, "CREATE TABLE ", table, " LIKE ", copy, "; INSERT INTO ", table, " SELECT * FROM ", copy, ";\n");
  }
  int order = 0;
  for (const Sample& sample : samples) {
    const auto* const kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& one) { return one.first == sample.kind; });
    const std::string name = absl::StrCat("`", sample.operation, "$", ++order, "$", kind->second, "$", sample.table, "`");
    absl::StrAppend(&sql, "CREATE TABLE IF NOT EXISTS ", sample.table, " LIKE ", sample.schema, ".", sample.table, ";\n");
    absl::StrAppend(&sql, "CREATE TABLE ", name, " AS SELECT * FROM ", sample.schema, ".", sample.table, " WHERE ", sample.where, ";\n");
    std::vector<std::string> set;
    for (const auto& [column, marker] : sample.markers) set.push_back(absl::StrCat(column, " = '", marker, "'"));
    if (!set.empty()) absl::StrAppend(&sql, "UPDATE ", name, " SET ", absl::StrJoin(set, ", "), ";\n");
    if (sample.kind == Sample::Kind::kRead) absl::StrAppend(&sql, "INSERT IGNORE INTO ", sample.table, " SELECT * FROM ", name, ";\n");
  }
  REMATCH_RETURN_IF_ERROR(demo::OutputOf(server.Client(sql), kPatience).status());
  return url;
}

absl::Status MultiplyFloor(demo::Mariadb& server, const std::string& table, const std::string& from_schema, const std::string& column,
                           const std::string& value, const std::string& prefix, int64_t count) {
  REMATCH_ASSIGN_OR_RETURN(
      const std::string listed,
      server.Run(absl::StrCat("SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position) FROM information_schema.columns "
                              "WHERE table_schema = '",
                              from_schema, "' AND table_name = '", table, "'")));
  std::vector<std::string> columns = absl::StrSplit(std::string(absl::StripAsciiWhitespace(listed)), ',');
  std::vector<std::string> selected = columns;
  for (std::string& one : selected) {
    if (one == column) one = absl::StrCat("CONCAT('", prefix, "', seq.n)");
  }
  // The LIMIT keeps the sample a table of its own: merged with the numbers, it is looked for among all rows once for each of them.
  return demo::OutputOf(
             server.Client(absl::StrCat("USE ", kSchema, "; SET max_recursive_iterations = ", count, "; INSERT INTO ", table, " (",
                                        absl::StrJoin(columns, ","), ") SELECT ", absl::StrJoin(selected, ","), " FROM (SELECT * FROM ",
                                        from_schema, ".", table, " WHERE ", column, " = '", value,
                                        "' LIMIT 1000) AS sample, (WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM "
                                        "numbers WHERE n < ",
                                        count - 1, ") SELECT n FROM numbers) AS seq")),
             kPatience)
      .status();
}

int ServeFloor(const std::string& url, int threads, const std::string& port_file) {
  const auto parsed = sql::ParseMysqlUrl(url);
  if (!parsed.ok()) return 1;
  std::string password;
  std::getline(std::ifstream(parsed->password_file) >> std::ws, password);
  auto store = FloorStore::Open(absl::StrCat(url, url.find('?') == std::string::npos ? "?" : "&", "pool=", threads));
  if (!store.ok()) {
    std::cerr << "floor: " << sql::DetailOf(store.status()) << store.status().message() << "\n";
    return 1;
  }
  Reads reads(*parsed, password);
  platform::ThreadPool pool(threads, kMostQueued);
  Servers servers{**store, reads, pool};
  Mentors mentors(servers);
  request::v1::EscalationPolicy policy;
  const grpc::Status known = reads.One("SELECT policy FROM policies LIMIT 1", {}, [&policy](const ::sql::ResultSet& row) {
    (void)policy.ParseFromString(row.getString(1).asStdString());
  });
  if (!known.ok()) {
    std::cerr << "floor: " << known.error_message() << "\n";
    return 1;
  }
  Reassignments reassignments(servers, std::move(policy));
  Notifications notifications(servers);
  return Serve({&mentors, &reassignments, &notifications}, port_file);
}

}  // namespace rematch::bench
