// The peers of request-service in memory, with what matters of theirs: seats that never exceed a capacity and whose states only move
// forward (tombstones), assignments that are swapped whole, messages that are once per key, a feed of deliveries by position. A fault can
// be put before a call (nothing happened) or behind it (it happened, and nobody heard of it).
#ifndef REMATCH_TESTS_REQUEST_FAKE_PEERS_H_
#define REMATCH_TESTS_REQUEST_FAKE_PEERS_H_

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/errors.h"
#include "request-service/loops/peers.h"

namespace rematch::request::testing {

namespace mv1 = ::rematch::mentor::v1;
namespace nv1 = ::rematch::notify::v1;

inline constexpr char kConsortium[] = "consortia/c1";
inline constexpr char kProgram[] = "consortia/c1/programs/p1";
inline constexpr char kLeader[] = "consortia/c1/leaders/lena";
inline constexpr char kAlternate[] = "consortia/c1/leaders/alex";
inline constexpr char kOtherLeader[] = "consortia/c1/leaders/otto";

inline std::string MentorName(const std::string& id) { return absl::StrCat(kConsortium, "/mentors/", id); }
inline std::string CandidateName(const std::string& id) { return absl::StrCat(kProgram, "/candidates/", id); }

// What goes wrong: called with the method's name; OK: nothing.
using Fault = std::function<absl::Status(std::string_view method)>;

class FakeMentor final : public MentorPeer {
 public:
  FakeMentor() {
    mv1::Program& program = programs_[kProgram];
    program.set_name(kProgram);
    program.set_display_name("South Bay Induction");
    program.set_time_zone("America/Los_Angeles");
    program.mutable_leader()->set_person(kLeader);
    program.mutable_leader()->set_mentor(MentorName("lena"));
    SetContact(*program.mutable_leader()->mutable_contact(), "Lena Leader", "lena@program.example");
    program.mutable_alternate()->set_person(kAlternate);
    program.mutable_alternate()->set_mentor(MentorName("alex"));
    SetContact(*program.mutable_alternate()->mutable_contact(), "Alex Alternate", "alex@program.example");
    mv1::Program& other = programs_["consortia/c1/programs/p2"];
    other.set_name("consortia/c1/programs/p2");
    other.set_time_zone("UTC");
    other.mutable_leader()->set_person(kOtherLeader);
    site_.set_name("consortia/c1/sites/s1");
    site_.set_display_name("Harbor School");
    site_.set_district("consortia/c1/districts/d1");
    SetContact(*site_.mutable_administrator(), "Ada Admin", "ada@harbor.example");
    district_.set_name("consortia/c1/districts/d1");
    SetContact(*district_.mutable_representative(), "Dora District", "dora@district.example");
    AddMentor("lena", 3, /*individual=*/false);
    AddMentor("alex", 3, /*individual=*/false);
  }

  static void SetContact(mv1::Contact& contact, const std::string& name, const std::string& email) {
    contact.set_display_name(name);
    contact.set_email(email);
    contact.set_phone("+1 310 555 0100");
  }

  // Whoever leads the program from now on.
  void SetLeader(const std::string& person, const std::string& mentor) {
    absl::MutexLock lock(&mutex_);
    mv1::Leader& leader = *programs_[kProgram].mutable_leader();
    leader.set_person(person);
    leader.set_mentor(mentor);
  }

  // Mentors rank in the order in which they were added. Those who are not `individual` are reached by a broadcast alone.
  void AddMentor(const std::string& id, int capacity, bool individual = true) {
    absl::MutexLock lock(&mutex_);
    mv1::Mentor mentor;
    mentor.set_name(MentorName(id));
    SetContact(*mentor.mutable_contact(), "Mentor " + id, id + "@mentors.example");
    mentor.set_capacity(capacity);
    order_.push_back(mentor.name());
    if (individual) individual_.insert(mentor.name());
    mentors_[mentor.name()] = mentor;
  }

  // A candidate, with this mentor of record (or none).
  std::string AddCandidate(const std::string& id, const std::string& mentor) {
    absl::MutexLock lock(&mutex_);
    mv1::Candidate candidate;
    candidate.set_name(CandidateName(id));
    SetContact(*candidate.mutable_contact(), "Candidate " + id, id + "@candidates.example");
    candidate.set_site(site_.name());
    candidate.set_credential("Multiple Subject");
    candidate.set_grade_band("K-2");
    candidate.add_subjects("Mathematics");
    candidates_[candidate.name()] = candidate;
    if (!mentor.empty()) Assign(candidate.name(), MentorName(mentor));
    return candidate.name();
  }

