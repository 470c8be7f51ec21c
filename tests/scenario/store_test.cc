// A MySQL server that cannot be used as it is, seen through the real binaries: the process lives, says so in its health and its log, keeps
// the password to itself, and serves by itself once the server is put right, with all that was acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "demo/cases.h"
#include "demo/process.h"
#include "platform/rpc/channel.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using demo::kNotServing;
using demo::kServing;
// Of whatever is waited for here: it comes within a few seconds.
constexpr absl::Duration kPatience = absl::Seconds(30);

std::vector<std::string> LinesOf(const std::string& text) { return absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n'); }

std::vector<std::string> Argv(const std::string& database, demo::Part part = demo::Part::kMentor) {
  return {absl::StrCat(BinDir(), "/", demo::NameOf(part)), "--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
          absl::StrCat("--database=", database)};
}

void Migrate(const std::string& database) {
  std::vector<std::string> argv = Argv(database);
  argv.push_back("--migrate_only");
  const auto migrated = demo::Run(argv, {}, kPatience);
  ASSERT_TRUE(migrated.ok()) << migrated.status();
  ASSERT_EQ(migrated->exit_code, 0) << migrated->err;
}

// The ids of those that a server has.
std::string Consortia(demo::Mariadb& server) {
  return server.Run("SELECT consortium FROM mentor_service.consortia ORDER BY consortium").value_or("no answer");
}

// A service as a process.
class Running {
 public:
  // mentor-service over the store that `database` names.
  Running(const std::string& folder, const std::string& database) : Running(folder, demo::Part::kMentor, Argv(database)) {}
  Running(const std::string& folder, demo::Part part, const std::vector<std::string>& argv)
      : part_(part), log_(absl::StrCat(folder, "/stderr-", absl::GetCurrentTimeNanos())) {
    auto process = demo::Process::Start({.argv = argv, .stdout_path = log_, .stderr_path = log_, .environment = {}});
    EXPECT_TRUE(process.ok()) << process.status();
    if (process.ok()) process_ = *std::move(process);
    // Whether it serves or waits, it says where.
    int port = 0;
    demo::WaitUntil(
        [&] {
          const std::vector<std::string> parts = absl::StrSplit(log(), "\"port\":");
          return (parts.size() > 1 && absl::SimpleAtoi(parts[1].substr(0, parts[1].find_first_of(",}")), &port)) || !process_.running();
        },
        kPatience);
    EXPECT_NE(port, 0) << log();
    channel_ = demo::QuickChannel(absl::StrCat("127.0.0.1:", port));
    stub_ = mentor::v1::MentorService::NewStub(channel_);
  }

  std::string log() const { return demo::ReadFile(log_); }
  bool running() { return process_.running(); }
  int Health(const std::string& name) const { return demo::HealthOf(channel_, name).value_or(-1); }
  testing::AssertionResult Becomes(int health) const {
    const std::string name = demo::HealthNameOf(part_);
    if (demo::WaitUntil([&] { return Health(name) == health; }, kPatience)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "health is " << Health(name) << "\n" << log();
  }

  grpc::Status Create(const std::string& id) {
    mentor::v1::CreateConsortiumRequest request;
    request.set_consortium_id(id);
    request.mutable_consortium()->set_display_name("Canyon");
    request.set_request_id("create-" + id);
    mentor::v1::Consortium response;
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(2), {"SERVICE", ""});
    return stub_->CreateConsortium(&context, request, &response);
  }
  bool Has(const std::string& id) {
    mentor::v1::GetConsortiumRequest request;
    request.set_name("consortia/" + id);
    mentor::v1::Consortium response;
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(5), {"SERVICE", ""});
    return stub_->GetConsortium(&context, request, &response).ok() && response.display_name() == "Canyon";
  }

 private:
  const demo::Part part_;
  const std::string log_;
  demo::Process process_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<demo::MentorStub> stub_;
};

