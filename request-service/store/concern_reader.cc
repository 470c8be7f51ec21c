#include "request-service/store/concern_reader.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"

namespace rematch::request {
namespace {

using sql::Row;
using sql::Value;

constexpr char kAllOfConcern[] = "concern, words, note";
constexpr char kConcernWithoutText[] = "concern, '', ''";

absl::Status Unreadable() { return sql::StoreError(sql::Failure::kSplit, "a stored row cannot be read"); }

template <typename Found>
absl::StatusOr<std::optional<Found>> FirstOf(absl::StatusOr<std::vector<Found>> rows) {
  REMATCH_RETURN_IF_ERROR(rows.status());
  if (rows->empty()) return std::optional<Found>();
  return std::optional<Found>(std::move(rows->front()));
}

void Count(v1::SurveyResponse::State state, int count, SurveyRow& row) {
  if (state != v1::SurveyResponse::NOT_SENT) row.invited += count;
  if (state == v1::SurveyResponse::ANSWERED) row.answered += count;
  if (state == v1::SurveyResponse::UNDELIVERABLE) row.undeliverable += count;
}

}  // namespace

absl::StatusOr<std::vector<ConcernRow>> ConcernReader::ReadConcerns(const CaseKey& program, const std::string& columns,
                                                                    const std::string& where, std::vector<Value> values) {
  values.insert(values.begin(), {program.consortium, program.program});
  std::vector<ConcernRow> found;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    found.clear();
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<Row> rows,
        tx.Query(absl::StrCat("SELECT ", columns, " FROM concerns WHERE consortium = ? AND program = ?", where), values));
    for (const Row& row : rows) {
      ConcernRow& one = found.emplace_back(ConcernRow{.key = program, .concern = {}, .words = row.Text(1), .note = row.Text(2)});
      if (!one.concern.ParseFromString(row.Text(0))) return Unreadable();
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::vector<LetterRow>> ConcernReader::ReadLetters(const CaseKey& program, const std::string& where,
                                                                  std::vector<Value> values) {
  values.insert(values.begin(), {program.consortium, program.program});
  std::vector<LetterRow> found;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    found.clear();
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<Row> rows,
        tx.Query(absl::StrCat("SELECT letter, words FROM letters WHERE consortium = ? AND program = ?", where), values));
    for (const Row& row : rows) {
      LetterRow& one = found.emplace_back(LetterRow{.key = program, .letter = {}, .words = row.Text(1)});
      if (!one.letter.ParseFromString(row.Text(0))) return Unreadable();
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::vector<SurveyRow>> ConcernReader::ReadSurveys(const CaseKey& program, const std::string& but_of,
                                                                  const std::string& where, std::vector<Value> values) {
  values.insert(values.begin(), {program.consortium, program.program});
  std::vector<SurveyRow> found;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    found.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query(absl::StrCat("SELECT survey FROM surveys WHERE consortium = ? AND program = ?", where), values));
    std::map<std::string, size_t> places;
    std::vector<Value> ids;
    for (const Row& row : rows) {
      SurveyRow& one = found.emplace_back(SurveyRow{.key = program, .survey = {}});
      if (!one.survey.ParseFromString(row.Text(0))) return Unreadable();
      places[one.survey.id()] = found.size() - 1;
      ids.emplace_back(one.survey.id());
    }
    if (ids.empty()) return absl::OkStatus();
    sql::PadInList(ids);
    const std::string list = sql::InList(ids.size());
    ids.insert(ids.begin(), program.consortium);
    if (!but_of.empty()) ids.emplace_back(but_of);
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> counts,
                             tx.Query(absl::StrCat("SELECT survey, state, COUNT(*) FROM letters WHERE consortium = ? AND survey IN ", list,
                                                   but_of.empty() ? "" : " AND mentor <> ?", " GROUP BY survey, state"),
                                      ids));
    for (const Row& row : counts) {
      Count(static_cast<v1::SurveyResponse::State>(row.Int(1)), static_cast<int>(row.Int(2)), found[places.at(row.Text(0))]);
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::optional<ConcernRow>> ConcernReader::Concern(const CaseKey& program, const std::string& id) {
  return FirstOf(ReadConcerns(program, kAllOfConcern, " AND id = ?", {id}));
}

absl::StatusOr<std::optional<LetterRow>> ConcernReader::FindLetter(const CaseKey& program, const std::string& id) {
  return FirstOf(ReadLetters(program, " AND id = ?", {id}));
}

absl::StatusOr<std::optional<SurveyRow>> ConcernReader::Survey(const CaseKey& program, const std::string& but_of, const std::string& id) {
  return FirstOf(ReadSurveys(program, but_of, " AND id = ?", {id}));
}

absl::StatusOr<std::vector<ConcernRow>> ConcernReader::Concerns(const CaseKey& program, const std::string& but_of, bool open_only,
                                                                const std::string& before, size_t limit) {
  std::string where;
  std::vector<Value> values;
  if (open_only) where += " AND open = 1";
  if (!before.empty()) {
    where += " AND id < ?";
    values.emplace_back(before);
  }
  if (!but_of.empty()) {
    where += " AND mentor <> ?";
    values.emplace_back(but_of);
  }
  values.emplace_back(static_cast<int64_t>(limit));
  return ReadConcerns(program, kConcernWithoutText, where + " ORDER BY id DESC LIMIT ?", std::move(values));
}

absl::StatusOr<std::vector<SurveyRow>> ConcernReader::Surveys(const CaseKey& program, const std::string& but_of, const std::string& before,
                                                              size_t limit) {
  std::vector<Value> values;
  if (!before.empty()) values.emplace_back(before);
  values.emplace_back(static_cast<int64_t>(limit));
  return ReadSurveys(program, but_of, absl::StrCat(before.empty() ? "" : " AND id < ?", " ORDER BY id DESC LIMIT ?"), std::move(values));
}

absl::StatusOr<std::vector<LetterRow>> ConcernReader::Responses(const CaseKey& program, const std::string& survey,
                                                                const std::string& but_of, const std::string& after, size_t limit) {
  std::vector<Value> values = {survey, after};
  if (!but_of.empty()) values.emplace_back(but_of);
  values.emplace_back(static_cast<int64_t>(limit));
  return ReadLetters(
      program, absl::StrCat(" AND survey = ? AND candidate > ?", but_of.empty() ? "" : " AND mentor <> ?", " ORDER BY candidate LIMIT ?"),
      std::move(values));
}

}  // namespace rematch::request
