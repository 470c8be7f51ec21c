#include "cli/roster_files.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "platform/strings.h"

namespace rematch::cli {

using rematch::mentor::v1::ImportRosterRequest;
using rematch::mentor::v1::ImportRosterResponse;
using Row = ImportRosterRequest::Row;

namespace {

// One column of a file. `set` puts the text into the row, or says what is expected instead (without the text itself).
struct Column {
  std::string_view title;
  std::string_view field;  // of the row message, as the service names it in its errors
  std::function<std::string(const std::string& text, Row& row)> set;
  bool required = false;  // must not be empty
  bool optional = false;  // may be left out of the file, or empty
};

struct FileSpec {
  std::string_view name;
  std::vector<Column> columns;
};

std::string Ok() { return ""; }

template <typename Setter>
auto Text(Setter setter) {
  return [setter](const std::string& text, Row& row) {
    setter(row) = text;
    return Ok();
  };
}

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

constexpr std::string_view kIdExpected = "must be 1 to 64 printable characters without spaces";

template <typename Setter>
auto Id(Setter setter) {
  return [setter](const std::string& text, Row& row) -> std::string {
    if (!text.empty() && !IsId(text)) return std::string(kIdExpected);
    setter(row) = text;
    return Ok();
  };
}

template <typename Setter>
auto Email(Setter setter) {
  return [setter](const std::string& text, Row& row) -> std::string {
    const size_t at = text.find('@');
    if (!text.empty() && (at == 0 || at == std::string::npos || at + 1 == text.size())) return "must be an address like name@example.org";
    setter(row) = text;
    return Ok();
  };
}

template <typename Adder>
auto List(Adder adder, bool ids = false) {
  return [adder, ids](const std::string& text, Row& row) -> std::string {
    if (text.empty()) return Ok();
    for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ';'))) {
      const std::string item(absl::StripAsciiWhitespace(part));
      if (item.empty()) return "has an empty item; items are separated by single semicolons";
      if (ids && !IsId(item)) return "has an item that is no id: each " + std::string(kIdExpected);
      *adder(row) = item;
    }
    return Ok();
  };
}

template <typename Setter>
auto Number(int most, Setter setter) {
  return [most, setter](const std::string& text, Row& row) -> std::string {
    int32_t value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < 0 || value > most) return "must be a whole number from 0 to " + std::to_string(most);
    setter(row, value);
    return Ok();
  };
}

template <typename Setter>
auto YesNo(Setter setter) {
  return [setter](const std::string& text, Row& row) -> std::string {
    const std::string word = absl::AsciiStrToLower(text);
    if (word != "yes" && word != "no") return "must be yes or no";
    setter(row, word == "yes");
    return Ok();
  };
}

// A day stands for its midnight in UTC, so that the same file gives the same instant wherever it is imported.
std::string SetEnrolled(const std::string& text, Row& row) {
  absl::CivilDay day;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !absl::ParseCivilTime(text, &day)) return "must be a date like 2024-08-19";
  row.mutable_candidate()->mutable_enroll_time()->set_seconds(absl::ToUnixSeconds(absl::FromCivil(day, absl::UTCTimeZone())));
  return Ok();
}

std::string SetTimeZone(const std::string& text, Row& row) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(text, &zone)) return "must be a time zone like America/Los_Angeles";
  row.mutable_program()->set_time_zone(text);
  return Ok();
}

// `*row.mutable_NAME()->mutable_FIELD()` as a function.
#define REMATCH_FIELD(kind, path) ([](Row& row) -> std::string& { return *row.mutable_##kind()->path; })
#define REMATCH_ITEM(kind, path) ([](Row& row) -> std::string* { return row.mutable_##kind()->path; })
#define REMATCH_SET(kind, setter) ([](Row& row, auto value) { row.mutable_##kind()->setter(value); })