class BadStoreMysql : public testing::Test {
 protected:
  void SetUp() override {
    auto server = StartMariadb(folder_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto url = server_->Url("mentor_service");
    ASSERT_TRUE(url.ok()) << url.status();
    url_ = *url;
    password_ = std::string(absl::StripAsciiWhitespace(demo::ReadFile(PasswordFile())));
    ASSERT_THAT(password_, Not(IsEmpty()));
    where_ = url_.substr(url_.find('@') + 1);
    where_ = where_.substr(0, where_.find('?'));
  }

  std::string PasswordFile() const { return folder_.path() + "/mariadb/mentor_service.password"; }
  void Sql(const std::string& statements) {
    const auto done = server_->Run(statements);
    EXPECT_TRUE(done.ok()) << done.status();
  }

  // What the server reads when it starts.
  void Configure(const std::string& options) const { std::ofstream(folder_.path() + "/mariadb/my.cnf") << "[mariadbd]\n" << options; }
  // NAME.pem, which is its own authority, and NAME.key.
  void MakeCertificate(const std::string& name, const std::string& subject_alternative) const {
    const std::string path = absl::StrCat(folder_.path(), "/", name);
    const auto made = demo::Run(
        {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=" + name, "-addext", "subjectAltName=" + subject_alternative, "-keyout", path + ".key", "-out", path + ".pem"},
        {}, kPatience);
    ASSERT_TRUE(made.ok()) << made.status();
    ASSERT_EQ(made->exit_code, 0) << made->err;
  }

  // It waits, and says what for.
  void ExpectWaiting(Running& service, const std::string& where, const std::string& hint) {
    EXPECT_TRUE(service.Becomes(kNotServing));
    EXPECT_EQ(service.Health("liveness"), kServing);
    EXPECT_EQ(service.Health(""), kNotServing);
    EXPECT_TRUE(service.running());
    // What it met first may have been something else: a server that was slow to answer.
    EXPECT_TRUE(demo::WaitUntil([&] { return absl::StrContains(service.log(), hint); }, kPatience));
    EXPECT_THAT(service.log(), AllOf(HasSubstr("waiting_for_store"), HasSubstr(where), HasSubstr(hint)));
    const grpc::Status refused = service.Create("early");
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE) << "who calls may try again: " << refused.error_message();
    EXPECT_THAT(refused.error_message(), AllOf(Not(HasSubstr(where)), Not(HasSubstr(hint)))) << "an operator's to know, and no caller's";
  }
  // It served, and says what became of the store.
  void ExpectLost(Running& service, const std::string& hint) {
    // A store that is away is waited for, if the caller does.
    EXPECT_THAT(service.Create("during").error_code(), AnyOf(grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED));
    EXPECT_TRUE(service.Becomes(kNotServing));
    EXPECT_EQ(service.Health("liveness"), kServing);
    EXPECT_TRUE(service.running());
    EXPECT_THAT(service.log(), AllOf(HasSubstr("store_lost"), HasSubstr(hint), Not(HasSubstr("store_back"))));
  }
  void ExpectBack(Running& service) {
    EXPECT_TRUE(service.Becomes(kServing));
    EXPECT_THAT(service.log(), HasSubstr("store_back"));
    EXPECT_TRUE(service.Has("before"));
    EXPECT_TRUE(service.Create("after").ok());
    EXPECT_TRUE(service.Has("after"));
    EXPECT_THAT(service.log(), Not(HasSubstr(password_)));
  }
  void ExpectServes(Running& service) {
    EXPECT_TRUE(service.Becomes(kServing));
    EXPECT_EQ(service.Health("liveness"), kServing);
    EXPECT_TRUE(service.Create("first").ok());
    EXPECT_TRUE(service.Has("first"));
    EXPECT_THAT(service.log(), AllOf(HasSubstr("\"serving\""), Not(HasSubstr(password_))));
  }

  WorkFolder folder_;
  std::unique_ptr<demo::Mariadb> server_;
  std::string url_;
  std::string password_;
  std::string where_;  // HOST:PORT/SCHEMA
};

TEST_F(BadStoreMysql, AWrongPasswordAnUnknownSchemaAndLackingRightsAreWaitedForUntilTheyArePutRight) {
  std::ofstream(PasswordFile()) << "wrong-one\n";
  Running wrong(folder_.path(), url_);
  ExpectWaiting(wrong, where_, "Access denied for user 'mentor_service'");
  std::ofstream(PasswordFile()) << password_ << "\n";
  ExpectServes(wrong);
  EXPECT_THAT(wrong.log(), Not(HasSubstr("wrong-one")));

  Sql("GRANT ALL ON mentor_service_2.* TO mentor_service@'127.0.0.1'");
  Running unknown(folder_.path(), absl::StrReplaceAll(url_, {{"/mentor_service?", "/mentor_service_2?"}}));
  ExpectWaiting(unknown, where_ + "_2", "Unknown database");
  Sql("CREATE DATABASE mentor_service_2");
  ExpectServes(unknown);

  const std::string third = absl::StrReplaceAll(url_, {{"/mentor_service?", "/mentor_service_3?"}});
  Sql("CREATE DATABASE mentor_service_3; REVOKE ALL PRIVILEGES, GRANT OPTION FROM mentor_service@'127.0.0.1'");
  Running nothing(folder_.path(), third);
  ExpectWaiting(nothing, where_ + "_3", "Access denied for user 'mentor_service'");
  Sql("GRANT SELECT ON mentor_service_3.* TO mentor_service@'127.0.0.1'");
  Running reading(folder_.path(), third);
  ExpectWaiting(reading, "schema_migrations", "denied to user 'mentor_service'");
  Sql("GRANT ALL ON mentor_service_3.* TO mentor_service@'127.0.0.1'");
  ExpectServes(reading);
  EXPECT_TRUE(nothing.Becomes(kServing));
  EXPECT_TRUE(nothing.Has("first")) << "they share a schema";

  // Once all is made, rights on the rows are enough.
  Sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM mentor_service@'127.0.0.1'; "
      "GRANT SELECT, INSERT, UPDATE, DELETE ON mentor_service_3.* TO mentor_service@'127.0.0.1'");
  Running frugal(folder_.path(), third);
  EXPECT_TRUE(frugal.Becomes(kServing));
  EXPECT_TRUE(frugal.Create("second").ok());
}