  void SetBefore(Fault fault) {
    absl::MutexLock lock(&mutex_);
    before_ = std::move(fault);
  }
  void SetBehind(Fault fault) {
    absl::MutexLock lock(&mutex_);
    behind_ = std::move(fault);
  }

  absl::StatusOr<mv1::Candidate> GetCandidate(const std::string& name) override { return Get("GetCandidate", candidates_, name); }
  absl::StatusOr<mv1::Mentor> GetMentor(const std::string& name) override { return Get("GetMentor", mentors_, name); }
  absl::StatusOr<mv1::Program> GetProgram(const std::string& name) override { return Get("GetProgram", programs_, name); }
  absl::StatusOr<mv1::Site> GetSite(const std::string&) override { return site_; }
  absl::StatusOr<mv1::District> GetDistrict(const std::string&) override { return district_; }

  absl::StatusOr<std::vector<mv1::Candidate>> ListCandidates(const std::string& program) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("ListCandidates"));
    std::vector<mv1::Candidate> found;
    for (const auto& [name, candidate] : candidates_) {
      if (name.starts_with(program + "/") && !candidate.has_unenroll_time()) found.push_back(candidate);
    }
    return found;
  }
  absl::StatusOr<mv1::DescribeCandidatesResponse> DescribeCandidates(const mv1::DescribeCandidatesRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("DescribeCandidates"));
    ++describe_calls_;
    asked_k_.insert(request.k());
    mv1::DescribeCandidatesResponse response;
    std::set<std::string> programs;
    for (const std::string& name : request.candidates()) {
      const std::string program = name.substr(0, name.rfind("/candidates/"));
      if (programs_.contains(program) && programs.insert(program).second) *response.add_programs() = programs_[program];
      const auto found = candidates_.find(name);
      if (found == candidates_.end()) continue;
      mv1::DescribeCandidatesResponse::Described& described = *response.add_described();
      *described.mutable_candidate() = found->second;
      described.mutable_need()->set_credential(found->second.credential());
      described.mutable_need()->set_grade_band(found->second.grade_band());
      *described.mutable_need()->mutable_subjects() = found->second.subjects();
      described.mutable_need()->set_site(site_.name());
      described.mutable_need()->set_district(district_.name());
      described.mutable_coarse_need()->set_credential(found->second.credential());
    }
    return response;
  }
  // How many candidates must share what is told, as calls asked for it.
  std::set<int> asked_k() {
    absl::MutexLock lock(&mutex_);
    return asked_k_;
  }
  // How often candidates were asked for.
  int describe_calls() {
    absl::MutexLock lock(&mutex_);
    return describe_calls_;
  }

  absl::StatusOr<std::vector<std::string>> ListConsortia() override { return std::vector<std::string>{kConsortium}; }

  absl::StatusOr<mv1::FindEligibleMentorsResponse> FindEligibleMentors(const mv1::FindEligibleMentorsRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("FindEligibleMentors"));
    mv1::FindEligibleMentorsResponse response;
    const bool individual = request.pool() == mv1::FindEligibleMentorsRequest::INDIVIDUAL;
    for (const std::string& name : Ranked(request.candidate(), individual, request.order(), request.exclude())) {
      mv1::RankedMentor& ranked = *response.add_mentors();
      ranked.set_mentor(name);
      ranked.set_rank(response.mentors_size());
      ranked.set_full(!HasFreeSeat(name));
      response.set_can_be_asked(response.can_be_asked() + (ranked.full() ? 0 : 1));
    }
    if (request.max_results() > 0 && response.mentors_size() > request.max_results()) {
      response.mutable_mentors()->DeleteSubrange(request.max_results(), response.mentors_size() - request.max_results());
    }
    return response;
  }

  absl::StatusOr<mv1::Mentor> CreateMentor(const mv1::CreateMentorRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("CreateMentor"));
    std::string& name = by_request_[request.request_id()];
    if (name.empty()) {
      for (const auto& [known, mentor] : mentors_) {
        if (mentor.contact().email() == request.mentor().contact().email()) {
          by_request_.erase(request.request_id());
          return Error(absl::StatusCode::kAlreadyExists, "MENTOR_EXISTS", "known");
        }
      }
      name = MentorName(absl::StrCat("new", mentors_.size()));
      mv1::Mentor mentor = request.mentor();
      mentor.set_name(name);
      mentors_[name] = mentor;
      order_.push_back(name);
    }
    const mv1::Mentor made = mentors_[name];
    REMATCH_RETURN_IF_ERROR(Behind("CreateMentor"));
    return made;
  }

  absl::StatusOr<mv1::HoldNextSeatResponse> HoldNextSeat(const mv1::HoldNextSeatRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("HoldNextSeat"));
    last_hold_ = request;
    mv1::HoldNextSeatResponse response;
    const std::string key = SeatName(request.parent(), request.seat_id());
    if (const auto found = seats_.find(key); found != seats_.end()) {
      if (found->second.state() != mv1::Seat::HELD) return Error(absl::StatusCode::kFailedPrecondition, "SEAT_RELEASED", "released");
      *response.mutable_seat() = found->second;
    } else {
      for (const std::string& name : Ranked(request.candidate(), true, request.order(), request.exclude())) {
        if (!HasFreeSeat(name)) continue;
        *response.mutable_seat() = seats_[key] = MakeSeat(key, name, request.candidate());
        break;
      }
    }
    if (response.has_seat()) response.mutable_mentor()->set_mentor(response.seat().mentor());
    REMATCH_RETURN_IF_ERROR(Behind("HoldNextSeat"));
    return response;
  }

  mv1::HoldNextSeatRequest last_hold() {
    absl::MutexLock lock(&mutex_);
    return last_hold_;
  }

  absl::StatusOr<mv1::Seat> HoldSeat(const mv1::HoldSeatRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("HoldSeat"));
    const std::string key = SeatName(request.parent(), request.seat_id());
    const auto found = seats_.find(key);
    if (found == seats_.end()) {
      if (!HasFreeSeat(request.mentor())) return Error(absl::StatusCode::kFailedPrecondition, "NO_FREE_SEAT", "full");
      seats_[key] = MakeSeat(key, request.mentor(), request.candidate());
    } else if (found->second.state() != mv1::Seat::HELD) {
      return Error(absl::StatusCode::kFailedPrecondition, "SEAT_RELEASED", "released");
    }
    const mv1::Seat seat = seats_[key];
    REMATCH_RETURN_IF_ERROR(Behind("HoldSeat"));
    return seat;
  }

  absl::StatusOr<mv1::Seat> ReleaseSeat(const mv1::ReleaseSeatRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("ReleaseSeat"));
    mv1::Seat& seat = seats_[request.name()];
    if (seat.state() == mv1::Seat::TRANSFERRED) return Error(absl::StatusCode::kFailedPrecondition, "SEAT_TRANSFERRED", "too late");
    seat.set_name(request.name());
    seat.set_state(mv1::Seat::RELEASED);
    const mv1::Seat released = seat;
    REMATCH_RETURN_IF_ERROR(Behind("ReleaseSeat"));
    return released;
  }

  absl::StatusOr<mv1::Assignment> TransferCandidate(const mv1::TransferCandidateRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("TransferCandidate"));
    const auto found = seats_.find(request.seat());
    if (found == seats_.end() || found->second.state() == mv1::Seat::RELEASED) {
      return Error(absl::StatusCode::kFailedPrecondition, "SEAT_NOT_HELD", "no seat");
    }
    mv1::Seat& seat = found->second;
    mv1::Assignment assignment;
    if (seat.state() == mv1::Seat::HELD) {
      if (candidates_[seat.candidate()].assignment() != request.replaces()) {
        return Error(absl::StatusCode::kFailedPrecondition, "ASSIGNMENT_CHANGED", "changed");
      }
      seat.set_state(mv1::Seat::TRANSFERRED);
      seat.set_assignment(Assign(seat.candidate(), seat.mentor()));
      mv1::RosterChange& change = Report(mv1::RosterChange::ASSIGNMENT_CHANGED, seat.candidate());
      change.set_mentor(seat.mentor());
      change.set_assignment(seat.assignment());
      change.set_seat(seat.name());
      ++transfers_;
    }
    assignment.set_name(seat.assignment());
    assignment.set_candidate(seat.candidate());
    assignment.set_mentor(seat.mentor());
    REMATCH_RETURN_IF_ERROR(Behind("TransferCandidate"));
    return assignment;
  }

  absl::StatusOr<mv1::ListSeatsResponse> ListSeats(const mv1::ListSeatsRequest& request) override {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before("ListSeats"));
    mv1::ListSeatsResponse response;
    for (const auto& [name, seat] : seats_) {
      if (seat.state() == request.state() && name > request.page_token()) {
        if (response.seats_size() == 2) {
          // Small pages, so that paging is used.
          response.set_next_page_token(response.seats(1).name());
          break;
        }
        *response.add_seats() = seat;
      }
    }
    return response;
  }

  // As MentorService's: they end assignments, and the feed tells.
  void Retire(const std::string& id) {
    absl::MutexLock lock(&mutex_);
    const std::string name = MentorName(id);
    individual_.erase(name);
    std::erase(order_, name);
    Report(mv1::RosterChange::MENTOR_LEFT, "").set_mentor(name);
    for (auto& [candidate_name, candidate] : candidates_) {
      if (candidate.mentor() != name) continue;
      candidate.clear_mentor();
      candidate.clear_assignment();
      Report(mv1::RosterChange::ASSIGNMENT_CHANGED, candidate_name).set_mentor_left(true);
    }
  }
  // Empty: they have nobody from now on.
  void ChangeMentorOf(const std::string& candidate, const std::string& mentor) {
    absl::MutexLock lock(&mutex_);
    candidates_[candidate].clear_mentor();
    candidates_[candidate].clear_assignment();
    if (!mentor.empty()) Assign(candidate, MentorName(mentor));
    mv1::RosterChange& change = Report(mv1::RosterChange::ASSIGNMENT_CHANGED, candidate);
    change.set_mentor(candidates_[candidate].mentor());
    change.set_assignment(candidates_[candidate].assignment());
  }
  // As AddCandidate(), and the feed tells.
  std::string Enroll(const std::string& id, const std::string& mentor) {
    const std::string name = AddCandidate(id, mentor);
    absl::MutexLock lock(&mutex_);
    Report(mv1::RosterChange::CANDIDATE_ADDED, name);
    return name;
  }
  void RemoveAlternate() {
    absl::MutexLock lock(&mutex_);
    programs_[kProgram].clear_alternate();
  }
  void Unenroll(const std::string& candidate) {
    absl::MutexLock lock(&mutex_);
    candidates_[candidate].mutable_unenroll_time()->set_seconds(1);
    Report(mv1::RosterChange::CANDIDATE_LEFT, candidate);
  }
  void KeepApart(const std::string& candidate, const std::string& mentor) {
    absl::MutexLock lock(&mutex_);
    candidates_[candidate].add_do_not_pair(MentorName(mentor));
    Report(mv1::RosterChange::DO_NOT_PAIR_ADDED, candidate).set_mentor(MentorName(mentor));
  }

  void CloseOn(const std::string& program, const std::vector<std::string>& days, bool report = true) {
    absl::MutexLock lock(&mutex_);
    const auto found = programs_.find(program);
    mv1::Program gone;
    mv1::Program& changed = found == programs_.end() ? gone : found->second;
    changed.clear_calendar();
    for (const std::string& day : days) changed.mutable_calendar()->add_closures()->set_first(day);
    if (report) Report(mv1::RosterChange::CALENDAR_CHANGED, "").set_program(program);
  }

  absl::Status WatchRoster(int64_t after, bool follow, absl::FunctionRef<bool(const mv1::RosterChange&)> each) override {
    for (int64_t next = after;; ++next) {
      mv1::RosterChange change;
      {
        absl::MutexLock lock(&mutex_);
        REMATCH_RETURN_IF_ERROR(Before("WatchRoster"));
        const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          return !follow || stopped_ || static_cast<size_t>(next) < changes_.size();
        };
        mutex_.Await(absl::Condition(&there));
        if (stopped_ || static_cast<size_t>(next) >= changes_.size()) return absl::OkStatus();
        change = changes_[static_cast<size_t>(next)];
      }
      if (!each(change)) return absl::OkStatus();
    }
  }
  void StopWatching() override {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  // A new core follows anew.
  void Reopen() {
    absl::MutexLock lock(&mutex_);
    stopped_ = false;
  }

  // What tests look at.
  std::string MentorOf(const std::string& candidate) {
    absl::MutexLock lock(&mutex_);
    return candidates_[candidate].mentor();
  }
  int Held() {
    absl::MutexLock lock(&mutex_);
    return static_cast<int>(std::count_if(seats_.begin(), seats_.end(), [](const auto& s) { return s.second.state() == mv1::Seat::HELD; }));
  }
  int transfers() {
    absl::MutexLock lock(&mutex_);
    return transfers_;
  }
  // F30: assigned and held never exceed the capacity.
  bool WithinCapacity() {
    absl::MutexLock lock(&mutex_);
    return std::all_of(order_.begin(), order_.end(),
                       [this](const std::string& name) ABSL_NO_THREAD_SAFETY_ANALYSIS { return Used(name) <= mentors_[name].capacity(); });
  }
  // A held seat that no case knows of.
  void PlantSeat(const std::string& key, const std::string& mentor, const std::string& candidate) {
    absl::MutexLock lock(&mutex_);
    const std::string name = SeatName(kConsortium, key);
    seats_[name] = MakeSeat(name, MentorName(mentor), candidate);
  }
  mv1::Seat::State SeatState(const std::string& key) {
    absl::MutexLock lock(&mutex_);
    return seats_[SeatName(kConsortium, key)].state();
  }

 private:
  mv1::RosterChange& Report(mv1::RosterChange::Kind kind, const std::string& candidate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    mv1::RosterChange& change = changes_.emplace_back();
    change.set_position(static_cast<int64_t>(changes_.size()));
    change.set_kind(kind);
    change.set_program(kProgram);
    change.set_candidate(candidate);
    return change;
  }

  static std::string SeatName(const std::string& parent, const std::string& id) { return parent + "/seats/" + id; }

  static mv1::Seat MakeSeat(const std::string& name, const std::string& mentor, const std::string& candidate) {
    mv1::Seat seat;
    seat.set_name(name);
    seat.set_mentor(mentor);
    seat.set_candidate(candidate);
    seat.set_state(mv1::Seat::HELD);
    return seat;
  }

  template <typename Resource>
  absl::StatusOr<Resource> Get(std::string_view method, const std::map<std::string, Resource>& all, const std::string& name) {
    absl::MutexLock lock(&mutex_);
    REMATCH_RETURN_IF_ERROR(Before(method));
    const auto found = all.find(name);
    if (found == all.end()) return Error(absl::StatusCode::kNotFound, reason::kNotFound, "not there");
    return found->second;
  }

  absl::Status Before(std::string_view method) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return before_ ? before_(method) : absl::OkStatus();
  }
  absl::Status Behind(std::string_view method) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return behind_ ? behind_(method) : absl::OkStatus();
  }

  std::string Assign(const std::string& candidate, const std::string& mentor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string name = absl::StrCat(kConsortium, "/assignments/a", ++assignments_);
    candidates_[candidate].set_mentor(mentor);
    candidates_[candidate].set_assignment(name);
    return name;
  }

  int Used(const std::string& mentor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    int used = 0;
    for (const auto& [name, candidate] : candidates_) used += candidate.mentor() == mentor;
    for (const auto& [name, seat] : seats_) used += seat.mentor() == mentor && seat.state() == mv1::Seat::HELD;
    return used;
  }
  bool HasFreeSeat(const std::string& mentor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return mentors_.contains(mentor) && Used(mentor) < mentors_[mentor].capacity();
  }

  template <typename Names>
  std::vector<std::string> Ranked(const std::string& candidate, bool individual, const Names& order, const Names& exclude)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<std::string> ranked(order.begin(), order.end());
    for (const std::string& name : order_) {
      if (std::find(ranked.begin(), ranked.end(), name) == ranked.end()) ranked.push_back(name);
    }
    std::erase_if(ranked, [&](const std::string& name) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return std::find(exclude.begin(), exclude.end(), name) != exclude.end() ||
             (individual && (!individual_.contains(name) || candidates_[candidate].mentor() == name));
    });
    return ranked;
  }

  absl::Mutex mutex_;
  Fault before_ ABSL_GUARDED_BY(mutex_);
  std::set<int> asked_k_ ABSL_GUARDED_BY(mutex_);
  mv1::HoldNextSeatRequest last_hold_ ABSL_GUARDED_BY(mutex_);
  int describe_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  Fault behind_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, mv1::Program> programs_;
  mv1::Site site_;
  mv1::District district_;
  std::map<std::string, mv1::Mentor> mentors_;
  std::map<std::string, mv1::Candidate> candidates_;
  std::vector<std::string> order_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> individual_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, mv1::Seat> seats_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> by_request_ ABSL_GUARDED_BY(mutex_);
  int assignments_ ABSL_GUARDED_BY(mutex_) = 0;
  int transfers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<mv1::RosterChange> changes_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