const FileSpec& Programs() {
  static const FileSpec* const spec = new FileSpec{
      "programs.csv",
      {
          {"program_id", "id", Id(REMATCH_FIELD(program, mutable_id())), true},
          {"program_name", "display_name", Text(REMATCH_FIELD(program, mutable_display_name())), true},
          {"time_zone", "time_zone", SetTimeZone, true},
          {"leader_id", "leader_id", Id(REMATCH_FIELD(program, mutable_leader_id())), true},
          {"leader_name", "leader.display_name", Text(REMATCH_FIELD(program, mutable_leader()->mutable_display_name())), true},
          {"leader_email", "leader.email", Email(REMATCH_FIELD(program, mutable_leader()->mutable_email())), true},
          {"leader_phone", "leader.phone", Text(REMATCH_FIELD(program, mutable_leader()->mutable_phone()))},
          {"leader_mentor_id", "leader_mentor_id", Id(REMATCH_FIELD(program, mutable_leader_mentor_id()))},
          {"alternate_id", "alternate_id", Id(REMATCH_FIELD(program, mutable_alternate_id()))},
          {"alternate_name", "alternate.display_name", Text(REMATCH_FIELD(program, mutable_alternate()->mutable_display_name()))},
          {"alternate_email", "alternate.email", Email(REMATCH_FIELD(program, mutable_alternate()->mutable_email()))},
          {"alternate_phone", "alternate.phone", Text(REMATCH_FIELD(program, mutable_alternate()->mutable_phone()))},
          {"alternate_mentor_id", "alternate_mentor_id", Id(REMATCH_FIELD(program, mutable_alternate_mentor_id()))},
      }};
  return *spec;
}

const FileSpec& Sites() {
  static const FileSpec* const spec = new FileSpec{
      "sites.csv",
      {
          {"site_id", "id", Id(REMATCH_FIELD(site, mutable_id())), true},
          {"site_name", "display_name", Text(REMATCH_FIELD(site, mutable_display_name())), true},
          {"district_id", "district_id", Id(REMATCH_FIELD(site, mutable_district_id())), true},
          {"administrator", "administrator.display_name", Text(REMATCH_FIELD(site, mutable_administrator()->mutable_display_name())), true},
          {"administrator_email", "administrator.email", Email(REMATCH_FIELD(site, mutable_administrator()->mutable_email())), true},
          {"administrator_phone", "administrator.phone", Text(REMATCH_FIELD(site, mutable_administrator()->mutable_phone()))},
      }};
  return *spec;
}

// The columns of sites.csv that describe the district of each site; a district that comes again must say the same.
const FileSpec& Districts() {
  static const FileSpec* const spec = new FileSpec{
      "sites.csv",
      {
          {"district_id", "id", Id(REMATCH_FIELD(district, mutable_id())), true},
          {"district_name", "display_name", Text(REMATCH_FIELD(district, mutable_display_name())), true},
          {"district_representative", "representative.display_name",
           Text(REMATCH_FIELD(district, mutable_representative()->mutable_display_name())), true},
          {"district_email", "representative.email", Email(REMATCH_FIELD(district, mutable_representative()->mutable_email())), true},
          {"district_phone", "representative.phone", Text(REMATCH_FIELD(district, mutable_representative()->mutable_phone()))},
          {"district_lends", "lends_mentors", YesNo(REMATCH_SET(district, set_lends_mentors)), false, true},
          {"district_borrows", "borrows_mentors", YesNo(REMATCH_SET(district, set_borrows_mentors)), false, true},
      }};
  return *spec;
}

const FileSpec& Mentors() {
  static const FileSpec* const spec =
      new FileSpec{"mentors.csv",
                   {
                       {"mentor_id", "id", Id(REMATCH_FIELD(mentor, mutable_id())), true},
                       {"name", "contact.display_name", Text(REMATCH_FIELD(mentor, mutable_contact()->mutable_display_name())), true},
                       {"email", "contact.email", Email(REMATCH_FIELD(mentor, mutable_contact()->mutable_email())), true},
                       {"phone", "contact.phone", Text(REMATCH_FIELD(mentor, mutable_contact()->mutable_phone()))},
                       {"district_id", "district_id", Id(REMATCH_FIELD(mentor, mutable_district_id())), true},
                       {"programs", "program_ids", List(REMATCH_ITEM(mentor, add_program_ids()), true)},
                       {"credentials", "credentials", List(REMATCH_ITEM(mentor, add_credentials()))},
                       {"grade_bands", "grade_bands", List(REMATCH_ITEM(mentor, add_grade_bands()))},
                       {"subjects", "subjects", List(REMATCH_ITEM(mentor, add_subjects()))},
                       {"capacity", "capacity", Number(50, REMATCH_SET(mentor, set_capacity))},
                       {"interested_in_more", "interested_in_more", YesNo(REMATCH_SET(mentor, set_interested_in_more))},
                       {"years_mentored", "years_mentored", Number(60, REMATCH_SET(mentor, set_years_mentored))},
                       {"opted_out", "opted_out", YesNo(REMATCH_SET(mentor, set_opted_out))},
                       {"supervises_sites", "supervised_site_ids", List(REMATCH_ITEM(mentor, add_supervised_site_ids()), true)},
                   }};
  return *spec;
}

