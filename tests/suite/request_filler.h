// Makes a request of every RPC from its descriptor, so that a new RPC is walked by itself.
#ifndef REMATCH_TESTS_SUITE_REQUEST_FILLER_H_
#define REMATCH_TESTS_SUITE_REQUEST_FILLER_H_

#include <map>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rematch::suite {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// A resource name of each kind, which is filled into requests.
using Names = std::map<std::string, std::string>;

class RequestFiller {
 public:
  static std::vector<const MethodDescriptor*> AllMethods() {
    std::vector<const MethodDescriptor*> methods;
    for (const char* name :
         {"rematch.mentor.v1.MentorService", "rematch.request.v1.ReassignmentService", "rematch.notify.v1.NotifyService"}) {
      const ServiceDescriptor* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      if (service == nullptr) ADD_FAILURE() << "no descriptor of " << name;
      for (int i = 0; service != nullptr && i < service->method_count(); ++i) methods.push_back(service->method(i));
    }
    return methods;
  }

  // Sets all fields to something valid, names of resources to those of `names`.
  void Fill(const MethodDescriptor& method, const Names& names, Message& message, int depth = 0) {
    const google::protobuf::Descriptor& type = *message.GetDescriptor();
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (field.is_map()) continue;
      switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING: {
          std::string value;
          const std::string kind = KindOf(method, field);
          if (field.name() == "etag" || field.name() == "page_token") continue;
          if (depth > 0 && field.name() == "name" && method.name() != "UpdateMentor") continue;
          if (!kind.empty()) {
            const auto found = names.find(kind);
            value = found == names.end() ? "" : found->second;
          } else if (field.name() == "email") {
            value = "somebody@else.example";
          } else if (absl::EndsWith(field.name(), "_id")) {
            value = absl::StrCat("walk-", ++request_);
          } else if (field.name() == "paths") {
            value = "capacity";
          } else if (field.name() == "phone") {
            value = "+1 310 555 0100";
          } else if (field.name() == "time_zone") {
            value = "UTC";
          } else if (field.name() == "template") {
            value = "templates/closing_note";
          } else {
            value = "words";
          }
          if (field.is_repeated()) {
            reflection.AddString(&message, &field, value);
          } else {
            reflection.SetString(&message, &field, value);
          }
          break;
        }
        case FieldDescriptor::CPPTYPE_INT32:
          if (!field.is_repeated()) reflection.SetInt32(&message, &field, 1);
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          if (!field.is_repeated()) reflection.SetEnumValue(&message, &field, 1);
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE:
          if (!field.is_repeated() && depth < 2 && !absl::StartsWith(field.message_type()->full_name(), "google.protobuf.Timestamp")) {
            Fill(method, names, *reflection.MutableMessage(&message, &field), depth + 1);
          }
          break;
        default:
          break;
      }
    }
  }

 private:
  // Which kind of resource a string field names, "" if none.
  static std::string KindOf(const MethodDescriptor& method, const FieldDescriptor& field) {
    const std::string& rpc = method.name();
    const std::string& name = field.name();
    const std::string service = method.service()->name();
    if (service == "ReassignmentService") {
      if (name == "candidate" || name == "mentor") return name;
      if (name == "strike" || name == "order") return "mentor";
      if (name == "parent") {
        if (rpc == "CreateReassignment" || rpc == "ListReassignments" || rpc == "ListTasks") return "program";
        return "case";
      }
      if (name == "name") {
        if (rpc == "RecordOfferResponse" || rpc == "ConfirmMatch" || rpc == "RejectMatch" || rpc == "ChooseInterested" ||
            rpc == "ReviveOffer")
          return "offer";
        if (rpc == "RecordCall" || rpc == "SnoozeTask") return "task";
        if (rpc == "QualifyPerson") return "person";
        if (rpc == "GetPolicyVersion") return "policy";
        return "case";
      }
    } else if (service == "MentorService") {
      if (name == "candidate" || name == "mentor" || name == "program" || name == "district" || name == "site") return name;
      if (name == "programs") return "program";
      if (name == "seat") return "seat";
      if (name == "parent") return absl::StrContains(rpc, "Candidate") ? "program" : "consortium";
      if (name == "name" || name == "mentor.name") {
        for (const char* kind : {"Consortium", "District", "Site", "Program", "Mentor", "Candidate", "Seat"}) {
          if (absl::EndsWith(rpc, kind)) return std::string(1, static_cast<char>(kind[0] + 32)) + (kind + 1);
        }
      }
    } else {
      if (name == "parent") return absl::StrContains(rpc, "TemplateVersion") ? "program" : "consortium";
      if (name == "program") return "program";
      if (name == "name") return rpc == "GetTemplateVersion" ? "template version" : "notification";
      if (name == "origin") return "case";
    }
    return "";
  }

  int request_ = 0;
};

}  // namespace rematch::suite

#endif  // REMATCH_TESTS_SUITE_REQUEST_FILLER_H_
