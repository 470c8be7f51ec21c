#include "tests/scenario/scenario_kit.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "tests/mysql_schema.h"

namespace rematch::scenario {
namespace {

constexpr uintmax_t kRoom = 1 << 30;

using Row = mentor::v1::ImportRosterRequest::Row;

// `name` as a person, with what the roster marks people with.
void Fill(mentor::v1::Contact* contact, const std::string& name, const SmallRoster& roster, int number) {
  const std::string& mark = roster.mark;
  contact->set_display_name(mark.empty() ? name : absl::StrCat(name, " ", mark));
  std::string local = mark.empty() ? name : absl::StrCat(name, "-", mark);
  for (char& c : local) c = c == ' ' ? '.' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  contact->set_email(absl::StrCat(local, "@canyon.example"));
  contact->set_phone(absl::StrCat("+1 ", roster.digits.empty() ? "310 555" : roster.digits, " 0", 100 + number));
}

}  // namespace

std::string BinDir() { return absl::StrCat(REMATCH_BINARY_DIR, "/bin"); }
std::string SourceDir() { return REMATCH_SOURCE_DIR; }

WorkFolder::WorkFolder() {
  // In memory where there is room: what is shown here is not how fast a disk is, and a busy one stalls windows of a second.
  std::error_code error;
  const std::filesystem::path memory = "/dev/shm";
  const auto space = std::filesystem::space(memory, error);
  const bool roomy = !error && space.available > kRoom;
  std::string folder = (roomy ? memory : std::filesystem::temp_directory_path()) / "rematch-scenario-XXXXXX";
  path_ = mkdtemp(folder.data()) == nullptr ? "" : folder;
}

WorkFolder::~WorkFolder() {
  if (::testing::Test::HasFailure()) {
    std::cerr << "what the suite left is in " << path_ << "\n";
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string WorkFolder::Write(const std::string& name, const std::string& content) const {
  const std::string path = absl::StrCat(path_, "/", name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

Stores::Stores(bool mysql) {
  if (!mysql) return;
  for (const demo::Part part : demo::kParts) {
    auto schema = std::make_shared<rematch::testing::MysqlSchema>();
    urls_[part] = schema->url();
    schemas_.push_back(std::move(schema));
  }
}

demo::SuiteOptions Stores::Under(demo::SuiteOptions options, int replicas) const {
  options.databases = urls_;
  options.replicas = urls_.empty() ? 1 : replicas;
  return options;
}

std::string PolicyInSeconds::Text() const {
  const auto window = [](const std::string& field, int seconds) {
    return seconds == 0 ? "" : absl::StrCat("  ", field, " { amount: ", seconds, " unit: SECONDS }\n");
  };
  const auto stage = [&](const std::string& kind, int seconds) {
    // Whom the individual stage asks, in which order.
    const std::string tiers = kind == "INDIVIDUAL" ? "  tiers: TIER_ONE_CANDIDATE tiers: TIER_INTERESTED tiers: TIER_PAST_MENTOR\n" : "";
    return absl::StrCat("stages {\n  kind: ", kind, "\n", tiers, window("window", seconds),
                        window("remind_before", seconds == 0 ? 0 : remind_before), "}\n");
  };
  return absl::StrCat("display_name: \"In seconds\"\n", stage("INDIVIDUAL", individual), stage("BROADCAST", broadcast),
                      stage("RECOMMENDATION", recommendation), stage("LEADER", 0), window("redial_after", redial),
                      window("task_due_after", 60), "k_anonymity: 1\nwithout_consent: DISTRICT_ONLY\n");
}

std::string SmallRoster::CandidateEmail(int candidate) const {
  mentor::v1::Contact contact;
  Fill(&contact, absl::StrCat("Candidate ", candidate + 1), *this, 0);
  return contact.email();
}

std::vector<Row> SmallRoster::Rows() const {
  std::vector<Row> rows;
  const auto add = [&](const std::string& file) -> Row& {
    Row& row = rows.emplace_back();
    row.set_file(file);
    row.set_line(static_cast<int>(rows.size()));
    return row;
  };
  auto& district = *add("sites.csv").mutable_district();
  district.set_id("d1");
  district.set_display_name("Canyon Unified");
  Fill(district.mutable_representative(), "Dana District", *this, 1);
  auto& site = *add("sites.csv").mutable_site();
  site.set_id("s1");
  site.set_display_name("Canyon School");
  site.set_district_id("d1");
  Fill(site.mutable_administrator(), "Ari Administrator", *this, 2);
  auto& program = *add("programs.csv").mutable_program();
  program.set_id("induction");
  program.set_display_name("Canyon Induction");
  program.set_time_zone("America/Los_Angeles");
  program.set_leader_id("rosa");
  program.set_leader_mentor_id("m-leader");
  Fill(program.mutable_leader(), "Rosa Leader", *this, 3);
  const auto mentor = [&](const std::string& id, const std::string& name, int capacity, int number) {
    auto& row = *add("mentors.csv").mutable_mentor();
    row.set_id(id);
    row.set_district_id("d1");
    row.add_program_ids("induction");
    row.add_credentials("Single Subject");
    row.add_grade_bands("9-12");
    row.add_subjects("Mathematics");
    row.set_capacity(capacity);
    row.set_years_mentored(experienced ? 3 : 0);
    Fill(row.mutable_contact(), name, *this, number);
  };
  mentor("m-leader", "Rosa Leader Mentor", 50, 4);
  mentor("m-former", "Former Mentor", 50, 5);
  for (int i = 0; i < mentors; ++i) mentor(absl::StrCat("m", i + 1), absl::StrCat("Mentor ", i + 1), 50, 10 + i);
  for (int i = 0; i < candidates; ++i) {
    auto& row = *add("candidates.csv").mutable_candidate();
    row.set_id(absl::StrCat("c", i + 1));
    row.set_program_id("induction");
    row.set_site_id("s1");
    row.set_credential("Single Subject");
    row.set_grade_band("9-12");
    row.add_subjects("Mathematics");
    row.mutable_enroll_time()->set_seconds(1'756'000'000);
    row.set_mentor_id("m-former");
    Fill(row.mutable_contact(), absl::StrCat("Candidate ", i + 1), *this, 50 + i);
  }
  return rows;
}

absl::Status Import(demo::Suite& suite, const SmallRoster& roster, const std::string& request_id) {
  return Import(suite, absl::StrCat("consortia/", roster.consortium), roster.Rows(), request_id);
}

absl::Status Import(demo::Suite& suite, const std::string& consortium, const std::vector<Row>& rows, const std::string& request_id) {
  grpc::ClientContext context;
  rpc::Prepare(context, absl::Seconds(20), {"SERVICE", ""});
  mentor::v1::ImportRosterResponse response;
  auto stream = suite.stub<demo::MentorStub>().ImportRoster(&context, &response);
  mentor::v1::ImportRosterRequest message;
  message.mutable_header()->set_consortium(consortium);
  message.mutable_header()->set_display_name("Some Consortium");
  message.mutable_header()->set_request_id(request_id);
  message.mutable_header()->set_row_count(static_cast<int>(rows.size()));
  stream->Write(message);
  for (const Row& row : rows) {
    *message.mutable_row() = row;
    stream->Write(message);
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return rpc::FromGrpc(status);
  if (response.errors_size() > 0) {
    return absl::InvalidArgumentError(absl::StrCat(response.errors(0).file(), ":", response.errors(0).line(), " ",
                                                   response.errors(0).field(), ": ", response.errors(0).description()));
  }
  return absl::OkStatus();
}

namespace {

absl::Status Look(const std::string& consortium, Stage& stage) {
  REMATCH_ASSIGN_OR_RETURN(stage.directory, demo::Directory::Load(*stage.suite, absl::StrCat("consortia/", consortium)));
  stage.before = demo::LoadsOf(stage.directory);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Stage> Prepare(demo::SuiteOptions options, const SmallRoster& roster) {
  Stage stage;
  REMATCH_ASSIGN_OR_RETURN(stage.suite, demo::Suite::Start(std::move(options)));
  REMATCH_RETURN_IF_ERROR(Import(*stage.suite, roster, "import"));
  REMATCH_RETURN_IF_ERROR(Look(roster.consortium, stage));
  return stage;
}

absl::StatusOr<Stage> Prepare(demo::SuiteOptions options, const demo::Cast& cast) {
  Stage stage;
  REMATCH_ASSIGN_OR_RETURN(stage.suite, demo::Suite::Start(std::move(options)));
  REMATCH_ASSIGN_OR_RETURN(
      const demo::Finished import,
      stage.suite->CommandLine("service", {"roster", "import", cast.roster, "--consortium", cast.consortium, "--name", cast.display_name}));
  if (import.exit_code != 0) return absl::InvalidArgumentError(import.err);
  REMATCH_RETURN_IF_ERROR(Look(cast.consortium, stage));
  return stage;
}

absl::StatusOr<std::unique_ptr<demo::Mariadb>> StartMariadb(const WorkFolder& folder) {
  return demo::Mariadb::Start(absl::StrCat(SourceDir(), "/tools/mariadb"), absl::StrCat(folder.path(), "/mariadb"));
}

std::map<demo::Part, std::vector<std::string>> QuickRecovery() {
  return {{demo::Part::kNotify, {"--lease=500ms", "--settle_delay=200ms", "--send_backoff=200ms"}},
          {demo::Part::kRequest, {"--lease=500ms"}}};
}

}  // namespace rematch::scenario
