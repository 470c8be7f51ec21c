#include "request-service/domain/audit.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace rematch::request {
namespace {

constexpr char kCase[] = "consortia/c/programs/p/reassignments/1";

std::vector<ChainLink> Trail(int length) {
  std::vector<ChainLink> links;
  std::string head = ChainStart(kCase);
  for (int i = 1; i <= length; ++i) {
    const std::string bytes = "event " + std::to_string(i);
    head = ChainHash(head, i, bytes);
    links.push_back({.sequence = i, .bytes = bytes, .hash = head});
  }
  return links;
}

TEST(Audit, AnUntouchedTrailIsIntactAndGivesItsHead_F41) {
  const std::vector<ChainLink> links = Trail(5);
  const ChainCheck check = CheckChain(kCase, links);
  EXPECT_EQ(check.first_bad_sequence, 0);
  EXPECT_EQ(check.head, links.back().hash);
  EXPECT_EQ(CheckChain(kCase, {}).head, ChainStart(kCase));
}

TEST(Audit, AChangedByteIsFound_F41) {
  std::vector<ChainLink> links = Trail(5);
  links[2].bytes[0] ^= 1;
  EXPECT_EQ(CheckChain(kCase, links).first_bad_sequence, 3);
}

TEST(Audit, AMissingEventIsFound_F41) {
  std::vector<ChainLink> links = Trail(5);
  links.erase(links.begin() + 1);
  EXPECT_EQ(CheckChain(kCase, links).first_bad_sequence, 2);
}

TEST(Audit, AMissingFirstEventIsFound_F41) {
  std::vector<ChainLink> links = Trail(3);
  links.erase(links.begin());
  EXPECT_EQ(CheckChain(kCase, links).first_bad_sequence, 1);
}

TEST(Audit, EventsThatChangedPlacesAreFoundEvenRenumbered_F41) {
  std::vector<ChainLink> links = Trail(5);
  std::swap(links[1], links[2]);
  EXPECT_EQ(CheckChain(kCase, links).first_bad_sequence, 2);
  std::swap(links[1].sequence, links[2].sequence);
  EXPECT_EQ(CheckChain(kCase, links).first_bad_sequence, 2);
}

TEST(Audit, ATrailOfAnotherCaseIsFound_F41) {
  EXPECT_EQ(CheckChain("consortia/c/programs/p/reassignments/2", Trail(2)).first_bad_sequence, 1);
}

TEST(Audit, ATrailRewrittenFromAnEventOnHasAnotherHead_F41) {
  std::vector<ChainLink> links = Trail(3);
  const std::string head = links.back().hash;
  std::string forged = links[0].hash;
  for (int i = 1; i < 3; ++i) {
    links[i].bytes = "forged";
    forged = links[i].hash = ChainHash(forged, i + 1, links[i].bytes);
  }
  const ChainCheck check = CheckChain(kCase, links);
  EXPECT_EQ(check.first_bad_sequence, 0) << "whoever can write every hash can make a chain";
  EXPECT_NE(check.head, head) << "but not the head that is kept elsewhere";
}

TEST(Audit, TheHashIsAsDocumented_F41) {
  // printf 'x' | sha256sum, and: { printf 'x' | sha256sum | xxd -r -p; printf '\0\0\0\0\0\0\1\2'; printf 'abc'; } | sha256sum
  EXPECT_EQ(ChainStart("x"), "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
  EXPECT_EQ(ChainHash(ChainStart("x"), 258, "abc"), "16924a9f08f684c3fc8916f28d4c2f528834abe155abea8e8082d056b26c02b5");
}

}  // namespace
}  // namespace rematch::request
