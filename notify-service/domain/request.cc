#include "notify-service/domain/request.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "notify-service/domain/notification.h"
#include "platform/canonical.h"
#include "platform/strings.h"
#include "platform/validation.h"

namespace rematch::notify {
namespace {

constexpr size_t kMaxName = 255;
constexpr int kMaxReaders = 16;

constexpr std::string_view kTemplatePrefix = "templates/";
constexpr char kProgramPattern[] = "consortia/*/programs/*";

using Variables = std::map<std::string, std::string>;

bool IsReference(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isgraph(c); });
}

void CheckAddress(Violations& bad, const std::string& field, const v1::Address& address) {
  if (!address.display_name().empty()) CheckDisplayName(bad, field + ".display_name", address.display_name());
  CheckEmail(bad, field + ".email", address.email());
}

// The kind that `name` ("templates/first_approach") names; nullptr with a violation when there is none.
const Kind* CheckTemplate(Violations& bad, std::string_view field, const Templates& templates, std::string_view name) {
  const Kind* kind = name.starts_with(kTemplatePrefix) ? templates.Find(name.substr(kTemplatePrefix.size())) : nullptr;
  if (kind == nullptr) bad.Add(field, "must be the name of a template, such as templates/first_approach");
  return kind;
}

void SetAddress(stored::Address& out, const v1::Address& address) {
  out.set_display_name(address.display_name());
  out.set_email(address.email());
}

