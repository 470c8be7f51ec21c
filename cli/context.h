// What every command works with: where the services are, who calls, how to print; calls with paging; short names made whole.
#ifndef REMATCH_CLI_CONTEXT_H_
#define REMATCH_CLI_CONTEXT_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>
#include <google/protobuf/repeated_ptr_field.h>
#include <grpcpp/grpcpp.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/app.h"
#include "cli/failure.h"
#include "cli/names.h"
#include "cli/tables.h"
#include "platform/errors.h"
#include "platform/rpc/call.h"
#include "platform/rpc/channel.h"
#include "rematch/mentor/v1/service.grpc.pb.h"
#include "rematch/notify/v1/service.grpc.pb.h"
#include "rematch/request/v1/service.grpc.pb.h"

namespace rematch::cli {

using MentorStub = rematch::mentor::v1::MentorService::Stub;
using RequestStub = rematch::request::v1::ReassignmentService::Stub;
using NotifyStub = rematch::notify::v1::NotifyService::Stub;

// The options that stand before or behind any command.
struct Globals {
  std::string mentor_service;
  std::string request_service;
  std::string notify_service;
  std::string suite;
  std::string as;
  std::string consortium;
  std::string request_id;
  std::string color = "auto";
  bool json = false;
  bool utc = false;
  int timeout_seconds = 10;
};

// Where the services of a suite are.
struct Addresses {
  std::string mentor;
  std::string request;
  std::string notify;
};

// The lines `mentor=...`, `request=...`, `notify=...` of a suite file; empty lines and those that begin with `#` are passed over.
absl::StatusOr<Addresses> ParseSuite(std::string_view text);

// Who `--as` says: `leader:rosa` (short ids get the consortium's name before them), `candidate:NAME`, `auditor`, `service`. USAGE for what
// cannot be anybody's name.
absl::StatusOr<rpc::Caller> ParseCaller(std::string_view as, const std::string& consortium);

// Protobuf JSON with the names of the protos, every field present, as one document with a line feed.
std::string ToJson(const google::protobuf::Message& message);
// The same on one line.
std::string ToJsonLine(const google::protobuf::Message& message);

// A JSON object of messages and lists of messages, in the order in which they were added.
class JsonObject {
 public:
  void Add(std::string_view key, const google::protobuf::Message& message);
  template <typename Messages>
  void AddList(std::string_view key, const Messages& messages) {
    std::string list;
    for (const google::protobuf::Message& message : messages) list += (list.empty() ? "" : ",") + ToJson(message);
    AddRaw(key, "[" + list + "]");
  }
  // `json` is JSON already.
  void AddRaw(std::string_view key, const std::string& json);
  std::string ToString() const { return "{" + members_ + "}\n"; }

 private:
  std::string members_;
};

template <typename T>
std::vector<T> ToVector(const google::protobuf::RepeatedPtrField<T>& repeated) {
  return {repeated.begin(), repeated.end()};
}

class Context {
 public:
  Context(Environment& environment, const Globals& globals);

  // Fills in what the environment and the suite file say; wrong combinations are USAGE. Called once, before anything below.
  absl::Status Prepare();

  Environment& env() { return environment_; }
  std::ostream& out() { return environment_.out; }
  bool json() const { return globals_.json; }
  const Canvas& canvas() const { return canvas_; }
  absl::Time now() const { return environment_.clock.Now(); }
  // In which the reader is: of times that belong to no program. UTC with --utc.
  absl::TimeZone zone() const { return globals_.utc ? absl::UTCTimeZone() : environment_.zone; }
  // In which the program that `name` belongs to is; the reader's where that is not to be learned.
  absl::TimeZone ZoneOf(const std::string& name);
  // The one that all of these share, or else the reader's.
  absl::TimeZone ZoneOf(const std::vector<std::string>& names);
  const rpc::Caller& caller() const { return caller_; }
  // `consortia/{consortium}`.
  const std::string& consortium() const { return consortium_; }
  // Of this command: what --request-id says, or a new one. A command that makes several writes numbers them.
  std::string RequestId();
  // Prints `message` as JSON, or what `render` makes of it.
  template <typename Render>
  absl::Status Show(const google::protobuf::Message& message, Render render) {
    out() << (json() ? ToJson(message) : render());
    return absl::OkStatus();
  }

