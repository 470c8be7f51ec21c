// The table of every state × every command: golden/state_by_command.txt, a reviewed file. UPDATE_GOLDEN=1 rewrites it; read the
// difference before committing it.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "platform/errors.h"
#include "tests/request/escalation_kit.h"

namespace rematch::request {
namespace {

// A state to try every command in. `focus` is the offer that commands about an offer name.
struct State {
  std::string name;
  Story story;
  std::string focus = "o1";
};

Story Begin(const std::function<void(Story&)>& go) {
  Story s;
  s.Open();
  if (go) {
    s.Proceed();
    go(s);
  }
  return s;
}

void Willing(Story& s) {
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
}

void Proposed(Story& s) {
  Willing(s);
  ASSERT_TRUE(s.Confirm("o1").ok());
}

void Transferring(Story& s) {
  Proposed(s);
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
}

void Announcing(Story& s) {
  Transferring(s);
  s.Transferred();
}

void Completed(Story& s) {
  Announcing(s);
  s.Deliver(OFFICIAL_CANDIDATE);
  s.Deliver(OFFICIAL_MENTOR);
}

void Broadcast(Story& s) {
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2"}).ok());
}

void Interested(Story& s) {
  Broadcast(s);
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o2", true).ok());
}

void AskConsent(Story& s) {
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({}).ok());
}

void Recommending(Story& s) {
  AskConsent(s);
  ASSERT_TRUE(s.Consent(true).ok());
}

void ToQualify(Story& s) {
  Recommending(s);
  s.Deliver(SITE_RECOMMENDATION);
  ASSERT_TRUE(s.Recommend().ok());
}

void Adding(Story& s) {
  ToQualify(s);
  ASSERT_TRUE(s.Qualify("p1", true).ok());
}

void AtLeader(Story& s) {
  Recommending(s);
  s.Fail(SITE_RECOMMENDATION);
  s.Fail(DISTRICT_RECOMMENDATION);
}

// Another policy: a talk, then a request on paper, then mentors who are judged before they are asked.
v1::EscalationPolicy OtherPolicy() {
  v1::EscalationPolicy policy = TestPolicy();
  policy.set_display_name("other");
  policy.add_stages()->set_kind(v1::MEDIATION);
  policy.add_stages()->set_kind(v1::SIGNATURES);
  policy.mutable_stages(5)->add_signers(v1::EscalationPolicy::Stage::CANDIDATE);
  policy.mutable_stages(5)->add_signers(v1::EscalationPolicy::Stage::CURRENT_MENTOR);
  for (int i = 0; i < 2; ++i) {
    for (int at = 5; at > 0; --at) policy.mutable_stages()->SwapElements(at, at - 1);
  }
  policy.mutable_confirmation()->set_when(v1::EscalationPolicy::Confirmation::BEFORE_ASKING);
  return policy;
}

std::vector<State> States() {
  std::vector<State> states;
  const auto add = [&](std::string name, const std::function<void(Story&)>& go, std::string focus = "o1") {
    states.push_back({std::move(name), Begin(go), std::move(focus)});
  };
  add("REVIEW", nullptr);
  add("SEARCHING individual: a seat is asked for", [](Story&) {});
  add("SEARCHING individual: the message is on its way", [](Story& s) { s.Held("m1"); });
  add("SEARCHING individual: open", [](Story& s) { s.Ask("m1"); });
  add("SEARCHING individual: willing", Willing);
  add("SEARCHING individual: the first expired, the next is asked for", [](Story& s) {
    s.Ask("m1");
    s.now += absl::Seconds(100);
    s.NextDueRuns();
  });
  add("SEARCHING individual: the first declined and named somebody", [](Story& s) {
    s.Ask("m1");
    ASSERT_TRUE(s.Answer("o1", false, true).ok());
  });
  add("SEARCHING individual: the ranking was refused", [](Story& s) { s.SeatRefused("SEAT_RELEASED"); });
  add("SEARCHING individual: transfer refused, the assignment had changed", [](Story& s) {
    Transferring(s);
    s.TransferRefused("ASSIGNMENT_CHANGED");
  });
  add("SEARCHING individual: transfer refused, the seat was lost", [](Story& s) {
    Transferring(s);
    s.TransferRefused("SEAT_NOT_HELD");
  });
  add("SEARCHING broadcast: the audience is to be chosen", [](Story& s) { s.NoneLeft(); });
  add("SEARCHING broadcast: the messages are on their way", Broadcast, "o2");
  add(
      "SEARCHING broadcast: open",
      [](Story& s) {
        Broadcast(s);
        s.Deliver(BROADCAST);
      },
      "o2");
  add("SEARCHING broadcast: one is interested", Interested, "o2");
  add(
      "SEARCHING broadcast: window over, one is interested",
      [](Story& s) {
        Interested(s);
        s.now += absl::Seconds(200);
        s.NextDueRuns();
      },
      "o2");
  add(
      "SEARCHING broadcast: a seat of the chosen is asked for",
      [](Story& s) {
        Interested(s);
        ASSERT_TRUE(s.Choose("o2").ok());
      },
      "o2");
  add("SEARCHING recommendation: consent is to be asked", AskConsent);
  add("SEARCHING recommendation: open", Recommending);
  add("SEARCHING recommendation: somebody is to be qualified", ToQualify);
  add("SEARCHING recommendation: somebody joins the roster", Adding);
  add(
      "SEARCHING recommendation: somebody's seat is asked for",
      [](Story& s) {
        Adding(s);
        s.MentorAdded("new");
      },
      "o2");
  add(
      "SEARCHING recommendation: somebody's offer is open",
      [](Story& s) {
        Adding(s);
        s.MentorAdded("new");
        s.Ask("new");
      },
      "o2");
  add("SEARCHING leader: to take the candidate", AtLeader);
  add(
      "SEARCHING leader: a seat of the leader is asked for",
      [](Story& s) {
        AtLeader(s);
        ASSERT_TRUE(s.Take().ok());
      },
      "o2");
  add("SEARCHING stuck", [](Story& s) {
    AtLeader(s);
    ASSERT_TRUE(s.DeclineToTake().ok());
  });
  add("PROPOSED: to call", Proposed);
  add("PROPOSED: to find a number", [](Story& s) {
    Proposed(s);
    ASSERT_TRUE(s.Call(v1::WRONG_NUMBER).ok());
  });
  add(
      "PROPOSED of a broadcast: another is interested",
      [](Story& s) {
        Broadcast(s);
        s.Deliver(BROADCAST);
        ASSERT_TRUE(s.Answer("o2", true).ok());
        ASSERT_TRUE(s.Answer("o3", true).ok());
        ASSERT_TRUE(s.Choose("o2").ok());
        s.Held();
      },
      "o3");
  add("TRANSFERRING", Transferring);
  add("ANNOUNCING: both mails on their way", Announcing);
  add("ANNOUNCING: the candidate is to be told by phone", [](Story& s) {
    Announcing(s);
    s.Deliver(OFFICIAL_MENTOR);
    s.Fail(OFFICIAL_CANDIDATE);
  });
  add("COMPLETED: the former mentor is to be told", Completed);
  add("COMPLETED: the former mentor's note is on its way", [](Story& s) {
    Completed(s);
    ASSERT_TRUE(s.SendClosingNote().ok());
  });
  add("COMPLETED: everybody was told", [](Story& s) {
    Completed(s);
    ASSERT_TRUE(s.Call(v1::TOLD).ok());
  });
  add("SEARCHING individual: the first expired and then said yes, the next is asked for", [](Story& s) {
    s.Ask("m1");
    s.now += absl::Seconds(100);
    s.NextDueRuns();
    ASSERT_TRUE(s.Answer("o1", true).ok());
  });
  add("SEARCHING stuck: a late yes could be taken up", [](Story& s) {
    s.Ask("m1");
    s.now += absl::Seconds(100);
    s.NextDueRuns();
    ASSERT_TRUE(s.Answer("o1", true).ok());
    s.SeatsComeBack();
    s.SeatRefused("SEAT_RELEASED");
  });
  add("SEARCHING individual: the seat of a late yes is asked for", [](Story& s) {
    s.Ask("m1");
    s.now += absl::Seconds(100);
    s.NextDueRuns();
    ASSERT_TRUE(s.Answer("o1", true).ok());
    s.SeatsComeBack();
    s.SeatRefused("SEAT_RELEASED");
    ASSERT_TRUE(s.Revive("o1").ok());
  });
  add("REVIEW, paused", nullptr);
  states.back().story.Pause().IgnoreError();
  add("SEARCHING individual: pausing while a seat is asked for", [](Story& s) { ASSERT_TRUE(s.Pause().ok()); });
  add("SEARCHING individual: paused while an offer is open", [](Story& s) {
    s.Ask("m1");
    ASSERT_TRUE(s.Pause().ok());
  });
  add("SEARCHING individual: paused, and answered meanwhile", [](Story& s) {
    s.Ask("m1");
    ASSERT_TRUE(s.Pause().ok());
    ASSERT_TRUE(s.Answer("o1", false).ok());
  });
  add("PROPOSED, paused", [](Story& s) {
    Proposed(s);
    ASSERT_TRUE(s.Pause().ok());
  });
  add("TRANSFERRING, pausing", [](Story& s) {
    Transferring(s);
    ASSERT_TRUE(s.Pause().ok());
  });
  add("ANNOUNCING, pausing", [](Story& s) {
    Announcing(s);
    ASSERT_TRUE(s.Pause().ok());
  });
  add("WITHDRAWN: a seat was being asked for", [](Story& s) { ASSERT_TRUE(s.Withdraw().ok()); });
  add("WITHDRAWN: a message was on its way", [](Story& s) {
    s.Held("m1");
    ASSERT_TRUE(s.Withdraw().ok());
  });
  add("CLOSED: an offer was open", [](Story& s) {
    s.Ask("m1");
    ASSERT_TRUE(s.Close(v1::NO_MENTOR_FOUND).ok());
  });
  const auto add_by_other = [&](std::string name, const std::function<void(Story&)>& go) {
    Story s(OtherPolicy());
    s.Open();
    s.Proceed();
    go(s);
    states.push_back({std::move(name), std::move(s)});
  };
  add_by_other("SEARCHING mediation", [](Story&) {});
  add_by_other("SEARCHING signatures: one has signed", [](Story& s) {
    ASSERT_TRUE(s.Mediate(v1::NOT_HELD).ok());
    ASSERT_TRUE(s.Sign(v1::EscalationPolicy::Stage::CURRENT_MENTOR).ok());
  });
  const auto to_be_judged = [](Story& s) {
    ASSERT_TRUE(s.SkipStage().ok());
    ASSERT_TRUE(s.SkipStage().ok());
    s.Held("m1");
  };
  add_by_other("SEARCHING individual: to be judged before the question", to_be_judged);
  add_by_other("SEARCHING individual: judged before, open", [&](Story& s) {
    to_be_judged(s);
    ASSERT_TRUE(s.Confirm("o1").ok());
    s.Deliver(FIRST_APPROACH);
  });
  return states;
}

std::string MessageOnItsWay(const Story& s) {
  for (const Message& message : s.c.messages()) {
    if (message.state() == Message::ON_ITS_WAY) return message.key();
  }
  return s.c.messages_size() > 0 ? s.c.messages(0).key() : "case1.unknown";
}

// Every command, aimed at what the state has: its running effects, its open call, its message.
std::vector<std::pair<std::string, Command>> Commands(const State& state) {
  const Story& s = state.story;
  std::vector<std::pair<std::string, Command>> commands;
  const auto add = [&](std::string name, const std::function<void(Command&)>& fill) {
    Command command;
    command.set_actor_role("ANY");
    fill(command);
    commands.emplace_back(std::move(name), std::move(command));
  };
  const auto effect = [&](std::initializer_list<Effect::KindCase> kinds) {
    const std::string running = s.FirstRunning(kinds);
    return running.empty() ? std::string("e1") : running;
  };
  const auto answer = [&](std::string name, bool willing, bool referral, int epoch) {
    add(std::move(name), [&](Command& c) {
      c.mutable_answer()->set_offer(state.focus);
      c.mutable_answer()->set_willing(willing);
      c.mutable_answer()->set_referral(referral);
      c.mutable_answer()->set_epoch(epoch);
    });
  };
  add("Open", [&](Command& c) { c = s.OpenCommand(); });
  add("Review(proceed)", [](Command& c) { c.mutable_review()->set_proceed(true); });
  add("Review(close)", [](Command& c) { c.mutable_review()->set_ground(v1::RESOLVED_WITHOUT_CHANGE); });
  answer("Answer(willing)", true, false, 1);
  answer("Answer(not now)", false, false, 1);
  answer("Answer(not now, names somebody)", false, true, 1);
  answer("Answer(willing, by phone)", true, false, 0);
  answer("Answer(willing, another epoch)", true, false, 2);
  add("Confirm", [&](Command& c) { c.mutable_confirm()->set_offer(state.focus); });
  add("Reject", [&](Command& c) { c.mutable_reject()->set_offer(state.focus); });
  add("OpenBroadcast", [](Command& c) { c.mutable_open_broadcast()->add_mentors(MentorName("m7")); });
  add("Choose", [&](Command& c) { c.mutable_choose()->set_offer(state.focus); });
  add("PassAllOver", [](Command& c) { c.mutable_pass_all_over(); });
  add("RecordConsent(yes)", [](Command& c) { c.mutable_record_consent()->set_given(true); });
  add("RecordConsent(no)", [](Command& c) { c.mutable_record_consent()->set_given(false); });
  add("Recommend", [](Command& c) { c.mutable_recommend(); });
  add("Qualify(fit, new)", [](Command& c) {
    c.mutable_qualify()->set_person("p1");
    c.mutable_qualify()->set_fit(true);
  });
  add("Qualify(fit, a mentor)", [](Command& c) {
    c.mutable_qualify()->set_person("p1");
    c.mutable_qualify()->set_fit(true);
    c.mutable_qualify()->set_mentor(MentorName("m8"));
  });
  add("Qualify(dismissed)", [](Command& c) { c.mutable_qualify()->set_person("p1"); });
  add("Take", [](Command& c) { c.mutable_take(); });
  add("DeclineToTake", [](Command& c) { c.mutable_decline_to_take(); });
  std::string call = "t1";
  for (const v1::TaskKind kind : {v1::CALL_CANDIDATE, v1::FIND_NUMBER, v1::TELL_BY_PHONE, v1::TELL_FORMER_MENTOR}) {
    if (const Task* task = OpenTask(s.c, kind)) call = task->id();
  }
  for (const v1::CallOutcome outcome : {v1::AGREED, v1::DECLINED_BY_CANDIDATE, v1::TOLD, v1::NO_ANSWER, v1::VOICEMAIL, v1::WRONG_NUMBER}) {
    add(absl::StrCat("RecordCall(", v1::CallOutcome_Name(outcome), ")"), [&](Command& c) {
      c.mutable_record_call()->set_task(call);
      c.mutable_record_call()->set_outcome(outcome);
    });
  }
  add("SendClosingNote", [](Command& c) { c.mutable_send_closing_note(); });
  add("RestartSearch", [](Command& c) { c.mutable_restart_search(); });
  add("RestartSearch(BROADCAST)", [](Command& c) { c.mutable_restart_search()->set_stage(v1::BROADCAST); });
  add("Withdraw", [](Command& c) { c.mutable_withdraw(); });
  add("Close", [](Command& c) { c.mutable_close()->set_ground(v1::NO_MENTOR_FOUND); });
  add("Strike", [&](Command& c) {
    const Offer* offer = FindOffer(s.c, state.focus);
    c.mutable_strike()->set_mentor(offer == nullptr || offer->mentor().empty() ? MentorName("m1") : offer->mentor());
  });
  add("SkipStage", [](Command& c) { c.mutable_skip_stage(); });
  add("Revive", [&](Command& c) { c.mutable_revive()->set_offer(state.focus); });
  add("Pause", [](Command& c) { c.mutable_pause(); });
  add("Resume", [](Command& c) { c.mutable_resume(); });
  add("Snooze", [&](Command& c) {
    for (const Task& task : s.c.tasks()) {
      if (task.ended() == 0) c.mutable_snooze()->set_task(task.id());
    }
    c.mutable_snooze()->set_until(ToStored(s.now + absl::Hours(1)));
  });
  using Signers = v1::EscalationPolicy::Stage;
  add("RecordMediation(settled)", [](Command& c) { c.mutable_record_mediation()->set_outcome(v1::SETTLED); });
  add("RecordMediation(not settled)", [](Command& c) { c.mutable_record_mediation()->set_outcome(v1::NOT_SETTLED); });
  add("RecordSignature(candidate)", [](Command& c) { c.mutable_record_signature()->set_signer(Signers::CANDIDATE); });
  add("RecordSignature(current mentor refuses)", [](Command& c) {
    c.mutable_record_signature()->set_signer(Signers::CURRENT_MENTOR);
    c.mutable_record_signature()->set_refused(true);
  });
  add("Migrate", [](Command& c) { c.mutable_migrate()->set_policy("other"); });
  add("Migrate(broadcast)", [](Command& c) {
    c.mutable_migrate()->set_policy("other");
    c.mutable_migrate()->set_stage_id("broadcast");
  });
  add("ReplaceLeader", [](Command& c) { c.mutable_replace_leader()->mutable_leader()->set_person("consortia/c/leaders/new"); });
  add("SeatHeld", [&](Command& c) {
    c.mutable_seat_held()->set_effect(effect({Effect::kHoldNextSeat, Effect::kHoldSeat}));
    if (FindRunning(s.c, c.seat_held().effect()) != nullptr) {
      const Offer* offer = FindOffer(s.c, FindRunning(s.c, c.seat_held().effect())->offer());
      c.mutable_seat_held()->set_mentor(offer == nullptr || offer->mentor().empty() ? MentorName("m9") : offer->mentor());
    }
  });
  add("NoneLeft", [&](Command& c) { c.mutable_none_left()->set_effect(effect({Effect::kHoldNextSeat})); });
  add("SeatRefused", [&](Command& c) {
    c.mutable_seat_refused()->set_effect(effect({Effect::kHoldNextSeat, Effect::kHoldSeat}));
    c.mutable_seat_refused()->set_reason("NO_FREE_SEAT");
  });
  add("SeatReleased", [&](Command& c) { c.mutable_seat_released()->set_effect(effect({Effect::kReleaseSeat})); });
  add("Transferred", [&](Command& c) {
    c.mutable_transferred()->set_effect(effect({Effect::kTransfer}));
    c.mutable_transferred()->set_assignment("consortia/c/assignments/a2");
  });
  for (const std::string reason : {"ASSIGNMENT_CHANGED", "SEAT_NOT_HELD"}) {
    add("TransferRefused(" + reason + ")", [&](Command& c) {
      c.mutable_transfer_refused()->set_effect(effect({Effect::kTransfer}));
      c.mutable_transfer_refused()->set_reason(reason);
    });
  }
  add("MentorAdded", [&](Command& c) {
    c.mutable_mentor_added()->set_effect(effect({Effect::kAddMentor}));
    c.mutable_mentor_added()->set_mentor(MentorName("new"));
  });
  add("AddRefused", [&](Command& c) {
    c.mutable_add_refused()->set_effect(effect({Effect::kAddMentor}));
    c.mutable_add_refused()->set_reason("MENTOR_EXISTS");
  });
  add("SendAccepted", [&](Command& c) { c.mutable_send_accepted()->set_effect(effect({Effect::kSend})); });
  add("SendRefused", [&](Command& c) {
    c.mutable_send_refused()->set_effect(effect({Effect::kSend}));
    c.mutable_send_refused()->set_reason("BAD_ADDRESS");
  });
  add("SendCancelled", [&](Command& c) { c.mutable_send_cancelled()->set_effect(effect({Effect::kCancelSend})); });
  add("TooLateToCancel", [&](Command& c) { c.mutable_too_late_to_cancel()->set_effect(effect({Effect::kCancelSend})); });
  add("Delivered", [&](Command& c) { c.mutable_delivered()->set_message(MessageOnItsWay(s)); });
  add("Undeliverable", [&](Command& c) { c.mutable_undeliverable()->set_message(MessageOnItsWay(s)); });
  add("MentorLeft", [&](Command& c) {
    const Offer* offer = FindOffer(s.c, state.focus);
    c.mutable_mentor_left()->set_mentor(offer == nullptr || offer->mentor().empty() ? MentorName("m1") : offer->mentor());
  });
  add("AssignmentChanged", [](Command& c) {
    c.mutable_assignment_changed()->set_assignment("consortia/c/assignments/a9");
    c.mutable_assignment_changed()->set_mentor(MentorName("m9"));
  });
  add("CandidateLeft", [](Command& c) { c.mutable_candidate_left(); });
  add("DoNotPair", [&](Command& c) {
    const Offer* offer = FindOffer(s.c, state.focus);
    c.mutable_do_not_pair()->set_mentor(offer == nullptr || offer->mentor().empty() ? MentorName("m1") : offer->mentor());
  });
  add("CalendarChanged", [](Command& c) {
    c.mutable_calendar_changed()->set_calendar("another");
    c.mutable_calendar_changed()->set_time_zone("America/Los_Angeles");
  });
  add("FollowAnswer", [&](Command& c) { c.mutable_follow_answer()->set_offer(state.focus); });
  add("Due(reminder)", [](Command& c) { c.mutable_due(); });
  add("Due(window end)", [](Command& c) { c.mutable_due(); });
  return commands;
}

// Effects are listed by themselves, and that an answer was noted goes without saying when something follows from it.
std::string Outcome(const Case& before, const Decision& decision) {
  Case after = before;
  std::vector<std::string> events;
  for (const Event& event : decision.events) {
    Fold(after, event);
    if (!event.has_effect_started() && !event.has_message_made() && !event.has_effect_answered()) events.push_back(Describe(event));
  }
  if (events.empty() && decision.effects.empty()) events.push_back("EFFECT_ANSWERED");
  std::string text = absl::StrJoin(events, " ");
  std::vector<std::string> effects;
  for (const Effect& effect : decision.effects) effects.push_back(Describe(effect));
  if (!effects.empty()) absl::StrAppend(&text, text.empty() ? "" : " ", "=> ", absl::StrJoin(effects, " "));
  if (after.state() != before.state()) absl::StrAppend(&text, " [", v1::CaseState_Name(after.state()), "]");
  return text;
}

std::string Table(std::set<std::string>& commands_seen) {
  std::string table =
      "# What every command does in every state: events, => effects, [the new state if it is another].\n"
      "# Commands that change nothing, and refused ones by their reason, are gathered below each state.\n";
  const v1::EscalationPolicy next = OtherPolicy();
  for (const State& state : States()) {
    absl::StrAppend(&table, "\n## ", state.name, "\n");
    std::vector<std::string> nothing;
    std::map<std::string, std::vector<std::string>> refused;
    for (const auto& [name, command] : Commands(state)) {
      commands_seen.insert(absl::StrCat(command.kind_case()));
      absl::Time now = state.story.now;
      if (name == "Due(reminder)" && NextDue(state.story.c) != absl::InfiniteFuture()) now = NextDue(state.story.c);
      if (name == "Due(window end)") now += absl::Seconds(1000);
      const absl::StatusOr<Decision> decision =
          Apply(state.story.c, command, {.policy = state.story.policy, .time = state.story.time, .next = &next}, now);
      if (!decision.ok()) {
        refused[ReasonOf(decision.status())].push_back(name);
      } else if (decision->events.empty()) {
        nothing.push_back(name);
      } else {
        absl::StrAppend(&table, name, ": ", Outcome(state.story.c, *decision), "\n");
      }
    }
    if (!nothing.empty()) absl::StrAppend(&table, "nothing: ", absl::StrJoin(nothing, ", "), "\n");
    for (const auto& [reason, names] : refused) absl::StrAppend(&table, reason, ": ", absl::StrJoin(names, ", "), "\n");
  }
  return table;
}

TEST(EscalationGolden, EveryStateByEveryCommandIsAsReviewed) {
  const std::string path = std::string(REMATCH_SOURCE_DIR) + "/tests/request/golden/state_by_command.txt";
  std::set<std::string> commands;
  const std::string table = Table(commands);
  EXPECT_EQ(static_cast<int>(commands.size()), Command::descriptor()->FindOneofByName("kind")->field_count())
      << "a command is missing here";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << table;
    return;
  }
  std::ifstream file(path);
  std::stringstream reviewed;
  reviewed << file.rdbuf();
  EXPECT_EQ(table, reviewed.str()) << "run with UPDATE_GOLDEN=1, and review the difference";
}

}  // namespace
}  // namespace rematch::request
