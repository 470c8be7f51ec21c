// The demo: five cases told as they happen on a terminal, then held against what the services and mailboxes say.
#ifndef REMATCH_DEMO_STORY_H_
#define REMATCH_DEMO_STORY_H_

#include <ostream>
#include <string>

#include "demo/suite.h"

namespace rematch::demo {

// Whose cases the demo plays: people of examples/roster.
struct Cast {
  std::string consortium;    // its id
  std::string display_name;  // of a new consortium
  std::string roster;        // the folder with the CSV files
  std::string first;         // email addresses of the candidates of the cases (a) to (e)
  std::string second;
  std::string third;
  std::string fourth;
  std::string fifth;
};

// Of the roster in SOURCE_DIR/examples/roster.
Cast DemoCast(const std::string& source_dir);

struct StoryOptions {
  Cast cast;
  bool color = false;
  std::string cases = "abcde";
  // A file of examples/policies that the programs of these cases follow, published by their leaders; empty: what the suite was started
  // with.
  std::string policy = {};
};

// Imports the roster through the command line, plays the cases and checks them, and prints all of it. OK when nothing differed; the
// differences are printed, too.
absl::Status TellStory(Suite& suite, const StoryOptions& options, std::ostream& out);

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_STORY_H_