// The name of a kind, of this release or another one.
bool IsKind(std::string_view kind) {
  constexpr size_t kMaxKind = 63;
  return !kind.empty() && kind.size() <= kMaxKind &&
         std::all_of(kind.begin(), kind.end(), [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_'; });
}

// In whose words it goes out says nothing of what is told to whom: of a repetition, the first words stand.
std::string ContentHash(const v1::Notification& given) {
  v1::Notification content;
  content.set_template_(given.template_());
  *content.mutable_to() = given.to();
  if (given.has_reply_to()) *content.mutable_reply_to() = given.reply_to();
  *content.mutable_variables() = given.variables();
  content.set_origin(given.origin());
  *content.mutable_readers() = given.readers();
  return platform::HexHash(platform::CanonicalBytes(content));
}

}  // namespace

absl::StatusOr<Draft> CheckSend(const Templates& templates, const v1::SendNotificationRequest& request) {
  const v1::Notification& given = request.notification();
  Violations bad;
  Draft draft;
  draft.key = {.consortium = CheckName(bad, "parent", request.parent(), "consortia/*")[0], .id = request.notification_id()};
  if (!IsKey(draft.key.id)) bad.Add("notification_id", "must be 1 to 128 characters of a-z, A-Z, 0-9, `-`, `_` and `.`");
  CheckRequestId(bad, request.request_id());
  if (!request.has_notification()) bad.Add("notification", "must be set");
  if (!given.name().empty() && given.name() != NotificationName(draft.key.consortium, draft.key.id)) {
    bad.Add("notification.name", "must be empty, or that of the parent and the key");
  }
  CheckAddress(bad, "notification.to", given.to());
  if (given.has_reply_to()) CheckAddress(bad, "notification.reply_to", given.reply_to());
  CheckOrigin(bad, "notification.origin", given.origin());
  if (given.readers_size() > kMaxReaders) bad.Add("notification.readers", absl::StrCat("must be at most ", kMaxReaders));
  for (const std::string& reader : given.readers()) {
    if (!IsReference(reader)) bad.Add("notification.readers", "must be resource names of at most 255 characters");
  }
  const Variables variables(given.variables().begin(), given.variables().end());
  const Kind* kind = CheckTemplate(bad, "notification.template", templates, given.template_());
  if (kind != nullptr) templates.CheckVariables(bad, "notification.variables", *kind, variables);
  if (!given.program().empty()) {
    const std::vector<std::string> ids = CheckName(bad, "notification.program", given.program(), kProgramPattern);
    if (ids[0] != draft.key.consortium) bad.Add("notification.program", "must be of the parent");
    draft.words = {.consortium = ids[0], .program = ids[1], .kind = {}};
  }
  if (!bad.empty()) return bad.ToStatus();

  draft.words.kind = given.template_().substr(kTemplatePrefix.size());
  Rendered rendered = templates.Render(*kind, variables);
  draft.origin = given.origin();
  draft.readers.assign(given.readers().begin(), given.readers().end());
  draft.content_hash = ContentHash(given);
  draft.content.set_template_(given.template_());
  draft.content.set_program(given.program());
  SetAddress(*draft.content.mutable_to(), given.to());
  if (given.has_reply_to()) SetAddress(*draft.content.mutable_reply_to(), given.reply_to());
  draft.content.mutable_variables()->insert(variables.begin(), variables.end());
  draft.content.set_subject(std::move(rendered.subject));
  draft.text_body = std::move(rendered.text);
  draft.html_body = std::move(rendered.html);
  return draft;
}

absl::StatusOr<Rendered> CheckPreview(const Templates& templates, const v1::PreviewNotificationRequest& request,
                                      const std::shared_ptr<const Kind>& own) {
  Violations bad;
  if (!request.program().empty()) CheckName(bad, "program", request.program(), kProgramPattern);
  const Variables variables(request.variables().begin(), request.variables().end());
  const Kind* kind = CheckTemplate(bad, "template", templates, request.template_());
  if (kind != nullptr) templates.CheckVariables(bad, "variables", *kind, variables);
  std::shared_ptr<const Kind> words = own;
  if (kind != nullptr && request.has_source()) {
    words = templates.MakeOwn(bad, "source", request.template_().substr(kTemplatePrefix.size()), request.source());
  }
  if (!bad.empty()) return bad.ToStatus();
  return templates.Render(words == nullptr ? *kind : *words, variables);
}

absl::StatusOr<Publication> CheckTemplateVersion(const Templates& templates, const v1::CreateTemplateVersionRequest& request) {
  Violations bad;
  Publication publication{.key = CheckTemplateKey(bad, "template", request.parent(), ""), .own = nullptr};
  CheckRequestId(bad, request.request_id());
  const Kind* const kind = CheckTemplate(bad, "template", templates, request.template_());
  if (kind != nullptr) publication.key.kind = request.template_().substr(kTemplatePrefix.size());
  if (request.reset()) {
    if (request.has_source()) bad.Add("source", "must not be set with `reset`");
  } else if (!request.has_source()) {
    bad.Add("source", "must be set, unless `reset` is");
  } else if (kind != nullptr) {
    publication.own = templates.MakeOwn(bad, "source", publication.key.kind, request.source());
  }
  if (!bad.empty()) return bad.ToStatus();
  return publication;
}

TemplateKey CheckTemplateKey(Violations& bad, std::string_view field, std::string_view program, std::string_view given) {
  const std::vector<std::string> ids = CheckName(bad, "parent", program, kProgramPattern);
  TemplateKey key{.consortium = ids[0], .program = ids[1], .kind = {}};
  if (given.starts_with(kTemplatePrefix) && IsKind(given.substr(kTemplatePrefix.size()))) {
    key.kind = given.substr(kTemplatePrefix.size());
  } else if (!given.empty()) {
    bad.Add(field, "must be the name of a template, such as templates/first_approach");
  }
  return key;
}

TemplateKey CheckVersionName(Violations& bad, std::string_view name, int64_t& version) {
  // consortia/{}/programs/{}/templates/{}/versions/{}
  const std::vector<std::string> words = absl::StrSplit(ToAbsl(name), '/');
  constexpr size_t kWords = 8;
  if (words.size() == kWords && words[4] == "templates" && IsKind(words[5]) && words[6] == "versions" &&
      absl::SimpleAtoi(words[7], &version) && version >= 0 && absl::StrCat(version) == words[7]) {
    const auto ids = ParseName(absl::StrCat(words[0], "/", words[1], "/", words[2], "/", words[3]), kProgramPattern);
    if (ids.has_value()) return {.consortium = (*ids)[0], .program = (*ids)[1], .kind = words[5]};
  }
  bad.Add("name", "must be a name like consortia/*/programs/*/templates/*/versions/*");
  return {};
}

std::string TemplateKey::ProgramName() const { return absl::StrCat("consortia/", consortium, "/programs/", program); }

std::string TemplateKey::VersionName(int64_t version) const {
  return absl::StrCat(ProgramName(), "/templates/", kind, "/versions/", version);
}

void CheckOrigin(Violations& bad, std::string_view field, std::string_view origin) {
  if (!origin.empty() && !IsReference(origin)) bad.Add(field, "must be at most 255 printable characters without spaces");
}

Key CheckNotificationName(Violations& bad, std::string_view name) {
  constexpr std::string_view kMiddle = "/notifications/";
  const size_t middle = name.find(kMiddle);
  if (middle != name.npos) {
    const auto ids = ParseName(name.substr(0, middle), "consortia/*");
    const std::string_view id = name.substr(middle + kMiddle.size());
    if (ids.has_value() && IsKey(id)) return {.consortium = ids->front(), .id = std::string(id)};
  }
  bad.Add("name", "must be a name like consortia/*/notifications/*");
  return {};
}

}  // namespace rematch::notify
