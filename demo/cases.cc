#include "demo/cases.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/errors.h"

namespace rematch::demo {
namespace {

using request::v1::Disclosure;
using request::v1::EscalationPolicy;
using request::v1::Offer;
using request::v1::StageKind;
using request::v1::Task;

// The pinned policy of the case.
absl::StatusOr<EscalationPolicy> PolicyOf(Play& play) {
  REMATCH_ASSIGN_OR_RETURN(auto c, play.Get());
  request::v1::GetPolicyVersionRequest request;
  request.set_name(c.policy());
  REMATCH_ASSIGN_OR_RETURN(auto version, play.leader().Call(&RequestStub::GetPolicyVersion, request));
  return version.policy();
}

// The one that new cases of the program follow.
absl::StatusOr<EscalationPolicy> ActivePolicyOf(Play& play) {
  request::v1::ListPolicyVersionsRequest request;
  request.set_parent(play.program().name());
  REMATCH_ASSIGN_OR_RETURN(const auto listed, play.leader().Call(&RequestStub::ListPolicyVersions, request));
  if (listed.policies().empty()) return absl::NotFoundError("the program follows no policy");
  return listed.policies(0).policy();
}

bool Reminds(const EscalationPolicy& policy, StageKind kind) {
  for (const auto& stage : policy.stages()) {
    if (stage.kind() == kind) return stage.remind_before_size() > 0;
  }
  return false;
}

// The pool as the Leader sees it before anybody is asked: those with a free seat, in their order.
absl::StatusOr<std::vector<std::string>> Pool(Play& play) {
  request::v1::PreviewEscalationRequest request;
  request.set_name(play.case_name());
  REMATCH_ASSIGN_OR_RETURN(auto preview, play.leader().Call(&RequestStub::PreviewEscalation, request));
  std::vector<std::string> mentors;
  for (const auto& step : preview.steps()) {
    if (!step.mentor().full()) mentors.push_back(step.mentor().mentor());
  }
  return mentors;
}

// Everybody whom a broadcast reaches that leaves the current mentor out.
absl::StatusOr<std::vector<std::string>> Everybody(Play& play) {
  mentor::v1::FindEligibleMentorsRequest request;
  request.set_candidate(play.candidate());
  request.set_pool(mentor::v1::FindEligibleMentorsRequest::EVERYBODY);
  if (!play.former_mentor().empty()) request.add_exclude(play.former_mentor());
  REMATCH_ASSIGN_OR_RETURN(auto found, play.suite().Service().Call(&MentorStub::FindEligibleMentors, request));
  std::vector<std::string> mentors;
  for (const auto& mentor : found.mentors()) {
    if (mentor.mentor() != play.former_mentor()) mentors.push_back(mentor.mentor());
  }
  return mentors;
}

class Teller {
 public:
  Teller(Play& play, const Words& words) : play_(play), words_(words) {}

  template <typename... Parts>
  void Say(const Parts&... parts) {
    play_.narrator().Say(absl::StrCat(parts...));
  }
  std::string Name(const std::string& resource) const { return play_.NameOf(resource); }
  std::string Email(const std::string& resource) const { return play_.directory().EmailOf(resource); }
  std::string Candidate() const { return Name(play_.candidate()); }
  std::string Leader() const { return play_.program().leader().contact().display_name(); }
  std::string Site() const { return play_.directory().candidates.at(play_.candidate()).site(); }
  std::string District() const { return play_.directory().sites.at(Site()).district(); }

  void Mailed(const std::string& message, const std::string& to) { expected.messages.insert({message, Email(to)}); }
  void Learned(const std::string& who, std::initializer_list<Disclosure::Fact> facts) { expected.learned[who].insert(facts); }
  void Asked(const std::string& mentor, StageKind stage, request::v1::OfferState state) {
    expected.asked.push_back({mentor, stage, state});
  }

  // The case is opened, reviewed and goes on.
  absl::Status Begin() {
    Say(Candidate(), " asks for another mentor than ", Name(play_.former_mentor()), ". Only ", Leader(),
        ", who leads the program, reads why.");
    REMATCH_RETURN_IF_ERROR(play_.Open(words_.reasons));
    return Consider();
  }