TEST_F(BadStoreMysql, AServerThatIsGoneAtTheStartIsWaitedFor) {
  ASSERT_TRUE(server_->Stop().ok());
  Running service(folder_.path(), url_);
  ExpectWaiting(service, where_, "Can't connect");
  ASSERT_TRUE(server_->Restart().ok());
  ExpectServes(service);
}

TEST_F(BadStoreMysql, AServerThatIsMadeReadOnlyIsNotServedFromUntilItTakesWritesAgain) {
  Running service(folder_.path(), url_);
  ASSERT_TRUE(service.Becomes(kServing));
  ASSERT_TRUE(service.Create("before").ok());
  Sql("SET GLOBAL read_only = 1");
  ExpectLost(service, "read-only");
  Running late(folder_.path(), url_);
  ExpectWaiting(late, where_, "read-only");
  Sql("SET GLOBAL read_only = 0");
  ExpectBack(service);
  EXPECT_TRUE(late.Becomes(kServing));
}

// The other two have the same server around them, and loops that use the store by themselves.
TEST_F(BadStoreMysql, IsWaitedForByEveryServiceAndNoneServesWithoutIt) {
  auto databases = server_->Databases();
  ASSERT_TRUE(databases.ok()) << databases.status();
  std::vector<std::string> request = Argv((*databases)[demo::Part::kRequest], demo::Part::kRequest);
  request.insert(request.end(), {"--mentor_service=127.0.0.1:1", "--notify_service=127.0.0.1:1",
                                 absl::StrCat("--policy=", folder_.Write("policy", PolicyInSeconds().Text()))});
  std::vector<std::string> notify = Argv((*databases)[demo::Part::kNotify], demo::Part::kNotify);
  notify.push_back(absl::StrCat("--transport=maildir:", folder_.path(), "/mail"));
  ASSERT_TRUE(server_->Stop().ok());
  Running services[] = {{folder_.path(), demo::Part::kRequest, request}, {folder_.path(), demo::Part::kNotify, notify}};
  const auto all_become = [&](int health, const std::string& event, const std::string& hint) {
    for (Running& service : services) {
      EXPECT_TRUE(service.Becomes(health));
      EXPECT_EQ(service.Health("liveness"), kServing);
      EXPECT_THAT(service.log(), AllOf(HasSubstr(event), HasSubstr(hint)));
    }
  };
  all_become(kNotServing, "waiting_for_store", "Can't connect");
  ASSERT_TRUE(server_->Restart().ok());
  all_become(kServing, "\"serving\"", "");
  Sql("SET GLOBAL read_only = 1");
  all_become(kNotServing, "store_lost", "read-only");
  Sql("SET GLOBAL read_only = 0");
  all_become(kServing, "store_back", "");
  Sql("DROP TABLE request_service.timers; DROP TABLE notify_service.sends");
  all_become(kNotServing, "store_lost", "doesn't exist");
}

