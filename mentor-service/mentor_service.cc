#include "mentor-service/mentor_service.h"

#include <utility>

#include "access/access.h"
#include "mentor-service/rpc/batch.h"
#include "mentor-service/rpc/handlers.h"
#include "mentor-service/rpc/import_stream.h"
#include "mentor-service/rpc/reader.h"
#include "mentor-service/store/kept_members.h"
#include "mentor-service/store/store.h"
#include "platform/group_commit.h"
#include "platform/housekeeping.h"
#include "platform/log.h"
#include "platform/rpc/feed.h"

namespace rematch::mentor {
namespace {

// Every start of a process brings a few writers, and a ranking reads those of its consortium. One who writes again is there again.
constexpr absl::Duration kForgetWriters = absl::Hours(24);

class MentorServiceProcess final : public rpc::Service {
 public:
  explicit MentorServiceProcess(rpc::ServerEnvironment& env)
      : env_(env),
        calls_({}, env.clock, env.blocking, guard_, env.metrics),
        feeds_(calls_),
        batches_(members_, env.clock, env.ids, [this] { feeds_.Wake(); }),
        door_({}, env.database, batches_, env.clock, env.random, &env.metrics),
        reader_(env.database, members_, env.clock),
        handlers_(calls_, feeds_, door_, reader_, imports_),
        housekeeping_(env.database, env.clock, {}, &ForgetWriters) {}

  std::vector<grpc::Service*> grpc_services() override { return {&handlers_}; }
  std::vector<std::string> health_names() override { return {"rematch.mentor.v1.MentorService"}; }
  void Start() override {
    // Without it rankings read every member every time, until a replica that starts later can say it.
    if (const absl::Status status = store::BeginStamping(env_.database, env_.clock.Now()); !status.ok()) {
      log::Warn("stamping_not_begun", {{"code", static_cast<int>(status.code())}});
    }
    housekeeping_.Start();
  }
  void StopIntake() override {
    door_.BeginDrain();
    housekeeping_.Stop();
    imports_.Stop();
    feeds_.Stop();
  }
  void Stop() override { door_.Drain(); }

 private:
  static absl::Status ForgetWriters(sql::Transaction& tx, absl::Time now) { return store::ForgetWriters(tx, now - kForgetWriters); }

  rpc::ServerEnvironment& env_;
  access::TableGuard guard_;
  rpc::Calls calls_;
  rpc::FeedHub feeds_;
  store::KeptMembers members_;
  BatchHandler batches_;
  Door door_;
  Reader reader_;
  ImportStreams imports_;
  Handlers handlers_;
  platform::Housekeeping housekeeping_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::Service>> MakeService(rpc::ServerEnvironment& env) {
  return std::make_unique<MentorServiceProcess>(env);
}

}  // namespace rematch::mentor