  // The case that was opened is reviewed and goes on.
  absl::Status Consider() {
    REMATCH_RETURN_IF_ERROR(play_.AwaitTask(request::v1::REVIEW_REASONS).status());
    REMATCH_ASSIGN_OR_RETURN(policy, PolicyOf(play_));
    REMATCH_ASSIGN_OR_RETURN(pool, Pool(play_));
    Say(Leader(), " considers the reasons, and sees who could be asked: ", Names(pool), ".");
    REMATCH_RETURN_IF_ERROR(play_.Proceed(words_.note));
    expected.events = {"OPENED", "TASK_OPENED", "REVIEWED", "TASK_ENDED", "STAGE_OPENED"};
    return absl::OkStatus();
  }

  std::string Names(const std::vector<std::string>& mentors) const {
    if (mentors.empty()) return "nobody";
    return absl::StrJoin(mentors, ", then ", [this](std::string* out, const std::string& mentor) { out->append(Name(mentor)); });
  }

  // The next of the pool is asked, by a message that says nothing of the candidate.
  absl::StatusOr<request::v1::Offer> NextApproach(const std::string& wanted) {
    REMATCH_ASSIGN_OR_RETURN(Offer offer, play_.AwaitApproach());
    if (offer.mentor() != wanted) {
      return absl::FailedPreconditionError(absl::StrCat(Name(offer.mentor()), " was asked where it was the turn of ", Name(wanted)));
    }
    Mailed("first_approach", offer.mentor());
    Learned(offer.mentor(), {Disclosure::NEED});
    expected.events.insert(expected.events.end(), {"OFFER_MADE", "OFFER_SEAT_HELD", "OFFER_OPENED"});
    return offer;
  }

  // A willing mentor is confirmed, the candidate is called and agrees, the two are told.
  absl::Status ConfirmAndCall(const Offer& offer, bool misses_first) {
    REMATCH_RETURN_IF_ERROR(play_.AwaitTask(request::v1::CONFIRM_MATCH).status());
    Say(Leader(), " judges that ", Name(offer.mentor()), " and ", Candidate(), " are a good match.");
    REMATCH_RETURN_IF_ERROR(play_.Confirm(offer, words_.note));
    expected.events.insert(expected.events.end(), {"OFFER_CONFIRMED", "PROPOSED"});
    return Call(offer.mentor(), misses_first);
  }

