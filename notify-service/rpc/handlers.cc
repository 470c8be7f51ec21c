#include "notify-service/rpc/handlers.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "notify-service/domain/notification.h"
#include "notify-service/domain/reasons.h"
#include "notify-service/domain/request.h"
#include "platform/errors.h"
#include "platform/rpc/identity.h"
#include "platform/strings.h"
#include "platform/validation.h"

namespace rematch::notify {
namespace {

constexpr int kFeedPage = 500;
// How much a list reads for a caller who may see little of it, before it answers with a short page and a token.
constexpr int kMaxListReads = 20;

// A leader reads what the programs of their consortium say: which of them they lead is not known here.
absl::Status CheckConsortium(const rpc::Call& call, std::string_view name) {
  access::Owners owners;
  owners.consortium = ConsortiumOf(name);
  if (access::MayTouch(call.caller, call.method, owners)) return absl::OkStatus();
  return Error(absl::StatusCode::kNotFound, rematch::reason::kNotFound, "no such program");
}

}  // namespace

template <typename Response>
void Handlers::Submit(const rpc::Call& call, std::string scope, const std::string& request_id, const google::protobuf::Message& request,
                      Command command, rpc::Done<Response> done, std::function<void(Response&)> finish) {
  CommandMeta meta;
  meta.scope = std::move(scope);
  meta.request_id = request_id;
  meta.body_hash = rpc::BodyHash(call, request);
  meta.deadline = call.deadline;
  door_.Submit(std::move(meta), std::move(command),
               [done = std::move(done), finish = std::move(finish)](const absl::StatusOr<std::string>& reply) {
                 if (!reply.ok()) return done(reply.status());
                 Response answer;
                 if (!answer.ParseFromString(*reply)) return done(absl::InternalError("a stored answer is not readable"));
                 finish(answer);
                 done(std::move(answer));
               });
}

grpc::ServerUnaryReactor* Handlers::SendNotification(grpc::CallbackServerContext* context, const v1::SendNotificationRequest* request,
                                                     v1::Notification* response) {
  return calls_.Deferred(context, request, response,
                         [this](const rpc::Call& call, const v1::SendNotificationRequest& asked, rpc::Done<v1::Notification> done) {
                           absl::StatusOr<Draft> draft = CheckSend(templates_, asked);
                           if (!draft.ok()) return done(draft.status());
                           const std::string name = NotificationName(draft->key.consortium, draft->key.id);
                           Submit(call, asked.parent(), asked.request_id(), asked,
                                  Accept{.draft = *std::move(draft), .message_id = MessageId(name, mail_domain_)}, std::move(done));
                         });
}

grpc::ServerUnaryReactor* Handlers::GetNotification(grpc::CallbackServerContext* context, const v1::GetNotificationRequest* request,
                                                    v1::Notification* response) {
  return calls_.Deferred(context, request, response,
                         [this](const rpc::Call& call, const v1::GetNotificationRequest& asked, rpc::Done<v1::Notification> done) {
                           Violations bad;
                           Key key = CheckNotificationName(bad, asked.name());
                           if (!bad.empty()) return done(bad.ToStatus());
                           reader_.Get(call, std::move(key), std::move(done));
                         });
}

absl::StatusOr<v1::ListNotificationsResponse> Handlers::List(const rpc::Call& call, const v1::ListNotificationsRequest& request) {
  Violations bad;
  const std::string consortium = CheckName(bad, "parent", request.parent(), "consortia/*")[0];
  const int page_size = CheckPageSize(bad, request.page_size());
  CheckOrigin(bad, "origin", request.origin());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = absl::StrCat("notifications\n", request.parent(), "\n", request.origin());
  constexpr size_t kPositionSize = 2;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> token, ReadPageToken(question, request.page_token(), kPositionSize));
  std::optional<NotifyStore::ListPosition> after;
  if (!token.empty()) {
    after.emplace();
    if (!absl::SimpleAtoi(token[0], &after->created))
      return Error(absl::StatusCode::kInvalidArgument, rematch::reason::kInvalidField, "page_token");
    after->id = token[1];
  }
  v1::ListNotificationsResponse response;
  for (int reads = 0; reads < kMaxListReads; ++reads) {
    REMATCH_ASSIGN_OR_RETURN(std::vector<NotifyStore::Listed> found, store_.List(consortium, request.origin(), after, page_size));
    const bool last = static_cast<int>(found.size()) < page_size;
    for (NotifyStore::Listed& one : found) {
      after = one.position;
      if (!MayRead(call, one.notification)) continue;
      *response.add_notifications() = std::move(one.notification);
      if (response.notifications_size() == page_size) break;
    }
    if (response.notifications_size() == page_size || last) {
      // Where the page ended in the middle of what was read, or a full page was read, more may follow.
      const bool consumed = found.empty() || (after->id == found.back().position.id && after->created == found.back().position.created);
      if (last && consumed) return response;
      break;
    }
  }
  response.set_next_page_token(MakePageToken(question, {absl::StrCat(after->created), after->id}));
  return response;
}

