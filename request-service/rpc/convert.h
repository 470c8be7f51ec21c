// From what is stored to what is published. Nothing here reads anything private: reasons, notes and contacts are added by who may.
#ifndef REMATCH_REQUEST_SERVICE_RPC_CONVERT_H_
#define REMATCH_REQUEST_SERVICE_RPC_CONVERT_H_

#include <cstdint>
#include <string>

#include "google/protobuf/timestamp.pb.h"
#include "rematch/request/v1/resources.pb.h"
#include "request-service/domain/audit.h"
#include "request-service/domain/case.pb.h"
#include "request-service/store/case_command.h"
#include "request-service/store/policy_store.h"

namespace rematch::request {

// Stored microseconds; 0 leaves the timestamp unset.
google::protobuf::Timestamp ToTimestamp(int64_t micros);

// The last part of the name of the task that a candidate's mentor left; of their others it is the id.
inline constexpr char kMentorLeftTask[] = "mentor-left";

std::string EtagOf(const Case& c);

v1::Reassignment ToReassignment(const CaseKey& key, const Case& c, const v1::EscalationPolicy& policy);
v1::Offer ToOffer(const CaseKey& key, const Offer& offer);
// Without an id in `key`: a candidate's own.
v1::Task ToTask(const CaseKey& key, const Task& task);
v1::Person ToPerson(const CaseKey& key, const Person& person);
// `link` holds a stored event.
v1::ReassignmentEvent ToEvent(const CaseKey& key, const ChainLink& link);
v1::PolicyVersion ToPolicyVersion(const PolicyRecord& record, bool active);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_RPC_CONVERT_H_