  absl::Status Call(const std::string& mentor, bool misses_first) {
    REMATCH_ASSIGN_OR_RETURN(Task task, play_.AwaitTask(request::v1::CALL_CANDIDATE));
    if (misses_first) {
      Say(Leader(), " calls ", Candidate(), ". Nobody answers: the call comes back as a task, and nothing has changed.");
      REMATCH_RETURN_IF_ERROR(play_.RecordCall(task, request::v1::NO_ANSWER, words_.note));
      expected.events.push_back("CALL_RECORDED");
      REMATCH_ASSIGN_OR_RETURN(task, play_.AwaitTask(request::v1::CALL_CANDIDATE));
      if (task.cause() != "NO_ANSWER") return absl::FailedPreconditionError("the second call does not say that the first was not answered");
      const absl::Time due = absl::FromUnixMicros(task.due_time().seconds() * 1'000'000 + task.due_time().nanos() / 1'000);
      WaitUntil([&] { return absl::Now() >= due; }, absl::Seconds(10));
    }
    Say(Leader(), " calls ", Candidate(), misses_first ? " again" : "", ", who is glad to work with ", Name(mentor), ".");
    REMATCH_RETURN_IF_ERROR(play_.RecordCall(task, request::v1::AGREED, words_.note));
    REMATCH_RETURN_IF_ERROR(play_.AwaitState(request::v1::COMPLETED));
    expected.events.insert(expected.events.end(), {"CALL_RECORDED", "TRANSFER_STARTED", "TRANSFERRED", "COMPLETED"});
    expected.new_mentor = mentor;
    Mailed("official_candidate", play_.candidate());
    Mailed("official_mentor", mentor);
    Learned(play_.candidate(), {Disclosure::MENTOR_IDENTITY, Disclosure::CONTACT});
    Learned(mentor, {Disclosure::CANDIDATE_IDENTITY, Disclosure::CONTACT});
    REMATCH_RETURN_IF_ERROR(play_.AwaitMail(Email(play_.candidate()), absl::StrCat("Your mentor is now ", Name(mentor))).status());
    REMATCH_RETURN_IF_ERROR(play_.AwaitMail(Email(mentor), absl::StrCat("You are now the mentor of ", Candidate())).status());
    Say("The swap is done in one step, and both have the official email: ", Name(mentor), " is ", Candidate(), "'s mentor.");
    return absl::OkStatus();
  }

  absl::Status TellFormerMentor(bool by_mail) {
    if (play_.former_mentor().empty()) return play_.AwaitQuiet();
    REMATCH_ASSIGN_OR_RETURN(Task task, play_.AwaitTask(request::v1::TELL_FORMER_MENTOR));
    if (by_mail) {
      Say(Leader(), " has a note sent to ", Name(play_.former_mentor()), ", without reasons.");
      REMATCH_RETURN_IF_ERROR(play_.SendClosingNote());
      Mailed("former_mentor_note", play_.former_mentor());
      REMATCH_RETURN_IF_ERROR(play_.AwaitMail(Email(play_.former_mentor()), "A change in your caseload").status());
    } else {
      Say(Leader(), " calls ", Name(play_.former_mentor()), " and tells them, without reasons.");
      REMATCH_RETURN_IF_ERROR(play_.RecordCall(task, request::v1::TOLD, words_.note));
      expected.events.push_back("CALL_RECORDED");
    }
    Learned(play_.former_mentor(), {Disclosure::REPLACED});
    // The note counts as told once it was handed over, which the delivery feed reports.
    expected.events.push_back("FORMER_MENTOR_TOLD");
    REMATCH_RETURN_IF_ERROR(play_.AwaitEvent("FORMER_MENTOR_TOLD"));
    return play_.AwaitQuiet();
  }

  // The broadcast goes out to everybody, each in a message of their own; the offers it made.
  absl::StatusOr<std::vector<Offer>> Broadcast() {
    REMATCH_RETURN_IF_ERROR(play_.AwaitTask(request::v1::CHOOSE_BROADCAST_AUDIENCE).status());
    REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> everybody, Everybody(play_));
    const auto alone = std::count_if(everybody.begin(), everybody.end(),
                                     [this](const std::string& mentor) { return play_.directory().mentors.at(mentor).opted_out(); });
    Say(Leader(), " asks all ", everybody.size(), " mentors at once", alone > 0 ? ", also those who do not want to be asked alone" : "",
        ", each in a message of their own, which says nothing of ", Candidate(), ". Only ", Name(play_.former_mentor()), " is left out.");
    REMATCH_RETURN_IF_ERROR(play_.OpenBroadcast(false));
    REMATCH_ASSIGN_OR_RETURN(std::vector<Offer> offers, play_.AwaitBroadcast());
    for (const std::string& mentor : everybody) {
      Mailed("broadcast", mentor);
      Learned(mentor, {Disclosure::MENTORS_WANTED, Disclosure::NEED});
    }
    expected.events.insert(expected.events.end(), {"STAGE_OPENED", "BROADCAST_OPENED", "STAGE_WINDOW_BEGAN"});
    return offers;
  }

  // The window of the broadcast ends without anybody else's answer.
  void BroadcastEnds(const std::vector<Offer>& offers, const std::string& declined) {
    for (const Offer& offer : offers) {
      const bool silent = offer.mentor() != declined;
      Asked(offer.mentor(), request::v1::BROADCAST, silent ? request::v1::EXPIRED : request::v1::DECLINED);
    }
    expected.events.push_back("STAGE_WINDOW_ENDED");
  }

  Expected expected;
  EscalationPolicy policy;
  std::vector<std::string> pool;

