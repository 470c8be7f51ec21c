// What the fields of the roster may hold, for requests and for the rows of an import alike. Each check adds what is wrong with its field.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_FIELDS_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_FIELDS_H_

#include <string_view>

#include <google/protobuf/repeated_ptr_field.h>
#include <google/protobuf/timestamp.pb.h>

#include "platform/errors.h"
#include "rematch/mentor/v1/resources.pb.h"

namespace rematch::mentor {

inline constexpr int kMaxCapacity = 50;
inline constexpr int kMaxYears = 60;

// A person's name, one address, and a phone number that may be empty.
void CheckContact(Violations& bad, std::string_view field, const v1::Contact& contact);
// One of the words that programs agree on (a credential, a grade band, a subject): 1 to 64 bytes on one line.
void CheckWord(Violations& bad, std::string_view field, std::string_view word);
// At most 50 words, none twice.
void CheckWords(Violations& bad, std::string_view field, const google::protobuf::RepeatedPtrField<std::string>& words);
// The IANA name of a time zone that this machine knows.
void CheckTimeZone(Violations& bad, std::string_view field, std::string_view name);
void CheckRange(Violations& bad, std::string_view field, int value, int low, int high);
// When a program works: days that are days, hours that end after they begin, terms that do not overlap.
void CheckCalendar(Violations& bad, std::string_view field, const v1::Calendar& calendar);
// A rule by which somebody can be experienced.
void CheckExperience(Violations& bad, std::string_view field, const v1::Experience& experience);
// Points of which some count.
void CheckWeights(Violations& bad, std::string_view field, const v1::RankingWeights& weights);
// An instant of the years 1900 to 2199.
void CheckTimestamp(Violations& bad, std::string_view field, const google::protobuf::Timestamp& time);
// An id of a program's files: 1 to 64 printable characters without spaces.
void CheckExternalId(Violations& bad, std::string_view field, std::string_view id);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_FIELDS_H_