const FileSpec& Candidates() {
  static const FileSpec* const spec =
      new FileSpec{"candidates.csv",
                   {
                       {"candidate_id", "id", Id(REMATCH_FIELD(candidate, mutable_id())), true},
                       {"program_id", "program_id", Id(REMATCH_FIELD(candidate, mutable_program_id())), true},
                       {"name", "contact.display_name", Text(REMATCH_FIELD(candidate, mutable_contact()->mutable_display_name())), true},
                       {"email", "contact.email", Email(REMATCH_FIELD(candidate, mutable_contact()->mutable_email())), true},
                       {"phone", "contact.phone", Text(REMATCH_FIELD(candidate, mutable_contact()->mutable_phone()))},
                       {"site_id", "site_id", Id(REMATCH_FIELD(candidate, mutable_site_id())), true},
                       {"credential", "credential", Text(REMATCH_FIELD(candidate, mutable_credential())), true},
                       {"grade_band", "grade_band", Text(REMATCH_FIELD(candidate, mutable_grade_band())), true},
                       {"subjects", "subjects", List(REMATCH_ITEM(candidate, add_subjects()))},
                       {"enrolled", "enroll_time", SetEnrolled, true},
                       {"mentor_id", "mentor_id", Id(REMATCH_FIELD(candidate, mutable_mentor_id()))},
                   }};
  return *spec;
}

#undef REMATCH_FIELD
#undef REMATCH_ITEM
#undef REMATCH_SET

// The columns of one file; sites.csv describes two kinds of rows.
std::vector<const FileSpec*> SpecsOf(std::string_view file) {
  if (file == "programs.csv") return {&Programs()};
  if (file == "sites.csv") return {&Districts(), &Sites()};
  if (file == "mentors.csv") return {&Mentors()};
  if (file == "candidates.csv") return {&Candidates()};
  return {};
}

}  // namespace

std::string RosterError::ToString() const { return file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + what; }

const std::vector<std::string>& RosterFileNames() {
  static const std::vector<std::string>* const names =
      new std::vector<std::string>{"programs.csv", "sites.csv", "mentors.csv", "candidates.csv"};
  return *names;
}

// Reads one file after another into a Roster.
class RosterReader {
 public:
  Roster Run(const std::vector<RosterFile>& files) && {
    for (const std::string& name : RosterFileNames()) {
      for (const RosterFile& file : files) {
        if (file.name != name) continue;
        const auto first = static_cast<ptrdiff_t>(roster_.errors_.size());
        ReadFile(file);
        std::stable_sort(roster_.errors_.begin() + first, roster_.errors_.end(), [](const RosterError& a, const RosterError& b) {
          return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
        });
      }
    }
    for (const RosterFile& file : files) {
      if (SpecsOf(file.name).empty()) {
        Fail(file.name, {}, "is none of programs.csv, sites.csv, mentors.csv, candidates.csv");
      }
    }
    return std::move(roster_);
  }

 private:
  void Fail(const std::string& file, csv::Position at, std::string what) { roster_.errors_.push_back({file, at, std::move(what)}); }

  void ReadFile(const RosterFile& file) {
    const csv::Document document = csv::Parse(file.bytes);
    for (const csv::Problem& problem : document.problems) Fail(file.name, problem.at, problem.what);
    if (document.records.empty()) {
      if (document.problems.empty()) Fail(file.name, {}, "is empty: the first line must name the columns");
      return;
    }
    const std::vector<const FileSpec*> specs = SpecsOf(file.name);
    const std::optional<std::map<std::string, size_t>> columns = ReadHeader(file.name, specs, document.records.front());
    if (!columns.has_value()) return;
    std::map<std::string, csv::Position> seen;
    for (size_t i = 1; i < document.records.size(); ++i) {
      const csv::Record& record = document.records[i];
      const size_t expected = document.records.front().fields.size();
      if (record.fields.size() != expected) {
        const csv::Position at = record.fields.size() > expected ? record.fields[expected].at : record.fields.back().at;
        Fail(file.name, at, "has " + std::to_string(record.fields.size()) + " fields where the header has " + std::to_string(expected));
        continue;
      }
      for (const FileSpec* spec : specs) ReadRow(file.name, *spec, *columns, record, seen);
    }
  }

