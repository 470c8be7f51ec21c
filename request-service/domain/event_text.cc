// Events in words, for the audit trail and the timeline. Resource names at most: nothing private is in an event to begin with.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "request-service/domain/escalation.h"

namespace rematch::request {
namespace {

std::string Named(std::string_view before, const std::string& name) {
  return name.empty() ? std::string(before) : std::string(before) + " " + name;
}

std::string Because(std::string text, const std::string& cause) { return cause.empty() ? text : text + " (" + cause + ")"; }

// SEAT_HELD.
std::string KindOf(const Command& command) {
  const auto* kind = command.GetReflection()->GetOneofFieldDescriptor(command, Command::descriptor()->FindOneofByName("kind"));
  return kind == nullptr ? "UNKNOWN" : absl::AsciiStrToUpper(kind->name());
}

std::string EffectText(const RunningEffect& effect) {
  switch (static_cast<Effect::KindCase>(effect.kind())) {
    case Effect::kHoldNextSeat:
      return "asks for the next mentor with a free seat";
    case Effect::kHoldSeat:
      return "asks for a seat";
    case Effect::kReleaseSeat:
      return "gives the seat back";
    case Effect::kTransfer:
      return "asks for the change of mentor";
    case Effect::kAddMentor:
      return "asks to add " + effect.person() + " to the roster";
    case Effect::kSend:
      return "hands over " + effect.message();
    case Effect::kCancelSend:
      return "calls back " + effect.message();
    default:
      return "starts an effect";
  }
}

}  // namespace

std::string EventType(const Event& event) {
  const auto* kind = event.GetReflection()->GetOneofFieldDescriptor(event, Event::descriptor()->FindOneofByName("kind"));
  return kind == nullptr ? "UNKNOWN" : absl::AsciiStrToUpper(kind->name());
}

std::string EventSubject(const Event& event) {
  switch (event.kind_case()) {
    case Event::kOfferMade:
      return event.offer_made().offer().id();
    case Event::kPersonNamed:
      return event.person_named().person().id();
    case Event::kTaskOpened:
      return event.task_opened().task().id();
    case Event::kMessageMade:
      return event.message_made().message().offer();
    case Event::kEffectStarted: {
      const RunningEffect& effect = event.effect_started().effect();
      return effect.offer().empty() ? effect.person() : effect.offer();
    }
    default:
      break;
  }
  // The others say it in a field of that name.
  const auto* reflection = event.GetReflection();
  const auto* kind = reflection->GetOneofFieldDescriptor(event, Event::descriptor()->FindOneofByName("kind"));
  if (kind == nullptr) return "";
  const google::protobuf::Message& body = reflection->GetMessage(event, kind);
  for (const char* name : {"offer", "task", "person"}) {
    const auto* field = body.GetDescriptor()->FindFieldByName(name);
    if (field != nullptr && field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      return body.GetReflection()->GetString(body, field);
    }
  }
  return "";
}

std::string EventSummary(const Event& event) {
  switch (event.kind_case()) {
    case Event::kOpened:
      return "the case was opened for " + event.opened().initial().candidate();
    case Event::kReviewed:
      return absl::StrCat("the reasons were considered: go on; ", event.reviewed().order_size(), " moved to the front, ",
                          event.reviewed().strike_size(), " struck");
    case Event::kStageOpened:
      return absl::StrCat("stage ", v1::StageKind_Name(event.stage_opened().kind()), " opened, round ", event.stage_opened().round());
    case Event::kStageWindowBegan:
      return "the window of the stage began";
    case Event::kStageReminded:
      return "the stage reminded whoever has not answered";
    case Event::kStageWindowEnded:
      return "the window of the stage ended";
    case Event::kStageExhausted:
      return Because("the stage has nothing more to give", event.stage_exhausted().cause());
    case Event::kBroadcastOpened:
      return absl::StrCat("the broadcast goes out ", event.broadcast_opened().include_current_mentor() ? "with" : "without",
                          " the current mentor");
    case Event::kOfferMade:
      return Named("an offer was made", event.offer_made().offer().mentor());
    case Event::kOfferSeatHeld:
      return "a seat is held of " + event.offer_seat_held().mentor();
    case Event::kOfferSeatRefused:
      return Because("no seat was given", event.offer_seat_refused().reason());
    case Event::kMessageMade:
      return absl::StrCat(MessageKind_Name(event.message_made().message().kind()), " to ", event.message_made().message().to());
    case Event::kMessageDelivered:
      return "delivered " + event.message_delivered().message();
    case Event::kMessageFailed:
      return "could not deliver " + event.message_failed().message();
    case Event::kMessageCancelled:
      return "called back " + event.message_cancelled().message();
    case Event::kOfferOpened:
      return "asked; the window runs";
    case Event::kOfferReminded:
      return "reminded";
    case Event::kOfferAnswered:
      return absl::StrCat("answered ", event.offer_answered().willing() ? "willing" : "not now",
                          event.offer_answered().late() ? ", late" : "", event.offer_answered().referral() ? ", and named somebody" : "");
    case Event::kOfferEnded:
      return Because("the offer is " + v1::OfferState_Name(event.offer_ended().state()), event.offer_ended().cause());
    case Event::kOfferChosen:
      return "chosen";
    case Event::kOfferConfirmed:
      return "the match was judged good";
    case Event::kSeatGivenUp:
      return "the seat was given up";
    case Event::kPersonNamed:
      return absl::StrCat("somebody was named in stage ", v1::StageKind_Name(event.person_named().person().stage()));
    case Event::kPersonDecided:
      return Named(v1::Person::State_Name(event.person_decided().state()), event.person_decided().mentor());
    case Event::kPersonJoined:
      return "joined the roster as " + event.person_joined().mentor();
    case Event::kTaskOpened:
      return Because("task " + v1::TaskKind_Name(event.task_opened().task().kind()), event.task_opened().task().cause());
    case Event::kTaskEnded:
      return "the task ended";
    case Event::kConsentRecorded:
      return absl::StrCat("the candidate ", event.consent_recorded().given() ? "agrees" : "does not agree", " that their site is asked");
    case Event::kCallRecorded:
      return "a call: " + v1::CallOutcome_Name(event.call_recorded().outcome());
    case Event::kProposed:
      return "put to the candidate";
    case Event::kProposalEnded:
      return "the candidate said no";
    case Event::kTransferStarted:
      return "the candidate agreed";
    case Event::kTransferred:
      return "the change was made: " + event.transferred().assignment();
    case Event::kTransferRefused:
      return Because("the change was refused", event.transfer_refused().reason());
    case Event::kAnnouncementChanged:
      return absl::StrCat("candidate ", Announcement::Told_Name(event.announcement_changed().announcement().candidate()), ", mentor ",
                          Announcement::Told_Name(event.announcement_changed().announcement().mentor()));
    case Event::kEffectStarted:
      return EffectText(event.effect_started().effect());
    case Event::kEffectAnswered:
      return event.effect_answered().effect() + " was answered";
    case Event::kDisclosed: {
      const v1::Disclosure& disclosure = event.disclosed().disclosure();
      std::string facts;
      for (int i = 0; i < disclosure.facts_size(); ++i) {
        absl::StrAppend(&facts, i == 0 ? "" : ", ", v1::Disclosure::Fact_Name(disclosure.facts(i)));
      }
      return absl::StrCat(disclosure.to(), " learned ", facts, " by ", disclosure.by());
    }
    case Event::kFormerMentorTold:
      return "the former mentor was told";
    case Event::kSearchRestarted:
      return absl::StrCat("the search begins again at ", v1::StageKind_Name(event.search_restarted().stage()), ", round ",
                          event.search_restarted().round());
    case Event::kMentorStruck:
      return event.mentor_struck().mentor() + " was struck";
    case Event::kMentorGone:
      return event.mentor_gone().mentor() + " left";
    case Event::kStageSkipped:
      return absl::StrCat("stage ", v1::StageKind_Name(event.stage_skipped().stage()), " was skipped");
    case Event::kOfferRevived:
      return "the late yes was taken up";
    case Event::kPaused:
      return "the case was paused";
    case Event::kFactDeferred:
      return absl::StrCat("is put off: ", KindOf(event.fact_deferred().fact()));
    case Event::kResumed:
      return absl::StrCat("the pause ended; deadlines moved: ", event.resumed().deadlines_size());
    case Event::kTaskSnoozed:
      return "the task was put off";
    case Event::kLeaderReplaced:
      return "the leader is now " + event.leader_replaced().leader().person();
    case Event::kCurrentMentorChanged:
      return Named("the mentor of record has changed:",
                   event.current_mentor_changed().mentor().empty() ? std::string("nobody") : event.current_mentor_changed().mentor());
    case Event::kCalendarChanged: {
      std::string moved;
      for (const Event::Deadline& deadline : event.calendar_changed().deadlines()) {
        absl::StrAppend(&moved, moved.empty() ? "" : ", ", deadline.id().empty() ? "the stage" : deadline.id());
      }
      return "the program's calendar has changed; deadlines moved: " + (moved.empty() ? "none" : moved);
    }
    case Event::kMediationRecorded:
      return "a mediation was recorded";  // what came of it is the leaders' alone (F21)
    case Event::kRequestSigned:
      return absl::StrCat(v1::EscalationPolicy::Stage::Signer_Name(event.request_signed().signer()),
                          event.request_signed().refused() ? " did not sign the request" : " signed the request");
    case Event::kOfferApproved:
      return "the match was judged good: they may be asked";
    case Event::kMigrated:
      return absl::StrCat("the case goes by another policy, in its stage ", event.migrated().stage_id());
    case Event::kCandidateGone:
      return "the candidate left the program";
    case Event::kCompleted:
      return "everybody was told: the case is complete";
    case Event::kWithdrawn:
      return "the candidate withdrew the request";
    case Event::kClosed:
      return "closed by the leader";  // the ground is the leaders' alone (F21)
    case Event::KIND_NOT_SET:
      break;
  }
  return "";
}

}  // namespace rematch::request