 private:
  Play& play_;
  const Words& words_;
};

}  // namespace

Words DemoWords() {
  Words words;
  words.referred.set_display_name("Ike Brandt");
  words.referred.set_email("ike.brandt@elsewhere.example");
  words.referred.set_phone("+1 310 555 0190");
  words.recommended.set_display_name("Noor Haddad");
  words.recommended.set_email("noor.haddad@schools.example");
  words.recommended.set_phone("+1 310 555 0191");
  return words;
}

absl::StatusOr<Expected> TellDeclineSilenceYes(Play& play, const Words& words) {
  Teller t(play, words);
  REMATCH_RETURN_IF_ERROR(t.Begin());
  if (t.pool.size() < 3) return absl::FailedPreconditionError("fewer than three mentors can be asked individually");
  t.expected.stage = request::v1::INDIVIDUAL;

  REMATCH_ASSIGN_OR_RETURN(const Offer first, t.NextApproach(t.pool[0]));
  t.Say(t.Name(first.mentor()), " is asked alone, with a seat kept free, and reads of the need only.");
  REMATCH_RETURN_IF_ERROR(play.Answer(first, request::v1::NOT_NOW));
  t.Say(t.Name(first.mentor()), " answers: not now. The seat is free again.");
  REMATCH_RETURN_IF_ERROR(play.AwaitOffer(first.name(), request::v1::DECLINED).status());
  t.Asked(first.mentor(), request::v1::INDIVIDUAL, request::v1::DECLINED);
  t.expected.events.insert(t.expected.events.end(), {"OFFER_ANSWERED", "SEAT_GIVEN_UP"});

  REMATCH_ASSIGN_OR_RETURN(const Offer second, t.NextApproach(t.pool[1]));
  t.Say(t.Name(second.mentor()), " is asked, and stays silent.");
  if (Reminds(t.policy, request::v1::INDIVIDUAL)) {
    REMATCH_ASSIGN_OR_RETURN(const bool reminded, play.AwaitReminder(second));
    if (reminded) t.Say(t.Name(second.mentor()), " gets a reminder.");
  }
  REMATCH_RETURN_IF_ERROR(play.AwaitOffer(second.name(), request::v1::EXPIRED).status());
  t.Say("The window of ", t.Name(second.mentor()), " ends.");
  t.Asked(second.mentor(), request::v1::INDIVIDUAL, request::v1::EXPIRED);
  t.expected.events.push_back("OFFER_ENDED");

  REMATCH_ASSIGN_OR_RETURN(const Offer third, t.NextApproach(t.pool[2]));
  t.Say(t.Name(third.mentor()), " is asked.");
  REMATCH_RETURN_IF_ERROR(play.Answer(third, request::v1::YES));
  t.Say(t.Name(third.mentor()), " is willing.");
  t.Asked(third.mentor(), request::v1::INDIVIDUAL, request::v1::CONFIRMED);
  t.expected.events.push_back("OFFER_ANSWERED");
  REMATCH_RETURN_IF_ERROR(t.ConfirmAndCall(third, /*misses_first=*/true));
  REMATCH_RETURN_IF_ERROR(t.TellFormerMentor(/*by_mail=*/true));
  return std::move(t.expected);
}

absl::StatusOr<Expected> TellNobodyInPool(Play& play, const Words& words) {
  Teller t(play, words);
  REMATCH_RETURN_IF_ERROR(t.Begin());
  if (!t.pool.empty()) return absl::FailedPreconditionError("somebody can be asked individually");
  t.expected.stage = request::v1::RECOMMENDATION;
  t.Say("Nobody can be asked individually.");

  REMATCH_ASSIGN_OR_RETURN(const std::vector<Offer> offers, t.Broadcast());
  // Anybody but the leaders, who are mentors, too.
  const auto leads = [&](const Offer& offer) {
    return offer.mentor() == play.program().leader().mentor() || offer.mentor() == play.program().alternate().mentor();
  };
  const Offer& referrer = *std::find_if_not(offers.begin(), offers.end() - 1, leads);
  REMATCH_RETURN_IF_ERROR(play.Answer(referrer, request::v1::NOT_NOW, words.referred));
  t.Say(t.Name(referrer.mentor()), " answers: not I, but ask ", words.referred.display_name(), ". The others stay silent.");
  REMATCH_RETURN_IF_ERROR(play.AwaitTask(request::v1::QUALIFY_PERSON).status());
  REMATCH_ASSIGN_OR_RETURN(auto people, play.People());
  if (people.size() != 1) return absl::FailedPreconditionError("the referral did not become one person");
  t.Say(t.Leader(), " finds that ", words.referred.display_name(), " does not fit.");
  REMATCH_RETURN_IF_ERROR(play.Dismiss(people.front(), words.note));
  t.expected.events.insert(t.expected.events.end(), {"OFFER_ANSWERED", "PERSON_NAMED", "PERSON_DECIDED"});
  t.BroadcastEnds(offers, referrer.mentor());

  REMATCH_RETURN_IF_ERROR(play.AwaitTask(request::v1::ASK_CONSENT).status());
  t.Say("The broadcast ends. ", t.Candidate(), " agrees that their school is asked.");
  REMATCH_RETURN_IF_ERROR(play.RecordConsent(true));
  const std::string site = t.Site(), district = t.District();
  for (const std::string& asked : {site, district}) {
    t.Mailed(asked == site ? "site_recommendation" : "district_recommendation", asked);
    t.Learned(asked, {Disclosure::NEED});
  }
  REMATCH_RETURN_IF_ERROR(play.AwaitMail(t.Email(site), "Could you recommend a mentor?").status());
  REMATCH_RETURN_IF_ERROR(play.AwaitMail(t.Email(district), "Could your district recommend a mentor?").status());
  t.Say(t.Name(site), " of ", play.directory().sites.at(site).display_name(), " recommends ", words.recommended.display_name(),
        ", who has never mentored.");
  REMATCH_ASSIGN_OR_RETURN(const auto person, play.Recommend(words.recommended));
  REMATCH_RETURN_IF_ERROR(play.AwaitTask(request::v1::QUALIFY_PERSON).status());
  const mentor::v1::Candidate candidate = play.directory().candidates.at(play.candidate());
  mentor::v1::Mentor attributes;
  attributes.set_district(district);
  attributes.add_credentials(candidate.credential());
  attributes.add_grade_bands(candidate.grade_band());
  *attributes.mutable_subjects() = candidate.subjects();
  attributes.set_capacity(2);
  t.Say(t.Leader(), " talks with ", words.recommended.display_name(), " and finds them fit: they join the roster.");
  REMATCH_RETURN_IF_ERROR(play.Qualify(person, attributes, words.note));
  t.expected.events.insert(t.expected.events.end(),
                           {"STAGE_OPENED", "CONSENT_RECORDED", "STAGE_WINDOW_BEGAN", "PERSON_NAMED", "PERSON_DECIDED", "PERSON_JOINED"});

  REMATCH_ASSIGN_OR_RETURN(const Offer offer, play.AwaitApproach());
  if (t.Email(offer.mentor()) != words.recommended.email()) return absl::FailedPreconditionError("somebody else was asked");
  t.Mailed("first_approach", offer.mentor());
  t.Learned(offer.mentor(), {Disclosure::NEED});
  t.Say(t.Name(offer.mentor()), " is asked like anybody.");
  REMATCH_RETURN_IF_ERROR(play.Answer(offer, request::v1::YES));
  t.Say(t.Name(offer.mentor()), " is willing.");
  t.Asked(offer.mentor(), request::v1::RECOMMENDATION, request::v1::CONFIRMED);
  t.expected.events.insert(t.expected.events.end(), {"OFFER_OPENED", "OFFER_ANSWERED"});
  REMATCH_RETURN_IF_ERROR(t.ConfirmAndCall(offer, /*misses_first=*/false));
  REMATCH_RETURN_IF_ERROR(t.TellFormerMentor(/*by_mail=*/false));
  return std::move(t.expected);
}

absl::StatusOr<Expected> TellEveryStageFails(Play& play, const Words& words) {
  Teller t(play, words);
  REMATCH_RETURN_IF_ERROR(t.Begin());
  t.expected.stage = request::v1::LEADER;
  for (const std::string& mentor : t.pool) {
    REMATCH_ASSIGN_OR_RETURN(const Offer offer, t.NextApproach(mentor));
    REMATCH_RETURN_IF_ERROR(play.Answer(offer, request::v1::NOT_NOW));
    t.Say(t.Name(mentor), " is asked, and answers: not now.");
    t.Asked(mentor, request::v1::INDIVIDUAL, request::v1::DECLINED);
    t.expected.events.push_back("OFFER_ANSWERED");
  }
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Offer> offers, t.Broadcast());
  t.Say("Nobody answers.");
  t.BroadcastEnds(offers, "");

