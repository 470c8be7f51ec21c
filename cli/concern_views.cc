#include "cli/concern_views.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "cli/format.h"
#include "cli/utf8.h"

namespace rematch::cli {

namespace request_v1 = rematch::request::v1;

using request_v1::Concern;
using request_v1::Survey;
using request_v1::SurveyResponse;

namespace {

constexpr int kBest = 5;

// As the letter words them.
std::string QualityWords(int quality) {
  constexpr std::array<const char*, kBest + 1> kWords = {"", "does not work", "difficult", "neither good nor bad", "good", "very good"};
  return quality < 1 || quality > kBest ? "" : absl::StrCat(quality, " ", kWords.at(static_cast<size_t>(quality)));
}

Style StyleOf(const Concern& concern) { return concern.state() == Concern::OPEN ? Style::kYellow : Style::kDim; }

std::string StateOf(const Concern& concern) {
  return concern.state() == Concern::OPEN ? "open" : absl::StrCat("resolved: ", Words(concern.outcome()));
}

std::string Bars(const std::vector<SurveyResponse>& answers, const Canvas& canvas) {
  constexpr int kWidest = 40;
  std::array<int, kBest + 1> counts = {};
  for (const SurveyResponse& answer : answers) ++counts.at(static_cast<size_t>(std::clamp(answer.relationship_quality(), 0, kBest)));
  const int most = std::max(1, *std::max_element(counts.begin(), counts.end()));
  Table table({{.title = "RELATIONSHIP"}, {.title = "ANSWERS", .right = true}, {.title = " "}});
  for (int quality = kBest; quality >= 1; --quality) {
    const int count = counts.at(static_cast<size_t>(quality));
    const int width = most <= kWidest ? count : (count * kWidest + most - 1) / most;
    std::string bar;
    for (int i = 0; i < width; ++i) bar += canvas.unicode ? "█" : "#";
    table.Add({QualityWords(quality), std::to_string(count), {bar, quality <= 2 ? Style::kRed : Style::kGreen}});
  }
  return table.Render(canvas);
}

}  // namespace

std::string RenderConcerns(const std::vector<Concern>& concerns, const People& people, absl::Time now, absl::TimeZone zone,
                           const Canvas& canvas) {
  if (concerns.empty()) return "no concerns\n";
  Table table({{.title = "CONCERN"},
               {.title = "CANDIDATE", .shrinks = true},
               {.title = "FROM"},
               {.title = "RELATIONSHIP", .yields = 2},
               {.title = "WANTS CHANGE"},
               {.title = "OWNER", .shrinks = true, .yields = 1},
               {.title = "SINCE", .right = true},
               {.title = "STATE", .shrinks = true}});
  for (const Concern& concern : concerns) {
    table.Add({ShortName(concern.name()),
               people.Of(concern.candidate()),
               Words(concern.source()),
               QualityWords(concern.relationship_quality()),
               concern.candidate_consents() ? "yes" : "",
               people.Of(concern.owner()),
               concern.state() == Concern::OPEN ? Span(now - ToTime(concern.create_time())) : Day(concern.create_time(), zone),
               {StateOf(concern), StyleOf(concern)}});
  }
  return table.Render(canvas);
}

std::string RenderConcern(const Concern& concern, const People& people, absl::Time now, absl::TimeZone zone, const Canvas& canvas) {
  Facts facts;
  facts.Add("concern", ShortName(concern.name()));
  facts.Add("candidate", people.Of(concern.candidate()));
  facts.Add("from", Words(concern.source()));
  facts.Add("relationship", QualityWords(concern.relationship_quality()));
  facts.Add("wants change", concern.candidate_consents() ? "yes: that is their consent to a case" : "not said");
  facts.Add("owner", people.Of(concern.owner()));
  facts.Add("since", Due(concern.create_time(), now, zone));
  facts.Add("state", StateOf(concern), StyleOf(concern));
  if (IsSet(concern.resolve_time())) facts.Add("resolved", Moment(concern.resolve_time(), zone));
  if (!concern.resolver().empty()) facts.Add("by", people.Of(concern.resolver()));
  if (!concern.reassignment().empty()) facts.Add("case", ShortName(concern.reassignment()));
  std::string out = facts.Render(canvas);
  if (!concern.words().empty()) absl::StrAppend(&out, "\n", Heading("Words", canvas), Wrap(Printable(concern.words()), 2, canvas));
  if (!concern.note().empty()) absl::StrAppend(&out, "\n", Heading("Note", canvas), Wrap(Printable(concern.note()), 2, canvas));
  return out;
}

std::string RenderSurveys(const std::vector<Survey>& surveys, absl::TimeZone zone, const Canvas& canvas) {
  if (surveys.empty()) return "no surveys\n";
  Table table({{.title = "SURVEY"},
               {.title = "KIND"},
               {.title = "SENT"},
               {.title = "OPEN UNTIL"},
               {.title = "ASKED", .right = true},
               {.title = "ANSWERED", .right = true},
               {.title = "UNDELIVERABLE", .right = true, .yields = 1},
               {.title = "CASE"}});
  for (const Survey& survey : surveys) {
    table.Add({ShortName(survey.name()), Words(survey.kind()), Moment(survey.send_time(), zone), Moment(survey.close_time(), zone),
               std::to_string(survey.invited()), std::to_string(survey.answered()),
               survey.undeliverable() == 0 ? std::string() : std::to_string(survey.undeliverable()),
               survey.reassignment().empty() ? std::string() : ShortName(survey.reassignment())});
  }
  return table.Render(canvas);
}

std::string RenderSurveyResults(const request_v1::ListSurveyResultsResponse& results, const People& people, absl::TimeZone zone,
                                const Canvas& canvas) {
  std::vector<SurveyResponse> answers;
  std::vector<SurveyResponse> others;
  for (const SurveyResponse& response : results.responses()) {
    (response.state() == SurveyResponse::ANSWERED ? answers : others).push_back(response);
  }
  std::stable_sort(answers.begin(), answers.end(),
                   [](const SurveyResponse& a, const SurveyResponse& b) { return a.relationship_quality() < b.relationship_quality(); });
  std::string out = RenderSurveys({results.survey()}, zone, canvas);
  if (!answers.empty()) absl::StrAppend(&out, "\n", Bars(answers, canvas));
  Table table({{.title = "CANDIDATE", .shrinks = true},
               {.title = "STATE"},
               {.title = "RELATIONSHIP"},
               {.title = "WANTS CHANGE"},
               {.title = "CONCERN"},
               {.title = "WORDS", .shrinks = true, .below = true}});
  for (const std::vector<SurveyResponse>* const part : {&answers, &others}) {
    for (const SurveyResponse& response : *part) {
      table.Add({people.Of(response.candidate()), Words(response.state()), QualityWords(response.relationship_quality()),
                 response.asks_for_change() ? "yes" : "", response.concern().empty() ? std::string() : ShortName(response.concern()),
                 Printable(response.words())});
    }
  }
  absl::StrAppend(&out, "\n", table.Render(canvas));
  return out;
}

}  // namespace rematch::cli