grpc::ServerUnaryReactor* Handlers::ListNotifications(grpc::CallbackServerContext* context, const v1::ListNotificationsRequest* request,
                                                      v1::ListNotificationsResponse* response) {
  return calls_.Blocking(context, request, response,
                         [this](const rpc::Call& call, const v1::ListNotificationsRequest& asked) { return List(call, asked); });
}

grpc::ServerUnaryReactor* Handlers::CancelNotification(grpc::CallbackServerContext* context, const v1::CancelNotificationRequest* request,
                                                       v1::Notification* response) {
  return calls_.Deferred(context, request, response,
                         [this](const rpc::Call& call, const v1::CancelNotificationRequest& asked, rpc::Done<v1::Notification> done) {
                           Violations bad;
                           Key key = CheckNotificationName(bad, asked.name());
                           CheckRequestId(bad, asked.request_id());
                           if (!bad.empty()) return done(bad.ToStatus());
                           Submit(call, asked.name(), asked.request_id(), asked, CallBack{.target = std::move(key)}, std::move(done));
                         });
}

template <typename Request>
grpc::ServerUnaryReactor* Handlers::ChangeOwn(grpc::CallbackServerContext* context, const Request* request, v1::Notification* response,
                                              Command (*make)(Key target)) {
  return calls_.Deferred(
      context, request, response, [this, make](const rpc::Call& call, const Request& asked, rpc::Done<v1::Notification> done) {
        Violations bad;
        Key key = CheckNotificationName(bad, asked.name());
        CheckRequestId(bad, asked.request_id());
        if (!bad.empty()) return done(bad.ToStatus());
        // Whose it is never changes, so it may be read outside the door's transaction.
        const Key target = key;
        reader_.Get(call, std::move(key), [this, call, &asked, target, make, done](const absl::StatusOr<v1::Notification>& found) {
          if (!found.ok()) return done(found.status());
          Submit(call, asked.name(), asked.request_id(), asked, make(target), done);
        });
      });
}

grpc::ServerUnaryReactor* Handlers::RetryNotification(grpc::CallbackServerContext* context, const v1::RetryNotificationRequest* request,
                                                      v1::Notification* response) {
  return ChangeOwn(context, request, response, [](Key target) -> Command { return TryAgain{.target = std::move(target)}; });
}

grpc::ServerUnaryReactor* Handlers::ReportBounce(grpc::CallbackServerContext* context, const v1::ReportBounceRequest* request,
                                                 v1::Notification* response) {
  return ChangeOwn(context, request, response, [](Key target) -> Command { return ComeBack{.target = std::move(target)}; });
}

