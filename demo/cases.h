// The five cases of the demo, played and told: who does what, and what must come of it. The demo and the scenario tests share them.
#ifndef REMATCH_DEMO_CASES_H_
#define REMATCH_DEMO_CASES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "demo/check.h"
#include "demo/play.h"

namespace rematch::demo {

// What people write in a case, so that a test can look for it where it must not be.
struct Words {
  std::string reasons = "We do not find times to meet, and I would like to work with somebody who has taught my subject.";
  std::string note = "Talked it through; a change is right.";
  std::string survey = "We have met once since September.";  // what the candidate of case (e) answers
  mentor::v1::Contact referred;                              // whom a mentor names in case (b)
  mentor::v1::Contact recommended;                           // whom the site administrator names in case (b)
};

// The words of the demo.
Words DemoWords();

// (a) The first mentor declines, the second stays silent until the window ends, the third is willing. The candidate is called, is not
// there, is called again and agrees. The former mentor gets a note. Needs three mentors with free seats in the individual pool.
absl::StatusOr<Expected> TellDeclineSilenceYes(Play& play, const Words& words);

// (b) Nobody in the individual pool. The broadcast brings no interest, but a referral, whom the Leader dismisses. The site
// administrator recommends somebody new, who is qualified, joins the roster and is willing. The former mentor is called.
absl::StatusOr<Expected> TellNobodyInPool(Play& play, const Words& words);

// (c) Everybody in the individual pool declines, the broadcast stays without an answer, the candidate does not want their site to know, the
// District knows nobody: the Leader takes the candidate.
absl::StatusOr<Expected> TellEveryStageFails(Play& play, const Words& words);

// (d) The first stays silent, the message to the second bounces. While the third is asked the case is paused, the first says yes after
// all, and the third retires. The search goes on with a fourth; then the Leader skips the rest of the stage and takes up the late yes. Who
// lost their mentor by the retirement gets the fourth. Needs four mentors in the individual pool, the third with a candidate.
absl::StatusOr<Expected> TellLateYes(Play& play, const Words& words);

// (e) The program gets another policy, whose windows are working days. A survey goes out, the candidate's answer is low: a concern, and
// with their consent a case by the new policy. While the first mentor is asked a holiday moves into their window, whose end moves with it.
// They are willing. Needs one mentor in the individual pool.
absl::StatusOr<Expected> TellSurveyAndHoliday(Play& play, const Words& words);

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_CASES_H_
