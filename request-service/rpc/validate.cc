#include "request-service/rpc/validate.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "platform/validation.h"

namespace rematch::request {
namespace {

constexpr int kMostMentors = 500;
constexpr int kMostWords = 50;
constexpr size_t kLongestWord = 100;

using Names = google::protobuf::RepeatedPtrField<std::string>;

// Mentors of the case's consortium, each once over all lists that share `seen`.
void CheckMentors(Violations& bad, std::string_view field, const Names& names, const CaseKey& key, std::set<std::string>& seen) {
  if (names.size() > kMostMentors) {
    bad.Add(field, absl::StrCat("must name at most ", kMostMentors, " mentors"));
    return;
  }
  for (int i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(std::string(field), "[", i, "]");
    CheckMentorOf(bad, path, names[i], key);
    if (!seen.insert(names[i]).second) bad.Add(path, "must not be named twice");
  }
}

void CheckWords(Violations& bad, const std::string& field, const Names& words) {
  if (words.size() > kMostWords) bad.Add(field, absl::StrCat("must have at most ", kMostWords, " entries"));
  for (int i = 0; i < std::min(words.size(), kMostWords); ++i)
    CheckText(bad, absl::StrCat(field, "[", i, "]"), words[i], kLongestWord, true);
}

}  // namespace

void CheckMentorOf(Violations& bad, std::string_view field, std::string_view mentor, const CaseKey& key) {
  const std::vector<std::string> ids = CheckName(bad, field, mentor, "consortia/*/mentors/*");
  if (!ids[0].empty() && !key.consortium.empty() && ids[0] != key.consortium) bad.Add(field, "must be of the consortium of the case");
}

Target CheckCase(Violations& bad, std::string_view field, std::string_view name, std::string_view collection) {
  std::string pattern = "consortia/*/programs/*/reassignments/*";
  if (!collection.empty()) pattern += "/" + std::string(collection) + "/*";
  const std::vector<std::string> ids = CheckName(bad, field, name, pattern);
  return {.key = {.consortium = ids[0], .program = ids[1], .id = ids[2]}, .child = collection.empty() ? "" : ids[3]};
}

void CheckEtag(Violations& bad, std::string_view etag) {
  if (etag.size() > 20 || !std::all_of(etag.begin(), etag.end(), [](char c) { return absl::ascii_isdigit(c); })) {
    bad.Add("etag", "must come from the resource");
  }
}

void CheckContact(Violations& bad, const std::string& field, const mentor::v1::Contact& contact) {
  CheckDisplayName(bad, field + ".display_name", contact.display_name());
  CheckEmail(bad, field + ".email", contact.email());
  CheckPhone(bad, field + ".phone", contact.phone());
}

void CheckGround(Violations& bad, v1::CloseGround ground) {
  if (!v1::CloseGround_IsValid(ground) || ground == v1::CLOSE_GROUND_UNSPECIFIED) bad.Add("ground", "must say why the case is closed");
}

void CheckAnswer(Violations& bad, v1::OfferAnswer answer) {
  if (answer != v1::YES && answer != v1::NOT_NOW) bad.Add("answer", "must be YES or NOT_NOW");
}

void CheckReview(Violations& bad, const v1::ReviewReassignmentRequest& request, const CaseKey& key) {
  switch (request.decision()) {
    case v1::ReviewReassignmentRequest::PROCEED: {
      std::set<std::string> seen;
      CheckMentors(bad, "order", request.order(), key, seen);
      CheckMentors(bad, "strike", request.strike(), key, seen);
      if (request.ground() != v1::CLOSE_GROUND_UNSPECIFIED) bad.Add("ground", "must be unset when the case goes on");
      CheckText(bad, "note", request.note(), kMaxText, false);
      break;
    }
    case v1::ReviewReassignmentRequest::CLOSE:
      if (!request.order().empty()) bad.Add("order", "must be empty when the case is closed");
      if (!request.strike().empty()) bad.Add("strike", "must be empty when the case is closed");
      CheckGround(bad, request.ground());
      CheckText(bad, "note", request.note(), kMaxText, true);
      break;
    default:
      bad.Add("decision", "must be PROCEED or CLOSE");
  }
}

void CheckQualify(Violations& bad, const v1::QualifyPersonRequest& request, const CaseKey& key) {
  CheckText(bad, "note", request.note(), kMaxText, false);
  if (request.decision() == v1::QualifyPersonRequest::DISMISS) {
    if (!request.mentor().empty()) bad.Add("mentor", "must be empty when the person is dismissed");
    if (request.has_attributes()) bad.Add("attributes", "must be unset when the person is dismissed");
    return;
  }
  if (request.decision() != v1::QualifyPersonRequest::QUALIFY) {
    bad.Add("decision", "must be QUALIFY or DISMISS");
    return;
  }
  if (!request.mentor().empty()) {
    CheckMentorOf(bad, "mentor", request.mentor(), key);
    if (request.has_attributes()) bad.Add("attributes", "must be unset when the person has a record");
    return;
  }
  if (!request.has_attributes()) {
    bad.Add("attributes", "must be set for a person without a record");
    return;
  }
  const mentor::v1::Mentor& attributes = request.attributes();
  const std::vector<std::string> ids = CheckName(bad, "attributes.district", attributes.district(), "consortia/*/districts/*");
  if (!ids[0].empty() && !key.consortium.empty() && ids[0] != key.consortium) {
    bad.Add("attributes.district", "must be of the consortium of the case");
  }
  CheckWords(bad, "attributes.credentials", attributes.credentials());
  CheckWords(bad, "attributes.grade_bands", attributes.grade_bands());
  CheckWords(bad, "attributes.subjects", attributes.subjects());
  if (attributes.capacity() < 1 || attributes.capacity() > 50) bad.Add("attributes.capacity", "must be 1 to 50");
  if (attributes.years_mentored() < 0 || attributes.years_mentored() > 60) bad.Add("attributes.years_mentored", "must be 0 to 60");
}

std::string QuestionOf(const rpc::Call& call, std::initializer_list<std::string> parts) {
  std::string question = absl::StrCat(std::string(call.method), "\n", call.caller.role, "\n", call.caller.person);
  for (const std::string& part : parts) absl::StrAppend(&question, "\n", part);
  return question;
}

}  // namespace rematch::request
