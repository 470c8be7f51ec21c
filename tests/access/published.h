// The RPCs of the three services, read from their descriptors: what the tests of access walk, so that none can be forgotten.
#ifndef REMATCH_TESTS_ACCESS_PUBLISHED_H_
#define REMATCH_TESTS_ACCESS_PUBLISHED_H_

#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "rematch/mentor/v1/service.pb.h"
#include "rematch/notify/v1/service.pb.h"
#include "rematch/request/v1/service.pb.h"

namespace rematch::access {

inline std::vector<const google::protobuf::MethodDescriptor*> PublishedMethods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const google::protobuf::FileDescriptor* file :
       {mentor::v1::GetMentorRequest::descriptor()->file(), request::v1::GetReassignmentRequest::descriptor()->file(),
        notify::v1::GetNotificationRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) methods.push_back(file->service(s)->method(m));
    }
  }
  return methods;
}

// "/rematch.mentor.v1.MentorService/GetMentor"
inline std::string PathOf(const google::protobuf::MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

}  // namespace rematch::access

#endif  // REMATCH_TESTS_ACCESS_PUBLISHED_H_
