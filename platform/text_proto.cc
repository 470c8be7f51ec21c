#include "platform/text_proto.h"

#include <string>

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"

namespace rematch::platform {
namespace {

// Keeps the first error: what follows is mostly its echo.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!text.empty()) return;
    // A line of -1: of the file as a whole.
    text = line < 0 ? message : absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }

  std::string text;
};

}  // namespace

absl::Status ParseTextProto(std::string_view text, std::string_view reason, google::protobuf::Message& message) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  google::protobuf::io::ArrayInputStream in(text.data(), static_cast<int>(text.size()));
  return parser.Parse(&in, &message) ? absl::OkStatus() : Error(absl::StatusCode::kInvalidArgument, reason, error.text);
}

std::string PrintTextProto(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return absl::StrCat("# proto-message: ", message.GetDescriptor()->full_name(), "\n", text);
}

}  // namespace rematch::platform
