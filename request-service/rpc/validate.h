// What a request must be before anything is loaded for it: every field, by the comments of protos/rematch/request/v1. Each returns
// INVALID_ARGUMENT with all violations, or what it read of the names.
#ifndef REMATCH_REQUEST_SERVICE_RPC_VALIDATE_H_
#define REMATCH_REQUEST_SERVICE_RPC_VALIDATE_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "platform/errors.h"
#include "platform/rpc/call.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/request/v1/service.pb.h"
#include "request-service/store/case_command.h"

namespace rematch::request {

// A case, and what is named below it, if anything.
struct Target {
  CaseKey key;
  std::string child;
};

inline constexpr size_t kMaxText = 8000;

// `consortia/*/programs/*/reassignments/*`, and with `collection` one of its children.
Target CheckCase(Violations& bad, std::string_view field, std::string_view name, std::string_view collection = "");
// An etag is what EtagOf() makes, or empty.
void CheckEtag(Violations& bad, std::string_view etag);
// Somebody who was named: a name and an address; the phone number may be empty.
void CheckContact(Violations& bad, const std::string& field, const mentor::v1::Contact& contact);

// A mentor of the case's consortium.
void CheckMentorOf(Violations& bad, std::string_view field, std::string_view mentor, const CaseKey& key);

// What a list was asked for, to bind its page tokens to.
std::string QuestionOf(const rpc::Call& call, std::initializer_list<std::string> parts);

void CheckReview(Violations& bad, const v1::ReviewReassignmentRequest& request, const CaseKey& key);
void CheckQualify(Violations& bad, const v1::QualifyPersonRequest& request, const CaseKey& key);
void CheckGround(Violations& bad, v1::CloseGround ground);
void CheckAnswer(Violations& bad, v1::OfferAnswer answer);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_RPC_VALIDATE_H_