class FakeNotify final : public NotifyPeer {
 public:
  void SetBefore(Fault fault) {
    absl::MutexLock lock(&mutex_);
    before_ = std::move(fault);
  }
  void SetBehind(Fault fault) {
    absl::MutexLock lock(&mutex_);
    behind_ = std::move(fault);
  }
  // Messages to this address fail.
  void Bounce(const std::string& email) {
    absl::MutexLock lock(&mutex_);
    bouncing_.insert(email);
  }
  // Messages stay queued until Deliver(), for as long as this is so.
  void Hold(bool hold) {
    absl::MutexLock lock(&mutex_);
    hold_ = hold;
  }

  absl::StatusOr<nv1::Notification> SendNotification(const nv1::SendNotificationRequest& request) override {
    absl::MutexLock lock(&mutex_);
    if (before_) REMATCH_RETURN_IF_ERROR(before_("SendNotification"));
    const std::string name = request.parent() + "/notifications/" + request.notification_id();
    const auto [found, made] = messages_.try_emplace(name, request.notification());
    nv1::Notification& message = found->second;
    if (made) {
      message.set_name(name);
      message.set_state(nv1::Notification::QUEUED);
      order_.push_back(name);
      if (!hold_) Settle(message);
    } else if (message.state() == nv1::Notification::CANCELLED) {
      return Error(absl::StatusCode::kFailedPrecondition, "NOTIFICATION_CANCELLED", "cancelled");
    }
    const nv1::Notification sent = message;
    if (behind_) REMATCH_RETURN_IF_ERROR(behind_("SendNotification"));
    return sent;
  }