TEST_F(BadStoreMysql, AColumnThatWasDroppedByHandIsNamedUntilItIsPutBack) {
  Running service(folder_.path(), url_);
  ASSERT_TRUE(service.Becomes(kServing));
  ASSERT_TRUE(service.Create("before").ok());
  Sql("ALTER TABLE mentor_service.sites DROP COLUMN administrator_phone");
  // Nobody need call for it: the service looks by itself.
  EXPECT_TRUE(service.Becomes(kNotServing));
  EXPECT_EQ(service.Health("liveness"), kServing);
  EXPECT_THAT(service.log(), AllOf(HasSubstr("store_lost"), HasSubstr("sites.administrator_phone")));
  Running late(folder_.path(), url_);
  ExpectWaiting(late, "sites.administrator_phone", "altered");
  Sql("ALTER TABLE mentor_service.sites ADD COLUMN administrator_phone VARCHAR(40) NOT NULL");
  ExpectBack(service);
  EXPECT_TRUE(late.Becomes(kServing));
}

TEST_F(BadStoreMysql, ASchemaNewerThanTheBinaryIsOneLine) {
  Migrate(url_);
  const std::vector<std::string> argv = Argv(url_);
  std::vector<std::string> migrate = argv;
  migrate.push_back("--migrate_only");
  Sql("INSERT INTO mentor_service.schema_migrations (number, name, checksum, applied) VALUES (9999, '9999_later.sql', '', 0)");
  for (const auto& command : {argv, migrate}) {
    auto finished = demo::Run(command, {}, kPatience);
    ASSERT_TRUE(finished.ok()) << finished.status();
    EXPECT_EQ(finished->exit_code, 1);
    EXPECT_THAT(LinesOf(finished->err), SizeIs(1)) << finished->err;
    EXPECT_THAT(finished->err, AllOf(HasSubstr("9999_later.sql"), HasSubstr("newer version"), Not(HasSubstr(password_))));
  }
}

TEST_F(BadStoreMysql, AnotherReplicaThatMigratesIsWaitedFor) {
  Migrate(url_);
  // As if another replica were at the last step.
  Sql("USE mentor_service; CREATE TABLE put_aside AS SELECT * FROM schema_migrations ORDER BY number DESC LIMIT 1; "
      "DELETE FROM schema_migrations ORDER BY number DESC LIMIT 1; UPDATE schema_lease SET owner = 'other'");
  std::atomic<bool> migrating = true;
  std::thread other([&] {
    while (migrating) {
      Sql("UPDATE mentor_service.schema_lease SET beat = beat + 1");
      absl::SleepFor(absl::Milliseconds(200));
    }
  });
  Running service(folder_.path(), url_);
  ExpectWaiting(service, "waiting_for_store", "another process is migrating the schema");
  migrating = false;
  other.join();
  Sql("USE mentor_service; INSERT INTO schema_migrations SELECT * FROM put_aside; UPDATE schema_lease SET owner = ''");
  ExpectServes(service);
}

