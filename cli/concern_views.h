// Concerns and surveys, as people read them. Pure: messages in, text out.
#ifndef REMATCH_CLI_CONCERN_VIEWS_H_
#define REMATCH_CLI_CONCERN_VIEWS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/names.h"
#include "cli/tables.h"
#include "rematch/request/v1/service.pb.h"

namespace rematch::cli {

std::string RenderConcerns(const std::vector<rematch::request::v1::Concern>& concerns, const People& people, absl::Time now,
                           absl::TimeZone zone, const Canvas& canvas);
// One with its words: they are there only if the service sent them.
std::string RenderConcern(const rematch::request::v1::Concern& concern, const People& people, absl::Time now, absl::TimeZone zone,
                          const Canvas& canvas);
std::string RenderSurveys(const std::vector<rematch::request::v1::Survey>& surveys, absl::TimeZone zone, const Canvas& canvas);
// How many gave which answer, as bars, then each answer, the lowest first.
std::string RenderSurveyResults(const rematch::request::v1::ListSurveyResultsResponse& results, const People& people, absl::TimeZone zone,
                                const Canvas& canvas);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_CONCERN_VIEWS_H_
