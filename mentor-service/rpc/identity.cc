#include "mentor-service/rpc/identity.h"

#include <memory>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/ids.h"
#include "platform/strings.h"

namespace rematch::mentor {

std::string CanonicalBody(const google::protobuf::Message& message) {
  std::unique_ptr<google::protobuf::Message> copy(message.New());
  copy->CopyFrom(message);
  if (const auto* field = copy->GetDescriptor()->FindFieldByName("request_id")) copy->GetReflection()->ClearField(copy.get(), field);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    copy->SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string BodyHash(const rpc::Call& call, const std::string& body) {
  const std::string person = call.caller.role == access::kService ? "" : call.caller.person;
  return absl::BytesToHexString(platform::Sha256(absl::StrCat(ToAbsl(call.method), "\n", call.caller.role, "\n", person, "\n", body)));
}

}  // namespace rematch::mentor