TEST_F(BadStoreMysql, AServerThatIsSlowToAnswerKeepsNobodyFromBeingStopped) {
  Migrate(url_);
  auto lock = demo::Process::Start(
      {.argv = server_->Client("LOCK TABLES mentor_service.schema_migrations WRITE; DO SLEEP(60)"), .environment = {}});
  ASSERT_TRUE(lock.ok()) << lock.status();
  const auto waiting = [&] {
    return server_->Run("SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'Waiting for table metadata lock'")
               .value_or("0") != "0";
  };
  auto process = demo::Process::Start({.argv = Argv(url_), .environment = {}});
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(demo::WaitUntil(waiting, kPatience));
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(absl::Seconds(4)).value_or(0), 128 + SIGTERM);
}

TEST_F(BadStoreMysql, AServerThatTurnsReadOnlyIsLeftForTheNextAndReturnedTo) {
  const WorkFolder folder;
  auto next = StartMariadb(folder);
  ASSERT_TRUE(next.ok()) << next.status();
  auto next_url = (*next)->Url("mentor_service");
  ASSERT_TRUE(next_url.ok()) << next_url.status();
  Migrate(url_);
  Migrate(*next_url);
  // One user of both, as the nodes of a cluster have it.
  ASSERT_TRUE((*next)->Run(absl::StrCat("ALTER USER mentor_service@'127.0.0.1' IDENTIFIED BY '", password_, "'")).ok());
  const std::string next_host = next_url->substr(next_url->find('@') + 1, next_url->find('/', 8) - next_url->find('@') - 1);
  const std::string host = where_.substr(0, where_.find('/'));
  Running service(folder_.path(), absl::StrReplaceAll(url_, {{host, absl::StrCat(host, ",", next_host)}}));
  ASSERT_TRUE(service.Becomes(kServing));
  ASSERT_TRUE(service.Create("before").ok());
  EXPECT_THAT(Consortia(*server_), "before");
  EXPECT_THAT(Consortia(**next), IsEmpty());

  Sql("SET GLOBAL read_only = 1");
  EXPECT_TRUE(demo::WaitUntil([&] { return service.Create("during").ok(); }, kPatience));
  EXPECT_THAT(Consortia(**next), "during");
  EXPECT_TRUE(service.Becomes(kServing));

  Sql("SET GLOBAL read_only = 0");
  EXPECT_TRUE((*next)->Kill().ok());
  EXPECT_TRUE(demo::WaitUntil([&] { return service.Create("returned").ok(); }, kPatience));
  EXPECT_THAT(Consortia(*server_), HasSubstr("returned"));
  EXPECT_TRUE(service.Becomes(kServing));
}