grpc::ServerWriteReactor<v1::Delivery>* Handlers::WatchDeliveries(grpc::CallbackServerContext* context,
                                                                  const v1::WatchDeliveriesRequest* request) {
  return feeds_.Watch<v1::Delivery>(
      context, request,
      [this, position = request->after_position()](const rpc::Call& call, const v1::WatchDeliveriesRequest& asked,
                                                   bool* end) mutable -> absl::StatusOr<std::vector<v1::Delivery>> {
        Violations bad;
        const bool all = asked.parent() == "consortia/-";
        const std::string consortium = all ? "" : CheckName(bad, "parent", asked.parent(), "consortia/*")[0];
        if (asked.after_position() < 0) bad.Add("after_position", "must not be negative");
        if (!bad.empty()) return bad.ToStatus();
        if (all && call.caller.role != access::kService) return access::NotAllowed();
        REMATCH_ASSIGN_OR_RETURN(std::vector<v1::Delivery> found, store_.Deliveries(consortium, position, kFeedPage));
        if (!found.empty()) position = found.back().position();
        const bool more = found.size() == static_cast<size_t>(kFeedPage);
        *end = !more && !asked.follow();
        if (more) feeds_.Wake();  // as soon as these went out, not an interval later
        return found;
      });
}

grpc::ServerUnaryReactor* Handlers::ListTemplates(grpc::CallbackServerContext* context, const v1::ListTemplatesRequest* request,
                                                  v1::ListTemplatesResponse* response) {
  return calls_.Deferred(context, request, response,
                         [this](const rpc::Call&, const v1::ListTemplatesRequest&, rpc::Done<v1::ListTemplatesResponse> done) {
                           v1::ListTemplatesResponse all;
                           for (const auto& [name, kind] : templates_.kinds()) {
                             v1::Template& one = *all.add_templates();
                             one.set_name("templates/" + name);
                             one.set_subject(kind.subject);
                             one.set_text(kind.text);
                             one.set_html(kind.html);
                             for (const std::string& variable : kind.variables) one.add_variables(variable);
                           }
                           done(std::move(all));
                         });
}

grpc::ServerUnaryReactor* Handlers::PreviewNotification(grpc::CallbackServerContext* context, const v1::PreviewNotificationRequest* request,
                                                        v1::PreviewNotificationResponse* response) {
  const auto show = [this](const v1::PreviewNotificationRequest& asked,
                           const std::shared_ptr<const Kind>& own) -> absl::StatusOr<v1::PreviewNotificationResponse> {
    REMATCH_ASSIGN_OR_RETURN(Rendered rendered, CheckPreview(templates_, asked, own));
    v1::PreviewNotificationResponse preview;
    preview.set_subject(std::move(rendered.subject));
    preview.set_text_body(std::move(rendered.text));
    preview.set_html_body(std::move(rendered.html));
    return preview;
  };
  if (request->program().empty() || request->has_source()) {
    return calls_.Deferred(context, request, response,
                           [show](const rpc::Call&, const v1::PreviewNotificationRequest& asked,
                                  rpc::Done<v1::PreviewNotificationResponse> done) { done(show(asked, nullptr)); });
  }
  return calls_.Blocking(
      context, request, response,
      [this, show](const rpc::Call& call, const v1::PreviewNotificationRequest& asked) -> absl::StatusOr<v1::PreviewNotificationResponse> {
        // Words of a program are not read for a request that is refused.
        REMATCH_RETURN_IF_ERROR(show(asked, nullptr).status());
        Violations bad;
        const TemplateKey key = CheckTemplateKey(bad, "template", asked.program(), asked.template_());
        if (!bad.empty()) return bad.ToStatus();
        REMATCH_RETURN_IF_ERROR(CheckConsortium(call, key.ProgramName()));
        REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const Kind> own, words_.Words(key));
        return show(asked, own);
      });
}

