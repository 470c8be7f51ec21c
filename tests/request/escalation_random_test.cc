// Whatever people, peers and time do, in whatever order and however often, the invariants hold. Each seed plays one case in a world of
// its own: mentor-service and notify-service as models that keep their promises (keys, tombstones), and answers that come late, twice
// and out of order. A failure names its seed.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "request-service/domain/policy.h"
#include "tests/random_policy.h"
#include "tests/request/escalation_kit.h"
#include "tests/tier.h"

namespace rematch::request {
namespace {

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    // Some leaders are the current mentor, some candidates have none.
    if (Chance(10)) s_.current_mentor = "";
    if (Chance(10)) s_.current_mentor = s_.leader.mentor();
    if (Chance(10)) s_.leader.clear_mentor();
    if (Chance(30)) s_.policy.set_without_consent(v1::EscalationPolicy::NOBODY);
    // Half of the cases go by a policy that is drawn, and may move to another one.
    if (Chance(50)) s_.policy = DrawPolicy();
    for (int i = 0; i < 2; ++i) {
      const v1::EscalationPolicy policy = DrawPolicy();
      EXPECT_TRUE(ValidatePolicy(policy).ok()) << ValidatePolicy(policy);
      others_[ContentHash(policy)] = policy;
    }
    for (int i = 0; i < 6; ++i) mentors_.push_back(MentorName(absl::StrCat("m", i)));
    mentors_.push_back(MentorName("now"));
    if (!s_.leader.mentor().empty()) mentors_.push_back(s_.leader.mentor());
  }