  // One unary call: Call(&MentorStub::GetMentor, request).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const std::type_identity_t<Request>& request) {
    REMATCH_ASSIGN_OR_RETURN(Stub * stub, StubFor<Stub>());
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(globals_.timeout_seconds), caller_);
    Response response;
    const grpc::Status status = (stub->*method)(&context, request, &response);
    if (!status.ok()) return Refused<Stub>(status, absl::Seconds(globals_.timeout_seconds));
    return response;
  }
  // All pages of a list, as one response.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallPages(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                     std::type_identity_t<Request> request) {
    Response all;
    request.set_page_size(1000);
    do {
      REMATCH_ASSIGN_OR_RETURN(const Response page, Call(method, request));
      all.MergeFrom(page);
      all.set_next_page_token("");
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return all;
  }
  // For streams: the stub, and a context with the caller and `timeout` (infinite allowed).
  template <typename Stub>
  absl::StatusOr<Stub*> StubFor();
  void PrepareStream(grpc::ClientContext& context, absl::Duration timeout) { rpc::Prepare(context, timeout, caller_); }
  // Why a call of that service failed: what the service says, or that nothing came from it within `timeout`.
  template <typename Stub>
  absl::Status Refused(const grpc::Status& status, absl::Duration timeout) const {
    return SayWhere(rpc::FromGrpc(status), PlaceOf<Stub>(), timeout);
  }

  // The program that `given` means: an id of this consortium or a name.
  std::string ProgramName(std::string_view given) const;
  // The one program that is named, or all that the caller may see.
  absl::StatusOr<std::vector<std::string>> Programs(const std::string& given);
  absl::StatusOr<std::vector<rematch::mentor::v1::Program>> ProgramRecords(const std::string& given);
  // The one that is named or, where none is, the only one that the caller may see; its name, or all of it.
  absl::StatusOr<std::string> OneProgram(const std::string& given);
  absl::StatusOr<rematch::mentor::v1::Program> OneProgramRecord(const std::string& given);
  // The case that `given` means: a name, or the tail of one in any program of the caller.
  absl::StatusOr<std::string> CaseName(const std::string& given, Purpose purpose);
  absl::StatusOr<std::string> MentorName(const std::string& given, Purpose purpose);
  absl::StatusOr<std::string> DistrictName(const std::string& given, Purpose purpose);
  absl::StatusOr<std::string> PolicyName(const std::string& given, Purpose purpose);
  absl::StatusOr<std::string> CandidateName(const std::string& given, const std::string& program, Purpose purpose);
  // Tasks and offers are looked for in order to write.
  absl::StatusOr<rematch::request::v1::Task> FindTask(const std::string& given, const std::string& of_case);
  absl::StatusOr<rematch::request::v1::Offer> FindOffer(const std::string& given, const std::string& of_case);

  // Display names of the people and places of a program, as far as the caller may read them; whoever is missing is shown by id.
  People LoadPeople(const std::vector<std::string>& programs);
  // Adds those who were recommended or referred in a case, and for its offers those who were asked.
  void AddCasePeople(const std::string& of_case, People& people);
  // The same for every case that one of `tasks` needs it for.
  void AddTaskPeople(const std::vector<rematch::request::v1::Task>& tasks, People& people);

 private:
  // A service, and where it is.
  struct Place {
    const char* service;
    const std::string& address;
  };
  template <typename Stub>
  Place PlaceOf() const {
    if constexpr (std::is_same_v<Stub, MentorStub>) {
      return {"mentor-service", addresses_.mentor};
    } else if constexpr (std::is_same_v<Stub, RequestStub>) {
      return {"request-service", addresses_.request};
    } else {
      static_assert(std::is_same_v<Stub, NotifyStub>);
      return {"notify-service", addresses_.notify};
    }
  }
  static absl::Status SayWhere(absl::Status status, const Place& place, absl::Duration timeout);

  absl::StatusOr<std::string> ReadSuite();
  // Read once; null where the caller may not, or it is not there.
  const rematch::mentor::v1::Program* ProgramRecord(const std::string& name);

  Environment& environment_;
  Globals globals_;
  Addresses addresses_;
  Canvas canvas_;
  rpc::Caller caller_;
  std::string consortium_;
  int requests_ = 0;
  std::map<std::string, std::optional<rematch::mentor::v1::Program>> programs_;
  std::unique_ptr<MentorStub> mentor_;
  std::unique_ptr<RequestStub> request_;
  std::unique_ptr<NotifyStub> notify_;
};

// The whole content of a file, or of standard input for `-`.
absl::StatusOr<std::string> ReadInput(const std::string& path, std::istream& in);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_CONTEXT_H_
