// A case as a leader might see it, with everything that a picture of it can show.
#ifndef REMATCH_TESTS_CLI_SAMPLE_H_
#define REMATCH_TESTS_CLI_SAMPLE_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/timeline.h"

namespace rematch::cli {

inline constexpr char kProgram[] = "consortia/south-bay/programs/secondary";
inline constexpr char kCase[] = "consortia/south-bay/programs/secondary/reassignments/0195a1b2-0000-7000-8000-0000003fa2b1";

inline std::string MentorName(int i) { return absl::StrCat("consortia/south-bay/mentors/0195a1b2-0000-7000-8000-00000000000", i); }
inline std::string CandidateName(int i) { return absl::StrCat(kProgram, "/candidates/0195a1b2-0000-7000-8000-0000000000c", i); }

// Monday, 2025-03-03 09:00 in UTC, and hours from there.
inline absl::Time At(double hours) { return absl::FromUnixSeconds(1740992400) + absl::Hours(hours); }
inline void Set(google::protobuf::Timestamp* timestamp, absl::Time time) { timestamp->set_seconds(absl::ToUnixSeconds(time)); }

inline People SamplePeople() {
  People people;
  people.Add(CandidateName(1), "Ana Ruiz");
  people.Add(CandidateName(2), "Bo Kern");
  people.Add(MentorName(0), "Dan Wu");
  people.Add(MentorName(1), "Mina Okafor");
  people.Add(MentorName(2), "José Nguyễn");
  people.Add(MentorName(3), "山田 太郎");
  people.Add(MentorName(4), "Rosa Lee");
  people.Add("consortia/south-bay/leaders/rosa", "Rosa Lee");
  return people;
}

inline rematch::request::v1::Offer MakeOffer(const std::string& id, int mentor, rematch::request::v1::StageKind stage,
                                             rematch::request::v1::OfferState state, double asked, double answered = -1) {
  rematch::request::v1::Offer offer;
  offer.set_name(absl::StrCat(kCase, "/offers/", id));
  offer.set_mentor(MentorName(mentor));
  offer.set_stage(stage);
  offer.set_state(state);
  Set(offer.mutable_open_time(), At(asked));
  Set(offer.mutable_window_end_time(), At(asked + 48));
  if (answered >= 0) Set(offer.mutable_answer_time(), At(answered));
  return offer;
}

inline rematch::request::v1::Task MakeTask(const std::string& id, rematch::request::v1::TaskKind kind, double created, double due,
                                           double ended = -1) {
  rematch::request::v1::Task task;
  task.set_name(absl::StrCat(kCase, "/tasks/", id));
  task.set_kind(kind);
  task.set_owner("consortia/south-bay/leaders/rosa");
  Set(task.mutable_create_time(), At(created));
  Set(task.mutable_due_time(), At(due));
  if (ended >= 0) Set(task.mutable_end_time(), At(ended));
  return task;
}

inline void AddEvent(CaseHistory& history, double at, const std::string& type, const std::string& subject = "") {
  rematch::request::v1::ReassignmentEvent& event = history.events.emplace_back();
  event.set_sequence(static_cast<int64_t>(history.events.size()));
  Set(event.mutable_time(), At(at));
  event.set_type(type);
  event.set_subject(subject);
  event.set_actor_role("PROGRAM_LEADER");
  event.set_hash("0123456789abcdef");
}

// The first mentor declines, the second stays silent to the end of the window, the third is willing; the call is not answered, then done.
inline CaseHistory SampleHistory() {
  namespace v1 = rematch::request::v1;
  CaseHistory history;
  v1::Reassignment& c = history.reassignment;
  c.set_name(kCase);
  c.set_candidate(CandidateName(1));
  c.set_state(v1::COMPLETED);
  c.set_stage(v1::INDIVIDUAL);
  c.set_round(1);
  c.set_current_mentor(MentorName(0));
  c.set_proposed_mentor(MentorName(3));
  c.set_acting_leader("consortia/south-bay/leaders/rosa");
  Set(c.mutable_create_time(), At(0));
  Set(c.mutable_update_time(), At(102));
  Set(c.mutable_end_time(), At(102));
  AddEvent(history, 0, "OPENED");
  AddEvent(history, 3, "REVIEWED");
  AddEvent(history, 3, "OFFER_MADE", "o1");
  AddEvent(history, 3.1, "OFFER_OPENED", "o1");
  AddEvent(history, 20, "OFFER_ANSWERED", "o1");
  AddEvent(history, 20, "OFFER_MADE", "o2");
  AddEvent(history, 44, "OFFER_REMINDED", "o2");
  AddEvent(history, 68, "OFFER_ENDED", "o2");
  AddEvent(history, 68, "OFFER_MADE", "o3");
  AddEvent(history, 80, "OFFER_ANSWERED", "o3");
  AddEvent(history, 82, "OFFER_CONFIRMED", "o3");
  AddEvent(history, 83, "CALL_RECORDED", "t3");
  AddEvent(history, 101, "CALL_RECORDED", "t4");
  AddEvent(history, 101.5, "TRANSFERRED");
  AddEvent(history, 101.75, "ANNOUNCEMENT_CHANGED");
  AddEvent(history, 102, "COMPLETED");
  history.offers = {
      MakeOffer("o1", 1, v1::INDIVIDUAL, v1::DECLINED, 3.1, 20),
      MakeOffer("o2", 2, v1::INDIVIDUAL, v1::EXPIRED, 20.1),
      MakeOffer("o3", 3, v1::INDIVIDUAL, v1::CONFIRMED, 68.1, 80),
  };
  history.tasks = {
      MakeTask("t1", v1::REVIEW_REASONS, 0, 48, 3),     MakeTask("t2", v1::CONFIRM_MATCH, 80, 128, 82),
      MakeTask("t3", v1::CALL_CANDIDATE, 82, 130, 83),  MakeTask("t4", v1::CALL_CANDIDATE, 83, 131, 101),
      MakeTask("t5", v1::TELL_FORMER_MENTOR, 102, 110),
  };
  return history;
}

}  // namespace rematch::cli

#endif  // REMATCH_TESTS_CLI_SAMPLE_H_