grpc::ServerUnaryReactor* Handlers::CreateTemplateVersion(grpc::CallbackServerContext* context,
                                                          const v1::CreateTemplateVersionRequest* request, v1::TemplateVersion* response) {
  // The request has what the answer says; remembered answers stay small.
  const auto finish = [this](const v1::CreateTemplateVersionRequest& asked, const TemplateKey& key, const Kind* own) {
    const Kind& words = own == nullptr ? *templates_.Find(key.kind) : *own;
    v1::TemplateSource source = asked.source();
    if (own == nullptr) {
      source.set_subject(words.subject);
      source.set_text(words.text);
      source.set_html(words.html);
    }
    return [source = std::move(source), variables = words.variables](v1::TemplateVersion& answer) {
      *answer.mutable_source() = source;
      for (const std::string& variable : variables) answer.add_variables(variable);
    };
  };
  if (request->validate_only()) {
    return calls_.Blocking(
        context, request, response,
        [this, finish](const rpc::Call& call, const v1::CreateTemplateVersionRequest& asked) -> absl::StatusOr<v1::TemplateVersion> {
          REMATCH_ASSIGN_OR_RETURN(const Publication checked, CheckTemplateVersion(templates_, asked));
          REMATCH_ASSIGN_OR_RETURN(
              v1::TemplateVersion answer,
              words_.Foresee({.target = checked.key, .source = asked.source(), .own = checked.own, .creator = call.caller.person}));
          finish(asked, checked.key, checked.own.get())(answer);
          return answer;
        });
  }
  return calls_.Deferred(
      context, request, response,
      [this, finish](const rpc::Call& call, const v1::CreateTemplateVersionRequest& asked, rpc::Done<v1::TemplateVersion> done) {
        const absl::StatusOr<Publication> checked = CheckTemplateVersion(templates_, asked);
        if (!checked.ok()) return done(checked.status());
        Submit<v1::TemplateVersion>(
            call, asked.parent(), asked.request_id(), asked,
            PublishTemplate{.target = checked->key, .source = asked.source(), .own = checked->own, .creator = call.caller.person},
            std::move(done), finish(asked, checked->key, checked->own.get()));
      });
}

grpc::ServerUnaryReactor* Handlers::GetTemplateVersion(grpc::CallbackServerContext* context, const v1::GetTemplateVersionRequest* request,
                                                       v1::TemplateVersion* response) {
  return calls_.Blocking(context, request, response,
                         [this](const rpc::Call& call, const v1::GetTemplateVersionRequest& asked) -> absl::StatusOr<v1::TemplateVersion> {
                           Violations bad;
                           int64_t version = 0;
                           const TemplateKey key = CheckVersionName(bad, asked.name(), version);
                           if (!bad.empty()) return bad.ToStatus();
                           REMATCH_RETURN_IF_ERROR(CheckConsortium(call, asked.name()));
                           return words_.Find(key, version);
                         });
}

absl::StatusOr<v1::ListTemplateVersionsResponse> Handlers::ListVersions(const rpc::Call& call,
                                                                        const v1::ListTemplateVersionsRequest& request) {
  Violations bad;
  const TemplateKey key = CheckTemplateKey(bad, "template", request.parent(), request.template_());
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_RETURN_IF_ERROR(CheckConsortium(call, request.parent()));
  const std::string question = absl::StrCat("template versions\n", request.parent(), "\n", request.template_());
  constexpr size_t kPositionSize = 2;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> token, ReadPageToken(question, request.page_token(), kPositionSize));
  TemplateStore::Position after;
  if (!token.empty()) {
    after.kind = token[0];
    if (!absl::SimpleAtoi(token[1], &after.version))
      return Error(absl::StatusCode::kInvalidArgument, rematch::reason::kInvalidField, "page_token");
  }
  // One more shows whether there is another page.
  REMATCH_ASSIGN_OR_RETURN(std::vector<v1::TemplateVersion> found, words_.List(key, after, page_size + 1));
  v1::ListTemplateVersionsResponse response;
  if (found.size() > static_cast<size_t>(page_size)) {
    found.pop_back();
    const v1::TemplateVersion& last = found.back();
    response.set_next_page_token(
        MakePageToken(question, {last.template_().substr(last.template_().find('/') + 1), absl::StrCat(last.version())}));
  }
  for (v1::TemplateVersion& one : found) *response.add_template_versions() = std::move(one);
  return response;
}

grpc::ServerUnaryReactor* Handlers::ListTemplateVersions(grpc::CallbackServerContext* context,
                                                         const v1::ListTemplateVersionsRequest* request,
                                                         v1::ListTemplateVersionsResponse* response) {
  return calls_.Blocking(context, request, response,
                         [this](const rpc::Call& call, const v1::ListTemplateVersionsRequest& asked) { return ListVersions(call, asked); });
}

}  // namespace rematch::notify