  REMATCH_RETURN_IF_ERROR(play.AwaitTask(request::v1::ASK_CONSENT).status());
  t.Say("The broadcast ends. ", t.Candidate(), " does not want their school to be asked: only the District is.");
  REMATCH_RETURN_IF_ERROR(play.RecordConsent(false));
  t.Mailed("district_recommendation", t.District());
  t.Learned(t.District(), {Disclosure::NEED});
  REMATCH_RETURN_IF_ERROR(play.AwaitMail(t.Email(t.District()), "Could your district recommend a mentor?").status());
  t.expected.events.insert(t.expected.events.end(),
                           {"STAGE_OPENED", "CONSENT_RECORDED", "STAGE_WINDOW_BEGAN", "STAGE_WINDOW_ENDED", "STAGE_OPENED"});

  REMATCH_RETURN_IF_ERROR(play.AwaitTask(request::v1::TAKE_CANDIDATE).status());
  t.Say(t.Name(t.District()), " of the District knows nobody either. ", t.Leader(), " takes ", t.Candidate(), ".");
  REMATCH_RETURN_IF_ERROR(play.Take());
  const std::string mentor = play.program().leader().mentor();
  t.Asked(mentor, request::v1::LEADER, request::v1::CONFIRMED);
  t.expected.events.insert(t.expected.events.end(), {"OFFER_MADE", "OFFER_SEAT_HELD", "PROPOSED"});
  REMATCH_RETURN_IF_ERROR(t.Call(mentor, /*misses_first=*/false));
  REMATCH_RETURN_IF_ERROR(t.TellFormerMentor(/*by_mail=*/false));
  return std::move(t.expected);
}