  // Title -> index, or nothing when the header is wrong.
  std::optional<std::map<std::string, size_t>> ReadHeader(const std::string& file, const std::vector<const FileSpec*>& specs,
                                                          const csv::Record& header) {
    std::set<std::string> known, needed;
    for (const FileSpec* spec : specs) {
      for (const Column& column : spec->columns) {
        known.insert(std::string(column.title));
        if (!column.optional) needed.insert(std::string(column.title));
      }
    }
    std::map<std::string, size_t> found;
    bool good = true;
    for (size_t i = 0; i < header.fields.size(); ++i) {
      const std::string title(absl::StripAsciiWhitespace(header.fields[i].text));
      if (!known.contains(title)) {
        Fail(file, header.fields[i].at, "unknown column" + (IsId(title) ? " " + title : std::string()));
        good = false;
      } else if (!found.emplace(title, i).second) {
        Fail(file, header.fields[i].at, "column " + title + " comes twice");
        good = false;
      }
    }
    std::string missing;
    for (const std::string& title : needed) {
      if (!found.contains(title)) missing += (missing.empty() ? "" : ", ") + title;
    }
    if (!missing.empty()) {
      Fail(file, header.at(), "missing column " + missing);
      good = false;
    }
    if (!good) return std::nullopt;
    return found;
  }

  void ReadRow(const std::string& file, const FileSpec& spec, const std::map<std::string, size_t>& columns, const csv::Record& record,
               std::map<std::string, csv::Position>& seen) {
    Row row;
    row.set_file(file);
    row.set_line(record.at().line);
    const csv::Field& id_field = record.fields[columns.at(std::string(spec.columns.front().title))];
    const std::string id(absl::StripAsciiWhitespace(id_field.text));
    bool good = true;
    std::string content;
    for (const Column& column : spec.columns) {
      const auto at = columns.find(std::string(column.title));
      if (at == columns.end()) continue;  // an optional one that the file does not have
      const csv::Field& field = record.fields[at->second];
      const std::string text(absl::StripAsciiWhitespace(field.text));
      content += text + '\0';
      roster_.origins_[{file, record.at().line, std::string(column.field)}] = {field.at, std::string(column.title)};
      if (column.optional && text.empty()) continue;
      const std::string expected = column.required && text.empty() ? "must not be empty" : column.set(text, row);
      if (expected.empty()) continue;
      // The district's id is a column of the site as well, which says it.
      if (&spec == &Districts() && column.title == "district_id") continue;
      Fail(file, field.at, std::string(column.title) + " " + expected);
      good = false;
    }
    if (!good || id.empty()) return;
    if (&spec == &Districts()) {
      const auto [known, is_new] = districts_.emplace(id, std::make_pair(content, id_field.at));
      if (!is_new) {
        if (known->second.first != content) {
          Fail(file, id_field.at,
               "district_id comes with another name, representative, email, phone or sharing than in line " +
                   std::to_string(known->second.second.line));
        }
        return;
      }
    } else if (const auto [known, is_new] = seen.emplace(id, id_field.at); !is_new) {
      Fail(file, id_field.at,
           std::string(spec.columns.front().title) + " comes twice, first in line " + std::to_string(known->second.line));
      return;
    }
    roster_.rows_.push_back(std::move(row));
  }

  Roster roster_;
  std::map<std::string, std::pair<std::string, csv::Position>> districts_;
};

RosterError Roster::Locate(const ImportRosterResponse::RowError& error) const {
  // The service may name an item of a list, `subjects[2]`.
  const std::string field = error.field().substr(0, error.field().find('['));
  const auto origin = origins_.find({error.file(), error.line(), field});
  if (origin == origins_.end()) {
    return {error.file(), {std::max(1, error.line()), 1}, (error.field().empty() ? "" : error.field() + " ") + error.description()};
  }
  return {error.file(), origin->second.at, origin->second.title + " " + error.description()};
}

Roster ReadRoster(const std::vector<RosterFile>& files) { return RosterReader().Run(files); }

}  // namespace rematch::cli