  absl::StatusOr<nv1::Notification> CancelNotification(const nv1::CancelNotificationRequest& request) override {
    absl::MutexLock lock(&mutex_);
    if (before_) REMATCH_RETURN_IF_ERROR(before_("CancelNotification"));
    nv1::Notification& message = messages_[request.name()];
    message.set_name(request.name());
    if (message.state() == nv1::Notification::QUEUED || message.state() == nv1::Notification::STATE_UNSPECIFIED) {
      message.set_state(nv1::Notification::CANCELLED);
      Report(message);
    }
    return message;
  }

  absl::Status WatchDeliveries(int64_t after, bool follow, absl::FunctionRef<bool(const nv1::Delivery&)> each) override {
    for (int64_t next = after;; ++next) {
      nv1::Delivery delivery;
      {
        absl::MutexLock lock(&mutex_);
        const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          return !follow || stopped_ || static_cast<size_t>(next) < deliveries_.size();
        };
        mutex_.Await(absl::Condition(&there));
        if (stopped_ || static_cast<size_t>(next) >= deliveries_.size()) return absl::OkStatus();
        delivery = deliveries_[static_cast<size_t>(next)];
      }
      if (!each(delivery)) return absl::OkStatus();
    }
  }
  void StopWatching() override {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  // A new core follows anew.
  void Reopen() {
    absl::MutexLock lock(&mutex_);
    stopped_ = false;
  }

  // Settles what was held.
  void Deliver() {
    absl::MutexLock lock(&mutex_);
    for (const std::string& name : order_) {
      if (messages_[name].state() == nv1::Notification::QUEUED) Settle(messages_[name]);
    }
  }
  // A bounce that comes after the message was handed over.
  void BounceLate(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    messages_[name].set_state(nv1::Notification::FAILED);
    Report(messages_[name]);
  }

  // All messages that were accepted, in order; of one template if it is given ("first_approach").
  std::vector<nv1::Notification> Messages(const std::string& kind = "") {
    absl::MutexLock lock(&mutex_);
    std::vector<nv1::Notification> found;
    for (const std::string& name : order_) {
      if (kind.empty() || messages_[name].template_() == "templates/" + kind) found.push_back(messages_[name]);
    }
    return found;
  }

 private:
  void Settle(nv1::Notification& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    message.set_state(bouncing_.contains(message.to().email()) ? nv1::Notification::FAILED : nv1::Notification::SENT);
    Report(message);
  }
  void Report(const nv1::Notification& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    nv1::Delivery& delivery = deliveries_.emplace_back();
    delivery.set_position(static_cast<int64_t>(deliveries_.size()));
    delivery.set_notification(message.name());
    delivery.set_origin(message.origin());
    delivery.set_state(message.state());
  }

  absl::Mutex mutex_;
  Fault before_ ABSL_GUARDED_BY(mutex_);
  Fault behind_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> bouncing_ ABSL_GUARDED_BY(mutex_);
  bool hold_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, nv1::Notification> messages_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> order_ ABSL_GUARDED_BY(mutex_);
  std::vector<nv1::Delivery> deliveries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::request::testing

#endif  // REMATCH_TESTS_REQUEST_FAKE_PEERS_H_