TEST_F(BadStoreMysql, AServerThatHangsIsNotServedFromUntilItGoesOn) {
  Running service(folder_.path(), url_);
  ASSERT_TRUE(service.Becomes(kServing));
  ASSERT_TRUE(service.Create("before").ok());
  server_->Signal(SIGSTOP);
  EXPECT_EQ(service.Create("during").error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(service.Becomes(kNotServing));
  EXPECT_EQ(service.Health("liveness"), kServing);
  server_->Signal(SIGCONT);
  ExpectBack(service);
}

TEST_F(BadStoreMysql, WhoeverOnlyMigratesDoesNotWait) {
  const auto refused = [&](const std::string& url) {
    std::vector<std::string> argv = Argv(url);
    argv.push_back("--migrate_only");
    const auto finished = demo::Run(argv, {}, kPatience);
    EXPECT_TRUE(finished.ok()) << finished.status();
    if (!finished.ok()) return std::string();
    EXPECT_EQ(finished->exit_code, 1);
    EXPECT_THAT(LinesOf(finished->err), SizeIs(1)) << finished->err;
    return finished->err;
  };
  Sql("GRANT ALL ON mentor_service_2.* TO mentor_service@'127.0.0.1'");
  EXPECT_THAT(refused(absl::StrReplaceAll(url_, {{"/mentor_service?", "/mentor_service_2?"}})),
              AllOf(HasSubstr("mentor_service_2"), HasSubstr("Unknown database")));
  std::ofstream(PasswordFile()) << "wrong-one\n";
  EXPECT_THAT(refused(url_), AllOf(HasSubstr(where_), HasSubstr("Access denied"), Not(HasSubstr("wrong-one"))));
  ASSERT_TRUE(server_->Stop().ok());
  EXPECT_THAT(refused(url_), AllOf(HasSubstr(where_), HasSubstr("Can't connect")));
}

// The disk of the tests cannot be filled; all tables of this server live in one file that may not grow beyond a few megabytes.
TEST_F(BadStoreMysql, AServerWithoutRoomIsNotServedFromUntilThereIsSomeAgain) {
  ASSERT_TRUE(server_->Stop().ok());
  Configure("innodb_file_per_table = 0\ninnodb_data_file_path = ibdata1:12M:autoextend:max:32M\n");
  ASSERT_TRUE(server_->Restart().ok());
  Running service(folder_.path(), url_);
  ASSERT_TRUE(service.Becomes(kServing));
  ASSERT_TRUE(service.Create("before").ok());
  // Row by row, since a statement that fails gives all its room back.
  const auto filled = server_->Run(
      "CREATE DATABASE filler; USE filler; CREATE TABLE filling (id INT PRIMARY KEY AUTO_INCREMENT, content MEDIUMBLOB);\nDELIMITER //\n"
      "FOR i IN 1..20000 DO INSERT INTO filling (content) VALUES (REPEAT('x', 7000)); END FOR//\n");
  EXPECT_THAT(filled.status().message(), HasSubstr("is full"));
  // Rows that fit into pages begun before are still taken.
  int created = 0;
  grpc::Status status;
  while ((status = service.Create(absl::StrCat("filling-", created))).ok() && created < 1000) ++created;
  EXPECT_THAT(status.error_code(), AnyOf(grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED)) << status.error_message();
  EXPECT_TRUE(service.Becomes(kNotServing));
  EXPECT_EQ(service.Health("liveness"), kServing);
  EXPECT_THAT(service.log(), AllOf(HasSubstr("store_lost"), HasSubstr("is full")));
  Sql("DROP TABLE filler.filling");
  ExpectBack(service);
  for (int i = 0; i < created; ++i) EXPECT_TRUE(service.Has(absl::StrCat("filling-", i))) << i;
}

TEST_F(BadStoreMysql, AServerIsKnownByItsCertificateAndNoOther) {
  MakeCertificate("ours", "IP:127.0.0.1");
  MakeCertificate("theirs", "IP:127.0.0.1");
  MakeCertificate("elsewhere", "DNS:elsewhere.example");
  ASSERT_TRUE(server_->Stop().ok());
  Configure(absl::StrCat("ssl_cert = ", folder_.path(), "/ours.pem\nssl_key = ", folder_.path(), "/ours.key\n"));
  ASSERT_TRUE(server_->Restart().ok());
  Sql("ALTER USER mentor_service@'127.0.0.1' REQUIRE SSL");

  Running plain(folder_.path(), url_);
  ExpectWaiting(plain, where_, "Access denied for user 'mentor_service'");
  Running other(folder_.path(), absl::StrCat(url_, "&ssl_ca=", folder_.path(), "/theirs.pem"));
  ExpectWaiting(other, where_, "mysql error 2026");
  Running service(folder_.path(), absl::StrCat(url_, "&ssl_ca=", folder_.path(), "/ours.pem"));
  ExpectServes(service);

  ASSERT_TRUE(server_->Stop().ok());
  Configure(absl::StrCat("ssl_cert = ", folder_.path(), "/elsewhere.pem\nssl_key = ", folder_.path(), "/elsewhere.key\n"));
  ASSERT_TRUE(server_->Restart().ok());
  Running misnamed(folder_.path(), absl::StrCat(url_, "&ssl_ca=", folder_.path(), "/elsewhere.pem"));
  ExpectWaiting(misnamed, where_, "mysql error 2026");
}

// The whole suite, whose server is killed in the middle of a case.
TEST_F(BadStoreMysql, AServerThatIsKilledAndComesBackLosesNothingOfACase_F30) {
  auto databases = server_->Databases();
  ASSERT_TRUE(databases.ok()) << databases.status();
  const SmallRoster roster;
  auto stage = Prepare({.bin_dir = BinDir(),
                        .work_dir = folder_.path() + "/suite",
                        .policy = folder_.Write("policy", PolicyInSeconds().Text()),
                        .flags = QuickRecovery(),
                        .databases = *databases},
                       roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Suite& suite = *stage->suite;

  // Kills the server while the case works on what the confirmed match brings, and brings it back when all three have said what they lack.
  class Crash final : public demo::Narrator {
   public:
    Crash(demo::Suite& suite, demo::Mariadb& server) : suite_(suite), server_(server) {}
    void Say(const std::string& line) override { confirming_ = confirming_ || absl::StrContains(line, "are a good match"); }
    void Moment() override {
      // Before the act is one moment, after it the next.
      if (!confirming_ || ++moments_ != 2) return;
      EXPECT_TRUE(server_.Kill().ok());
      for (const demo::Part part : demo::kParts) {
        EXPECT_TRUE(demo::WaitUntil(
            [&] { return demo::HealthOf(suite_.channel(part), demo::HealthNameOf(part)).value_or(0) == kNotServing; }, kPatience))
            << demo::NameOf(part);
        EXPECT_EQ(demo::HealthOf(suite_.channel(part), "liveness").value_or(0), kServing) << demo::NameOf(part);
      }
      EXPECT_TRUE(server_.Restart().ok());
    }
    int moments() const { return moments_; }

   private:
    demo::Suite& suite_;
    demo::Mariadb& server_;
    bool confirming_ = false;
    int moments_ = 0;
  } crash(suite, *server_);

  demo::Play play({.suite = suite,
                   .directory = stage->directory,
                   .narrator = crash,
                   .candidate = stage->Candidate(roster),
                   .key = "a",
                   .patience = absl::Seconds(40)});
  auto expected = demo::TellDeclineSilenceYes(play, demo::DemoWords());
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_GE(crash.moments(), 2) << "the server was never killed";
  EXPECT_THAT(demo::Differences(play, *expected, stage->before), IsEmpty());
  for (const demo::Part part : demo::kParts) {
    EXPECT_TRUE(suite.Serving(part)) << demo::NameOf(part);
    EXPECT_THAT(suite.log(part), AllOf(HasSubstr("store_lost"), HasSubstr("store_back")));
    const std::string schema = absl::StrReplaceAll(demo::NameOf(part), {{"-", "_"}});
    const std::string password = demo::ReadFile(absl::StrCat(folder_.path(), "/mariadb/", schema, ".password"));
    EXPECT_THAT(suite.log(part), Not(HasSubstr(absl::StripAsciiWhitespace(password))));
  }
}

TEST(BadUrlMysql, IsOneLineAndNeverThePassword) {
  WorkFolder folder;
  for (const std::string url :
       {"mysql://user@127.0.0.1", "mysql://127.0.0.1/schema", "mysql://user@127.0.0.1:port/schema", "mysql://user:hunter2@127.0.0.1/schema",
        "mysql://user@127.0.0.1/schema?password=hunter2", "mysql://user@127.0.0.1/schema?password_file=/nonexistent/password"}) {
    auto finished =
        demo::Run({absl::StrCat(BinDir(), "/mentor-service"), "--listen=127.0.0.1:0", absl::StrCat("--database=", url)}, {}, kPatience);
    ASSERT_TRUE(finished.ok()) << finished.status();
    EXPECT_EQ(finished->exit_code, 2) << url;
    EXPECT_THAT(LinesOf(finished->err), SizeIs(1)) << finished->err;
    EXPECT_THAT(finished->err, AllOf(AnyOf(HasSubstr("mysql://USER@HOST"), HasSubstr("/nonexistent/password")), Not(HasSubstr("hunter2"))));
  }
}

}  // namespace
}  // namespace rematch::scenario
