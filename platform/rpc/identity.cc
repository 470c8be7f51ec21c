#include "platform/rpc/identity.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "platform/canonical.h"
#include "platform/strings.h"

namespace rematch::rpc {

std::string BodyHash(const Call& call, const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> body(request.New());
  body->CopyFrom(request);
  if (const auto* field = body->GetDescriptor()->FindFieldByName("request_id")) body->GetReflection()->ClearField(body.get(), field);
  return BodyHash(call, platform::CanonicalBytes(*body));
}

std::string BodyHash(const Call& call, std::string_view body) {
  return platform::HexHash(absl::StrCat(ToAbsl(call.method), "\n", call.caller.role, "\n", call.caller.person, "\n", ToAbsl(body)));
}

}  // namespace rematch::rpc