absl::StatusOr<Expected> TellLateYes(Play& play, const Words& words) {
  Teller t(play, words);
  REMATCH_RETURN_IF_ERROR(t.Begin());
  if (t.pool.size() < 4) return absl::FailedPreconditionError("fewer than four mentors can be asked individually");
  t.expected.stage = request::v1::BROADCAST;

  REMATCH_ASSIGN_OR_RETURN(const Offer first, t.NextApproach(t.pool[0]));
  t.Say(t.Name(first.mentor()), " is asked, and stays silent until their window ends.");
  REMATCH_RETURN_IF_ERROR(play.AwaitOffer(first.name(), request::v1::EXPIRED).status());
  t.expected.events.push_back("OFFER_ENDED");

  REMATCH_ASSIGN_OR_RETURN(const Offer second, t.NextApproach(t.pool[1]));
  REMATCH_RETURN_IF_ERROR(play.ReportBounce(second));
  t.Say(t.Name(second.mentor()), " is asked, but the message comes back: they are not waited for.");
  REMATCH_RETURN_IF_ERROR(play.AwaitOffer(second.name(), request::v1::UNDELIVERABLE).status());
  t.expected.bounced.insert(t.Email(second.mentor()));
  t.expected.events.insert(t.expected.events.end(), {"MESSAGE_FAILED", "OFFER_ENDED"});

  REMATCH_ASSIGN_OR_RETURN(const Offer third, t.NextApproach(t.pool[2]));
  REMATCH_RETURN_IF_ERROR(play.Pause(words.note));
  t.Say(t.Name(third.mentor()), " is asked, and ", t.Leader(), " pauses the case over the holidays.");
  REMATCH_RETURN_IF_ERROR(play.Answer(first, request::v1::YES, std::nullopt, request::v1::RespondToOfferResponse::RECORDED_LATE));
  t.Say(t.Name(first.mentor()), " says yes after all. It is recorded as late, and assigns nothing.");
  REMATCH_RETURN_IF_ERROR(play.Retire(third.mentor()));
  REMATCH_RETURN_IF_ERROR(play.AwaitEvent("FACT_DEFERRED"));
  t.Say(t.Name(third.mentor()), " retires. In the pause nothing follows from it.");
  REMATCH_RETURN_IF_ERROR(play.Resume(words.note));
  t.Say("The case goes on: ", t.Name(third.mentor()), " is not waited for.");
  REMATCH_RETURN_IF_ERROR(play.AwaitOffer(third.name(), request::v1::CANCELLED).status());
  t.expected.events.insert(t.expected.events.end(), {"PAUSED", "OFFER_ANSWERED", "FACT_DEFERRED", "RESUMED", "MENTOR_GONE", "OFFER_ENDED"});

  REMATCH_ASSIGN_OR_RETURN(const Offer fourth, t.NextApproach(t.pool[3]));
  REMATCH_RETURN_IF_ERROR(play.SkipStage(words.note));
  t.Say(t.Name(fourth.mentor()), " is asked. ", t.Leader(), " has seen the late yes, and ends the stage: ", t.Name(fourth.mentor()),
        " hears that nobody is needed any more.");
  t.Mailed("closing_note", fourth.mentor());
  t.Learned(fourth.mentor(), {Disclosure::NO_LONGER_NEEDED});
  REMATCH_RETURN_IF_ERROR(play.AwaitTask(request::v1::CHOOSE_BROADCAST_AUDIENCE).status());
  REMATCH_RETURN_IF_ERROR(play.Revive(first, words.note));
  t.Say("Nobody is being asked now, so ", t.Leader(), " takes the late yes up: a seat of ", t.Name(first.mentor()), "'s is held again.");
  t.Asked(first.mentor(), request::v1::INDIVIDUAL, request::v1::CONFIRMED);
  t.Asked(second.mentor(), request::v1::INDIVIDUAL, request::v1::UNDELIVERABLE);
  t.Asked(third.mentor(), request::v1::INDIVIDUAL, request::v1::CANCELLED);
  t.Asked(fourth.mentor(), request::v1::INDIVIDUAL, request::v1::CANCELLED);
  t.expected.events.insert(t.expected.events.end(), {"STAGE_SKIPPED", "OFFER_ENDED", "STAGE_OPENED", "OFFER_REVIVED", "OFFER_SEAT_HELD"});
  REMATCH_RETURN_IF_ERROR(t.ConfirmAndCall(first, /*misses_first=*/false));
  REMATCH_RETURN_IF_ERROR(t.TellFormerMentor(/*by_mail=*/false));

  REMATCH_ASSIGN_OR_RETURN(const std::vector<Task> orphans, play.AwaitTasksOfCandidates(request::v1::MENTOR_LEFT));
  for (const Task& task : orphans) {
    t.Say(t.Name(task.about()), " was ", t.Name(third.mentor()), "'s, and is in ", t.Leader(), "'s list: ", t.Name(fourth.mentor()),
          " becomes their mentor.");
    REMATCH_RETURN_IF_ERROR(play.Assign(task.about(), fourth.mentor()));
    --t.expected.moved[third.mentor()];
    ++t.expected.moved[fourth.mentor()];
  }
  REMATCH_RETURN_IF_ERROR(play.AwaitNoTaskOfCandidates(request::v1::MENTOR_LEFT));
  return std::move(t.expected);
}

