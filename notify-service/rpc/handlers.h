// The published RPCs of notify-service: checks what comes in, asks the door or the store, says whose a notification is.
#ifndef REMATCH_NOTIFY_SERVICE_RPC_HANDLERS_H_
#define REMATCH_NOTIFY_SERVICE_RPC_HANDLERS_H_

#include <functional>
#include <string>

#include "notify-service/domain/templates.h"
#include "notify-service/rpc/reader.h"
#include "notify-service/store/notify_store.h"
#include "platform/group_commit.h"
#include "platform/rpc/call.h"
#include "platform/rpc/feed.h"
#include "rematch/notify/v1/service.grpc.pb.h"

namespace rematch::notify {

// Thread-safe.
class Handlers final : public v1::NotifyService::CallbackService {
 public:
  Handlers(rpc::Calls& calls, rpc::FeedHub& feeds, GroupCommit<Command>& door, NotifyStore& store, TemplateStore& words, Reader& reader,
           std::string mail_domain)
      : calls_(calls),
        feeds_(feeds),
        door_(door),
        store_(store),
        words_(words),
        reader_(reader),
        templates_(words.release()),
        mail_domain_(std::move(mail_domain)) {}

  grpc::ServerUnaryReactor* SendNotification(grpc::CallbackServerContext* context, const v1::SendNotificationRequest* request,
                                             v1::Notification* response) override;
  grpc::ServerUnaryReactor* GetNotification(grpc::CallbackServerContext* context, const v1::GetNotificationRequest* request,
                                            v1::Notification* response) override;
  grpc::ServerUnaryReactor* ListNotifications(grpc::CallbackServerContext* context, const v1::ListNotificationsRequest* request,
                                              v1::ListNotificationsResponse* response) override;
  grpc::ServerUnaryReactor* CancelNotification(grpc::CallbackServerContext* context, const v1::CancelNotificationRequest* request,
                                               v1::Notification* response) override;
  grpc::ServerUnaryReactor* ReportBounce(grpc::CallbackServerContext* context, const v1::ReportBounceRequest* request,
                                         v1::Notification* response) override;
  grpc::ServerUnaryReactor* RetryNotification(grpc::CallbackServerContext* context, const v1::RetryNotificationRequest* request,
                                              v1::Notification* response) override;
  grpc::ServerWriteReactor<v1::Delivery>* WatchDeliveries(grpc::CallbackServerContext* context,
                                                          const v1::WatchDeliveriesRequest* request) override;
  grpc::ServerUnaryReactor* ListTemplates(grpc::CallbackServerContext* context, const v1::ListTemplatesRequest* request,
                                          v1::ListTemplatesResponse* response) override;
  grpc::ServerUnaryReactor* PreviewNotification(grpc::CallbackServerContext* context, const v1::PreviewNotificationRequest* request,
                                                v1::PreviewNotificationResponse* response) override;
  grpc::ServerUnaryReactor* CreateTemplateVersion(grpc::CallbackServerContext* context, const v1::CreateTemplateVersionRequest* request,
                                                  v1::TemplateVersion* response) override;
  grpc::ServerUnaryReactor* GetTemplateVersion(grpc::CallbackServerContext* context, const v1::GetTemplateVersionRequest* request,
                                               v1::TemplateVersion* response) override;
  grpc::ServerUnaryReactor* ListTemplateVersions(grpc::CallbackServerContext* context, const v1::ListTemplateVersionsRequest* request,
                                                 v1::ListTemplateVersionsResponse* response) override;

 private:
  // A change of a notification by somebody who may read it.
  template <typename Request>
  grpc::ServerUnaryReactor* ChangeOwn(grpc::CallbackServerContext* context, const Request* request, v1::Notification* response,
                                      Command (*make)(Key target));
  absl::StatusOr<v1::ListNotificationsResponse> List(const rpc::Call& call, const v1::ListNotificationsRequest& request);
  absl::StatusOr<v1::ListTemplateVersionsResponse> ListVersions(const rpc::Call& call, const v1::ListTemplateVersionsRequest& request);
  // Hands a write to the door; answers when it is committed, with what `finish` adds to the remembered answer. Never blocks.
  template <typename Response>
  void Submit(
      const rpc::Call& call, std::string scope, const std::string& request_id, const google::protobuf::Message& request, Command command,
      rpc::Done<Response> done, std::function<void(Response&)> finish = [](Response&) {});

  rpc::Calls& calls_;
  rpc::FeedHub& feeds_;
  GroupCommit<Command>& door_;
  NotifyStore& store_;
  TemplateStore& words_;
  Reader& reader_;
  const Templates& templates_;
  const std::string mail_domain_;
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_RPC_HANDLERS_H_