  void Play(int steps) {
    Do(s_.OpenCommand());
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      const int what = Pick(100);
      if (what < 35) {
        Do(PersonsCommand());
      } else if (what < 60) {
        RunEffect();
      } else if (what < 80) {
        DeliverAnswer();
      } else if (what < 92) {
        if (Chance(8)) {
          ReportRoster();
        } else {
          ReportMessage();
        }
      } else {
        PassTime();
      }
    }
    Drain();
    CheckTheWorld();
  }

  const Story& story() const { return s_; }

 private:
  enum class Seat { kHeld, kReleased, kTransferred };
  struct Mail {
    MessageKind kind;
    enum { kQueued, kSent, kFailed, kCancelled } state = kQueued;
  };

  v1::EscalationPolicy DrawPolicy() {
    return testing_policy::RandomPolicy([this](int n) { return Pick(n); }, v1::Window::SECONDS, 200);
  }

  int Pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool Chance(int percent) { return Pick(100) < percent; }

  void Do(const Command& command) {
    const size_t effects_before = s_.effects.size();
    const int offers_before = s_.c.offers_size();
    const v1::CaseState before = s_.c.state();
    const absl::Status status =
        command.has_migrate() ? s_.Migrate(others_.at(command.migrate().policy()), command.migrate().stage_id()) : s_.Do(command);
    if (!status.ok()) {
      EXPECT_NE(status.code(), absl::StatusCode::kInternal);
      return;
    }
    for (size_t i = effects_before; i < s_.effects.size(); ++i) {
      const Effect& effect = s_.effects[i];
      EXPECT_TRUE(effect_ids_.insert(effect.id()).second) << "F32: an effect id is used once: " << effect.id();
      if (effect.has_transfer()) {
        EXPECT_TRUE(command.has_record_call() && command.record_call().outcome() == v1::AGREED)
            << "F7: only an agreed call leads to the swap";
      }
      if (effect.has_send() && (effect.send().kind() == OFFICIAL_CANDIDATE || effect.send().kind() == OFFICIAL_MENTOR)) {
        const bool swapped = std::any_of(s_.last.events.begin(), s_.last.events.end(), [](const Event& e) { return e.has_transferred(); });
        EXPECT_TRUE(swapped && before == v1::TRANSFERRING) << "F8: only the swap leads to the official mails";
        ++official_;
      }
      if (effect.has_send() && effect.send().to() == s_.c.current_mentor() && s_.c.state() != v1::COMPLETED) {
        EXPECT_TRUE(effect.send().kind() == BROADCAST || effect.send().kind() == BROADCAST_REMINDER || effect.send().kind() == CLOSING_NOTE)
            << "F20: the current mentor is asked by a broadcast or not at all";
      }
      if (effect.has_send()) CheckSend(effect);
      to_run_.push_back(effect);
    }
    EXPECT_LE(official_, 2) << "F8";
    CheckStageOrder(offers_before);
  }

  // What only the policy allows.
  void CheckSend(const Effect& effect) {
    using Policy = v1::EscalationPolicy;
    const MessageKind kind = effect.send().kind();
    if (kind == FIRST_APPROACH || kind == NAMED_APPROACH) {
      EXPECT_TRUE(s_.policy.confirmation().when() != Policy::Confirmation::BEFORE_ASKING || s_.offer(effect.offer()).approved())
          << "F6: nobody is asked before the match was judged";
      EXPECT_EQ(kind == NAMED_APPROACH, s_.policy.candidate_disclosure() == Policy::WITH_FIRST_APPROACH) << "F18";
    }
    EXPECT_TRUE(kind != PROPOSAL_NOTE || s_.policy.candidate_disclosure() == Policy::WITH_PROPOSAL) << "F18";
    const auto& notices = s_.policy.notices();
    EXPECT_TRUE(kind != SITE_NOTICE || std::find(notices.begin(), notices.end(), Policy::SITE_ADMINISTRATOR) != notices.end()) << "F22";
    EXPECT_TRUE(kind != SITE_NOTICE || s_.c.consent() != CONSENT_REFUSED) << "F22";
  }

  // F3: whoever was asked before a stage opened is not being asked any more.
  void CheckStageOrder(int offers_before) {
    const bool opened = std::any_of(s_.last.events.begin(), s_.last.events.end(),
                                    [](const Event& event) { return event.has_stage_opened() && event.stage_opened().stage() > 0; });
    if (!opened) return;
    for (int i = 0; i < offers_before; ++i) EXPECT_FALSE(IsLive(s_.c.offers(i))) << "F3: " << s_.c.offers(i).id() << " is live";
  }

  // --- People: mostly something that fits the case, sometimes nonsense.
  std::string AnyOffer() { return absl::StrCat("o", 1 + Pick(s_.c.offers_size() + 1)); }
  std::string AnyPerson() { return absl::StrCat("p", 1 + Pick(s_.c.people_size() + 1)); }

  std::string OpenCall() {
    std::vector<std::string> open;
    for (const Task& task : s_.c.tasks()) {
      if (task.ended() == 0) open.push_back(task.id());
    }
    if (open.empty() || Chance(10)) return absl::StrCat("t", 1 + Pick(s_.c.tasks_size() + 1));
    return open[Pick(static_cast<int>(open.size()))];
  }

  void RareCommand(Command& command) {
    switch (Pick(8)) {
      case 7:
        command.mutable_migrate()->set_policy(std::next(others_.begin(), Pick(2))->first);
        if (Chance(60)) command.mutable_migrate()->set_stage_id(absl::StrCat("s", Pick(6)));
        break;
      case 0:
        command.mutable_strike()->set_mentor(mentors_[Pick(static_cast<int>(mentors_.size()))]);
        break;
      case 1:
        if (Chance(50)) command.mutable_skip_stage();
        break;
      case 2:
      case 3:
        command.mutable_revive()->set_offer(AnyOffer());
        break;
      case 4:
        command.mutable_pause();
        break;
      case 5:
        command.mutable_snooze()->set_task(OpenCall());
        command.mutable_snooze()->set_until(ToStored(s_.now + absl::Seconds(Pick(100) - 10)));
        break;
      default: {
        Command::ReplaceLeader& replace = *command.mutable_replace_leader();
        if (!Chance(10)) replace.mutable_leader()->set_person(absl::StrCat("consortia/c/leaders/l", Pick(3)));
        if (Chance(50)) replace.mutable_leader()->set_mentor(mentors_[Pick(static_cast<int>(mentors_.size()))]);
        if (Chance(50)) replace.mutable_alternate()->set_person("consortia/c/leaders/alt");
      }
    }
  }

  Command PersonsCommand() {
    Command command;
    command.set_actor_role("PROGRAM_LEADER");
    if (s_.c.paused() != 0 && Chance(30)) {
      command.mutable_resume();
      return command;
    }
    switch (Pick(27)) {
      case 25:
        command.mutable_record_mediation()->set_outcome(Chance(10) ? v1::SETTLED : Chance(50) ? v1::NOT_SETTLED : v1::NOT_HELD);
        break;
      case 26:
        command.mutable_record_signature()->set_signer(static_cast<v1::EscalationPolicy::Stage::Signer>(1 + Pick(2)));
        command.mutable_record_signature()->set_refused(Chance(20));
        break;
      case 0:
      case 1:
        command.mutable_review()->set_proceed(!Chance(3));
        if (Chance(30)) command.mutable_review()->add_strike(mentors_[Pick(6)]);
        command.mutable_review()->set_ground(v1::RESOLVED_WITHOUT_CHANGE);
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6: {
        Command::Answer& answer = *command.mutable_answer();
        answer.set_offer(AnyOffer());
        answer.set_willing(Chance(50));
        answer.set_referral(Chance(15));
        answer.set_epoch(Chance(10) ? 9 : Chance(30) ? 0 : 1);
        break;
      }
      case 7:
      case 8:
        command.mutable_confirm()->set_offer(AnyOffer());
        break;
      case 9:
        command.mutable_reject()->set_offer(AnyOffer());
        break;
      case 10: {
        command.mutable_open_broadcast()->set_include_current_mentor(Chance(50));
        for (const std::string& mentor : mentors_) {
          if (Chance(60)) command.mutable_open_broadcast()->add_mentors(mentor);
        }
        break;
      }
      case 11:
      case 12:
        command.mutable_choose()->set_offer(AnyOffer());
        break;
      case 13:
        command.mutable_pass_all_over();
        break;
      case 14:
        command.mutable_recommend();
        break;
      case 15:
        command.mutable_qualify()->set_person(AnyPerson());
        command.mutable_qualify()->set_fit(Chance(60));
        if (Chance(50)) command.mutable_qualify()->set_mentor(mentors_[Pick(static_cast<int>(mentors_.size()))]);
        break;
      case 16:
        command.mutable_record_consent()->set_given(Chance(50));
        break;
      case 17:
      case 18:
      case 19:
        command.mutable_record_call()->set_task(OpenCall());
        command.mutable_record_call()->set_outcome(static_cast<v1::CallOutcome>(Pick(v1::CallOutcome_ARRAYSIZE)));
        break;
      case 20:
        command.mutable_take();
        break;
      case 21:
        if (Chance(50)) {
          command.mutable_decline_to_take();
        } else {
          command.mutable_send_closing_note();
        }
        break;
      case 22:
        if (Chance(20)) command.mutable_restart_search()->set_stage(static_cast<v1::StageKind>(Pick(v1::StageKind_ARRAYSIZE)));
        break;
      case 23:
        RareCommand(command);
        break;
      default:
        if (Chance(3)) {
          command.mutable_withdraw();
        } else if (Chance(3)) {
          command.mutable_close()->set_ground(v1::NO_MENTOR_FOUND);
        }
        break;
    }
    return command;
  }

  // --- Peers: effects run in any order, some twice; what they answer is kept and delivered in any order, some twice.
  void RunEffect() {
    if (to_run_.empty()) return;
    const size_t i = Pick(static_cast<int>(to_run_.size()));
    const Effect effect = to_run_[i];
    if (!Chance(10)) to_run_.erase(to_run_.begin() + static_cast<ptrdiff_t>(i));
    if (const auto known = replies_.find(effect.id()); known != replies_.end()) {
      answers_.push_back(known->second);  // the receiver knows the request id
      return;
    }
    Command answer = Answer(effect);
    answer.set_actor_role("PEER");
    replies_[effect.id()] = answer;
    answers_.push_back(answer);
  }

  Command Answer(const Effect& effect) {
    Command command;
    switch (effect.kind_case()) {
      case Effect::kHoldNextSeat: {
        const Effect::HoldNextSeat& hold = effect.hold_next_seat();
        if (seats_.count(hold.seat()) > 0 || Chance(2)) return RefuseSeat(effect, "SEAT_RELEASED");
        for (const std::string& mentor : mentors_) {
          const bool excluded = std::find(hold.exclude().begin(), hold.exclude().end(), mentor) != hold.exclude().end();
          if (excluded || Chance(30)) continue;
          return HoldSeat(effect, hold.seat(), mentor);
        }
        command.mutable_none_left()->set_effect(effect.id());
        return command;
      }
      case Effect::kHoldSeat:
        if (seats_.count(effect.hold_seat().seat()) > 0) return RefuseSeat(effect, "SEAT_RELEASED");
        if (Chance(25)) return RefuseSeat(effect, "NO_FREE_SEAT");
        return HoldSeat(effect, effect.hold_seat().seat(), effect.hold_seat().mentor());
      case Effect::kReleaseSeat: {
        auto [seat, unknown] = seats_.try_emplace(effect.release_seat().seat(), Seat::kReleased);
        EXPECT_NE(seat->second, Seat::kTransferred) << "F30: a seat that became an assignment is not given back";
        seat->second = Seat::kReleased;
        command.mutable_seat_released()->set_effect(effect.id());
        return command;
      }
      case Effect::kTransfer: {
        const auto seat = seats_.find(effect.transfer().seat());
        const bool held = seat != seats_.end() && seat->second == Seat::kHeld;
        EXPECT_TRUE(held) << "F30: the seat is held from the question to the swap";
        if (Chance(10)) {
          if (held) seat->second = Seat::kReleased;
          command.mutable_transfer_refused()->set_effect(effect.id());
          command.mutable_transfer_refused()->set_reason("SEAT_NOT_HELD");
        } else if (Chance(20)) {
          command.mutable_transfer_refused()->set_effect(effect.id());
          command.mutable_transfer_refused()->set_reason("ASSIGNMENT_CHANGED");
          if (Chance(50)) {
            command.mutable_transfer_refused()->set_reread(true);
            if (Chance(70)) command.mutable_transfer_refused()->set_mentor(mentors_[Pick(static_cast<int>(mentors_.size()))]);
          }
        } else {
          if (held) seat->second = Seat::kTransferred;
          ++transfers_;
          EXPECT_EQ(transfers_, 1) << "F29, F34: one swap a case";
          command.mutable_transferred()->set_effect(effect.id());
          command.mutable_transferred()->set_assignment("consortia/c/assignments/new");
        }
        return command;
      }
      case Effect::kAddMentor:
        if (Chance(30)) {
          command.mutable_add_refused()->set_effect(effect.id());
          command.mutable_add_refused()->set_reason("MENTOR_EXISTS");
        } else {
          mentors_.push_back(MentorName(absl::StrCat("new", mentors_.size())));
          command.mutable_mentor_added()->set_effect(effect.id());
          command.mutable_mentor_added()->set_mentor(Chance(10) ? mentors_[0] : mentors_.back());
        }
        return command;
      case Effect::kSend: {
        const Effect::Send& send = effect.send();
        if (mails_.count(send.message()) > 0 || Chance(5)) {  // cancelled before, or a bad address
          mails_.try_emplace(send.message(), Mail{send.kind(), Mail::kFailed});
          command.mutable_send_refused()->set_effect(effect.id());
          command.mutable_send_refused()->set_reason("BAD_ADDRESS");
        } else {
          mails_[send.message()] = {send.kind(), Mail::kQueued};
          command.mutable_send_accepted()->set_effect(effect.id());
        }
        return command;
      }
      default: {
        const auto mail = mails_.try_emplace(effect.cancel_send().message(), Mail{MESSAGE_KIND_UNSPECIFIED, Mail::kCancelled}).first;
        if (mail->second.state == Mail::kQueued) mail->second.state = Mail::kCancelled;
        if (mail->second.state == Mail::kCancelled) {
          command.mutable_send_cancelled()->set_effect(effect.id());
        } else {
          command.mutable_too_late_to_cancel()->set_effect(effect.id());
        }
        return command;
      }
    }
  }

  Command HoldSeat(const Effect& effect, const std::string& seat, const std::string& mentor) {
    seats_[seat] = Seat::kHeld;
    Command command;
    command.mutable_seat_held()->set_effect(effect.id());
    command.mutable_seat_held()->set_mentor(mentor);
    return command;
  }

  Command RefuseSeat(const Effect& effect, std::string_view reason) {
    Command command;
    command.mutable_seat_refused()->set_effect(effect.id());
    command.mutable_seat_refused()->set_reason(std::string(reason));
    return command;
  }

  void DeliverAnswer() {
    if (answers_.empty()) return;
    const size_t i = Pick(static_cast<int>(answers_.size()));
    const Command answer = answers_[i];
    if (!Chance(15)) answers_.erase(answers_.begin() + static_cast<ptrdiff_t>(i));
    Do(answer);
  }

  void ReportRoster() {
    Command command;
    command.set_actor_role("PEER");
    const std::string& mentor = mentors_[Pick(static_cast<int>(mentors_.size()))];
    if (Chance(30)) {
      command.mutable_do_not_pair()->set_mentor(mentor);
    } else if (Chance(50)) {
      command.mutable_mentor_left()->set_mentor(mentor);
    } else if (Chance(90)) {
      if (Chance(80)) command.mutable_assignment_changed()->set_assignment(absl::StrCat("consortia/c/assignments/x", Pick(5)));
      if (command.assignment_changed().assignment().empty()) {
        command.mutable_assignment_changed();
      } else {
        command.mutable_assignment_changed()->set_mentor(mentor);
      }
    } else if (Chance(50)) {
      mentor::v1::Calendar calendar;
      calendar.add_closures()->set_first(absl::StrCat("2027-01-1", Pick(10)));
      s_.time = WorkingTime(calendar, LosAngeles());
      command.mutable_calendar_changed()->set_calendar(calendar.SerializeAsString());
      command.mutable_calendar_changed()->set_time_zone("America/Los_Angeles");
    } else {
      command.mutable_candidate_left();
    }
    Do(command);
  }

  void ReportMessage() {
    if (mails_.empty()) return;
    auto mail = std::next(mails_.begin(), Pick(static_cast<int>(mails_.size())));
    if (mail->second.state == Mail::kQueued) mail->second.state = Chance(85) ? Mail::kSent : Mail::kFailed;
    if (mail->second.state == Mail::kSent && Chance(5)) mail->second.state = Mail::kFailed;  // it bounced
    Report(mail->first, mail->second);
  }

  void Report(const std::string& key, const Mail& mail) {
    Command report;
    report.set_actor_role("PEER");
    if (mail.state == Mail::kSent) report.mutable_delivered()->set_message(key);
    if (mail.state == Mail::kFailed) {
      report.mutable_undeliverable()->set_message(key);
      report.mutable_undeliverable()->set_may_have_arrived(Chance(30));
    }
    if (report.kind_case() != Command::KIND_NOT_SET) Do(report);
  }

  void PassTime() {
    if (Chance(50) && NextDue(s_.c) != absl::InfiniteFuture()) {
      s_.now = std::max(s_.now, NextDue(s_.c));
    } else {
      s_.now += absl::Seconds(Pick(60));
    }
    Command due;
    due.set_actor_role("TIMER");
    due.mutable_due();
    Do(due);
  }

  // Everything that is under way arrives; nobody does anything any more.
  void Drain() {
    for (int round = 0; round < 200 && !::testing::Test::HasFailure(); ++round) {
      bool quiet = true;
      while (!to_run_.empty() && !::testing::Test::HasFailure()) {
        RunEffect();
        quiet = false;
      }
      while (!answers_.empty() && !::testing::Test::HasFailure()) {
        DeliverAnswer();
        quiet = false;
      }
      for (auto& [key, mail] : mails_) {
        if (mail.state != Mail::kQueued) continue;
        mail.state = Mail::kSent;
        quiet = false;
      }
      const std::map<std::string, Mail> mails = mails_;
      for (const auto& [key, mail] : mails) Report(key, mail);
      quiet = quiet && to_run_.empty();
      if (NextDue(s_.c) != absl::InfiniteFuture()) {
        PassTime();
        quiet = false;
      }
      if (quiet && s_.c.paused() == 0) return;
      if (!quiet) continue;
      EXPECT_EQ(PauseOf(s_.c), v1::PAUSED) << "F44: once all was answered nothing goes on";
      Command resume;
      resume.set_actor_role("PROGRAM_LEADER");
      resume.mutable_resume();
      Do(resume);
    }
    ADD_FAILURE() << "F11: the case does not come to rest";
  }

  void CheckTheWorld() {
    for (const auto& [seat, state] : seats_) {
      EXPECT_EQ(state == Seat::kHeld, NeedsSeat(s_.c, seat)) << "F30: no seat stays held for an offer that is over: " << seat;
    }
    for (const Offer& offer : s_.c.offers()) {
      EXPECT_TRUE(!offer.seat_held() || seats_[offer.seat()] == Seat::kHeld) << offer.id();
    }
    EXPECT_EQ(s_.c.running_size(), 0) << "every effect was answered";
    EXPECT_EQ(transfers_ == 1, s_.c.state() == v1::ANNOUNCING || s_.c.state() == v1::COMPLETED);
    EXPECT_TRUE(HasEnded(s_.c) || !s_.OpenTaskKinds().empty()) << "F11: at rest, a person has a task";
    Case replayed;
    for (const Event& event : s_.events) {
      Event stored;
      EXPECT_TRUE(stored.ParseFromString(event.SerializeAsString()));
      Fold(replayed, stored);
    }
    EXPECT_EQ(replayed.SerializeAsString(), s_.c.SerializeAsString()) << "F41: the stored events give the state";
    CheckNotes();
  }

  // F29: whoever was willing at the end and is not the new mentor hears that it is over, if the message could be made at all.
  void CheckNotes() {
    if (!HasEnded(s_.c)) return;
    const Offer* match = FindOffer(s_.c, s_.c.proposed_offer());
    for (const Offer& offer : s_.c.offers()) {
      if (!offer.willing() || IsTake(offer) || (match != nullptr && offer.mentor() == match->mentor())) continue;
      const std::vector<std::string> messages = s_.MessagesTo(offer.mentor());
      EXPECT_NE(std::find(messages.begin(), messages.end(), "CLOSING_NOTE"), messages.end()) << "F29: " << offer.id();
    }
  }

  std::mt19937_64 random_;
  Story s_;
  std::map<std::string, v1::EscalationPolicy> others_;  // by content hash: where the case may move
  std::vector<std::string> mentors_;
  std::vector<Effect> to_run_;
  std::vector<Command> answers_;
  std::map<std::string, Command> replies_;  // by effect
  std::map<std::string, Seat> seats_;
  std::map<std::string, Mail> mails_;
  std::set<std::string> effect_ids_;
  int official_ = 0;
  int transfers_ = 0;
};

TEST(EscalationRandom, TheInvariantsHoldWhateverHappens_F11_F17_F29_F30) {
  const int cases = InTier(2000, 40'000);
  std::map<v1::CaseState, int> ended;
  std::set<std::string> seen;
  for (int seed = 1; seed <= cases; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world(seed);
    world.Play(60 + seed % 200);
    ASSERT_FALSE(HasFailure()) << world.story().c.DebugString();
    ++ended[world.story().c.state()];
    for (const Event& event : world.story().events) seen.insert(EventType(event));
  }
  // The test is worth something only if it gets everywhere.
  for (const v1::CaseState state : {v1::SEARCHING, v1::PROPOSED, v1::COMPLETED, v1::WITHDRAWN, v1::CLOSED}) {
    EXPECT_GT(ended[state], 10) << v1::CaseState_Name(state);
  }
  EXPECT_EQ(static_cast<int>(seen.size()), Event::descriptor()->FindOneofByName("kind")->field_count()) << "every kind of event comes up";
}

}  // namespace
}  // namespace rematch::request
