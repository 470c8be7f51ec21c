// What examples/client hands to other engineers must be what the suite itself uses.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "platform/rpc/channel.h"

namespace rematch {
namespace {

TEST(ClientExample, ServiceConfigIsTheOneThatTheSuiteCallsWith) {
  std::ifstream file(REMATCH_SOURCE_DIR "/examples/client/service_config.json");
  ASSERT_TRUE(file.is_open());
  std::ostringstream published;
  published << file.rdbuf();
  EXPECT_EQ(published.str(), rpc::kServiceConfig);
}

}  // namespace
}  // namespace rematch