absl::StatusOr<Expected> TellSurveyAndHoliday(Play& play, const Words& words) {
  Teller t(play, words);
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(play.program().time_zone(), &zone))
    return absl::FailedPreconditionError("the program's time zone is not known here");
  const auto day = [&](absl::Time time) { return absl::FormatTime("%A, %-d %B", time, zone); };
  const auto date = [&](absl::Time time) { return absl::FormatTime("%Y-%m-%d", time, zone); };
  const auto end_of = [](const Offer& offer) { return absl::FromUnixSeconds(offer.window_end_time().seconds()); };

  REMATCH_ASSIGN_OR_RETURN(EscalationPolicy policy, ActivePolicyOf(play));
  policy.set_display_name("In working days");
  policy.set_concern_at_or_below(2);
  for (EscalationPolicy::Stage& stage : *policy.mutable_stages()) {
    stage.clear_remind_before();
    if (!stage.has_window()) continue;
    stage.mutable_window()->set_amount(2);
    stage.mutable_window()->set_unit(request::v1::Window::WORKING_DAYS);
  }
  REMATCH_ASSIGN_OR_RETURN(const request::v1::PolicyVersion version, play.Publish(policy));
  t.Say(t.Leader(), " publishes another policy: from now on mentors have two working days. It is version ", version.version(),
        " of the program's own; cases that are open keep theirs.");
  // Far behind whatever the case needs.
  REMATCH_RETURN_IF_ERROR(play.CloseOn(date(absl::Now() + absl::Hours(24 * 60))));

  REMATCH_ASSIGN_OR_RETURN(const request::v1::Survey survey, play.SendSurvey());
  t.Say(t.Leader(), " asks all ", survey.invited(), " candidates how they and their mentors get on, each by a letter of their own.");
  REMATCH_RETURN_IF_ERROR(play.AnswerSurvey(2, words.survey));
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Task> concerns, play.AwaitTasksOfCandidates(request::v1::RESOLVE_CONCERN));
  if (concerns.size() != 1 || concerns[0].about() != play.candidate())
    return absl::FailedPreconditionError("the concern is not the candidate's");
  t.Say(t.Candidate(), " answers that it is difficult. That is a concern, which ", t.Leader(), " alone reads, and no case.");
  REMATCH_RETURN_IF_ERROR(play.OpenFromConcern(concerns[0].subject()));
  REMATCH_RETURN_IF_ERROR(play.AwaitNoTaskOfCandidates(request::v1::RESOLVE_CONCERN));
  t.Say(t.Leader(), " talks with ", t.Candidate(), ", who would like another mentor than ", t.Name(play.former_mentor()),
        ": with their consent the concern becomes a case.");
  REMATCH_RETURN_IF_ERROR(t.Consider());
  if (t.policy.display_name() != policy.display_name()) return absl::FailedPreconditionError("the case follows another policy");
  if (t.pool.empty()) return absl::FailedPreconditionError("nobody can be asked individually");

  t.expected.stage = request::v1::INDIVIDUAL;
  REMATCH_ASSIGN_OR_RETURN(const Offer first, t.NextApproach(t.pool[0]));
  t.Say(t.Name(first.mentor()), " is asked alone, and has until ", day(end_of(first)), ".");
  REMATCH_RETURN_IF_ERROR(play.CloseOn(date(end_of(first))));
  REMATCH_ASSIGN_OR_RETURN(const Offer moved, play.AwaitMovedWindow(first));
  if (end_of(moved) <= end_of(first)) return absl::FailedPreconditionError("the window ends sooner than before");
  t.Say("A holiday is moved to that very day: ", t.Name(first.mentor()), " has until ", day(end_of(moved)), ", and the record says so.");
  t.expected.events.push_back("CALENDAR_CHANGED");
  REMATCH_RETURN_IF_ERROR(play.Answer(first, request::v1::YES));
  t.Say(t.Name(first.mentor()), " answers: yes.");
  t.Asked(first.mentor(), request::v1::INDIVIDUAL, request::v1::CONFIRMED);
  t.expected.events.push_back("OFFER_ANSWERED");
  REMATCH_RETURN_IF_ERROR(t.ConfirmAndCall(first, /*misses_first=*/false));
  REMATCH_RETURN_IF_ERROR(t.TellFormerMentor(/*by_mail=*/true));
  return std::move(t.expected);
}

}  // namespace rematch::demo
