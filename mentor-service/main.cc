#include "mentor-service/mentor_service.h"
#include "platform/rpc/server.h"

int main(int argc, char** argv) {
  return rematch::rpc::ServerMain(argc, argv, {.name = "mentor-service", .migrations = rematch::mentor::MentorMigrations()},
                                  [](rematch::rpc::ServerEnvironment& env) { return rematch::mentor::MakeService(env); });
}
