#include "bench/echo.h"

#include <filesystem>
#include <fstream>
#include <memory>

#include "rematch/echo/v1/service.grpc.pb.h"

namespace rematch::bench {
namespace {

class EchoServer final : public echo::v1::EchoService::CallbackService {
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const echo::v1::EchoRequest* request,
                                 echo::v1::EchoResponse* response) override {
    response->set_text(request->text());
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int Serve(const std::vector<grpc::Service*>& services, const std::string& port_file) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::ofstream(port_file + ".tmp") << port;
  std::filesystem::rename(port_file + ".tmp", port_file);
  server->Wait();
  return 0;
}

int ServeEcho(const std::string& port_file) {
  EchoServer service;
  return Serve({&service}, port_file);
}

}  // namespace rematch::bench
