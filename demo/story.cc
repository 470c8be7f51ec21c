#include "demo/story.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "demo/cases.h"
#include "demo/check.h"
#include "demo/directory.h"
#include "demo/play.h"
#include "platform/errors.h"

namespace rematch::demo {
namespace {

// The columns that a text takes, counting each code point of UTF-8 as one.
size_t Columns(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string Padded(const std::string& text, size_t width) {
  const size_t columns = Columns(text);
  return columns >= width ? text : text + std::string(width - columns, ' ');
}

// The words with spaces between them, in lines of at most `width` columns.
std::vector<std::string> Wrapped(const std::vector<std::string>& words, size_t width) {
  std::vector<std::string> lines = {""};
  for (const std::string& word : words) {
    if (!lines.back().empty() && Columns(lines.back()) + 1 + Columns(word) > width) lines.emplace_back();
    absl::StrAppend(&lines.back(), lines.back().empty() ? "" : " ", word);
  }
  return lines;
}

// The end of an id that begins with a UUID, as the command line shows and takes it.
std::string Tail(const std::string& name) {
  constexpr size_t kBefore = 30;
  const std::string id = IdOf(name);
  return id.size() > kBefore ? id.substr(kBefore) : id;
}

// Prints to a terminal: sections, lines with the time at which they happened, tables.
class Page final : public Narrator {
 public:
  Page(std::ostream& out, bool color) : out_(out), color_(color), begin_(absl::Now()) {}

  void Section(const std::string& title) { out_ << "\n" << Style("1", title) << "\n" << std::flush; }
  void Say(const std::string& line) override {
    const std::string time = absl::StrFormat("%6.1f s  ", absl::ToDoubleSeconds(absl::Now() - begin_));
    const std::string text = absl::StrJoin(Wrapped(absl::StrSplit(line, ' '), kWidth), "\n" + std::string(time.size(), ' '));
    out_ << Style("2", time) << text << "\n" << std::flush;
  }
  void Line(const std::string& line) { out_ << "  " << line << "\n"; }
  void Good(const std::string& line) { out_ << "  " << Style("32", "ok") << "  " << line << "\n"; }
  void Bad(const std::string& line) { out_ << "  " << Style("31", "DIFFERS") << "  " << line << "\n"; }
  void Table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    for (const auto& row : rows) {
      widths.resize(std::max(widths.size(), row.size()));
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
    }
    for (size_t r = 0; r < rows.size(); ++r) {
      std::string line;
      for (size_t i = 0; i < rows[r].size(); ++i) line += i + 1 == rows[r].size() ? rows[r][i] : Padded(rows[r][i], widths[i] + 2);
      Line(r == 0 ? Style("2", line) : line);
    }
  }
  void Raw(const std::string& text) {
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n'))) Line(line);
  }

 private:
  static constexpr size_t kWidth = 100;
  std::string Style(const std::string& code, const std::string& text) const {
    return color_ ? absl::StrCat("\033[", code, "m", text, "\033[0m") : text;
  }

  std::ostream& out_;
  const bool color_;
  const absl::Time begin_;
};

// A case that was told, and what came of it.
struct Told {
  std::string title;
  Play play;
  std::vector<std::string> differences;
};

// Messages of one subject to more people than this are listed as one subject and its recipients.
constexpr size_t kShown = 6;
// How wide the recipients of a broadcast are listed.
constexpr size_t kRecipients = 80;

class Story {
 public:
  Story(Suite& suite, const StoryOptions& options, std::ostream& out) : suite_(suite), options_(options), page_(out, options.color) {}

  absl::Status Tell() {
    REMATCH_RETURN_IF_ERROR(Import());
    before_ = LoadsOf(directory_);
    const Cast& cast = options_.cast;
    REMATCH_RETURN_IF_ERROR(TellCase("Case a: one declines, one stays silent, one is willing", "a", cast.first, TellDeclineSilenceYes));
    REMATCH_RETURN_IF_ERROR(TellCase("Case b: nobody in the pool; somebody new is recommended", "b", cast.second, TellNobodyInPool));
    REMATCH_RETURN_IF_ERROR(
        TellCase("Case c: every stage fails, and the Leader takes the candidate", "c", cast.third, TellEveryStageFails));
    REMATCH_RETURN_IF_ERROR(TellCase("Case d: a late yes, a bounce, a pause, and a mentor who leaves", "d", cast.fourth, TellLateYes));
    REMATCH_RETURN_IF_ERROR(
        TellCase("Case e: a survey, a concern, another policy, and a holiday that moves", "e", cast.fifth, TellSurveyAndHoliday));
    page_.Section("Caseloads, before and after");
    Caseloads();
    for (Told& told : told_) REMATCH_RETURN_IF_ERROR(Show(told));
    page_.Section("Checked against the services and the mailboxes");
    return Verdict();
  }

 private:
  std::string Consortium() const { return absl::StrCat("consortia/", options_.cast.consortium); }

  absl::Status Import() {
    page_.Section("The suite");
    for (Part part : kParts) {
      std::string line = absl::StrFormat("%-16s %s", NameOf(part), suite_.address(part));
      if (suite_.running(part)) {
        absl::StrAppend(&line, "   serving after ", absl::ToInt64Milliseconds(suite_.start_time(part)), " ms");
      }
      page_.Line(line);
    }
    page_.Section("The roster, imported with `rematch roster import`");
    REMATCH_ASSIGN_OR_RETURN(const Finished import,
                             suite_.CommandLine("service", {"roster", "import", options_.cast.roster, "--consortium",
                                                            options_.cast.consortium, "--name", options_.cast.display_name}));
    if (import.exit_code != 0) return absl::InternalError(absl::StrCat("the import failed: ", import.err));
    page_.Raw(import.out);
    REMATCH_ASSIGN_OR_RETURN(directory_, Directory::Load(suite_, Consortium()));
    page_.Line(absl::StrFormat("%d programs, %d districts, %d sites, %d mentors, %d candidates", directory_.programs.size(),
                               directory_.districts.size(), directory_.sites.size(), directory_.mentors.size(),
                               directory_.candidates.size()));
    return absl::OkStatus();
  }

  template <typename TellOne>
  absl::Status TellCase(const std::string& title, const std::string& key, const std::string& email, TellOne tell) {
    if (!absl::StrContains(options_.cases, key)) return absl::OkStatus();
    page_.Section(title);
    const std::string candidate = directory_.CandidateByEmail(email);
    if (candidate.empty()) return absl::NotFoundError(absl::StrCat("the roster has no candidate ", email));
    if (!options_.policy.empty()) REMATCH_RETURN_IF_ERROR(Publish(candidate.substr(0, candidate.find("/candidates/"))));
    const std::map<std::string, Load> before = LoadsOf(directory_);
    Play play({.suite = suite_, .directory = directory_, .narrator = page_, .candidate = candidate, .key = key});
    const absl::StatusOr<Expected> expected = tell(play, words_);
    if (!expected.ok()) return absl::Status(expected.status().code(), absl::StrCat("case ", key, ": ", expected.status().message()));
    std::vector<std::string> differences = Differences(play, *expected, before);
    told_.push_back({title, std::move(play), std::move(differences)});
    return absl::OkStatus();
  }

  absl::Status Publish(const std::string& program) {
    const auto found = directory_.programs.find(program);
    if (found == directory_.programs.end()) return absl::NotFoundError(absl::StrCat("the roster has no ", program));
    REMATCH_ASSIGN_OR_RETURN(const Finished said, suite_.CommandLine(absl::StrCat("leader:", found->second.leader().person()),
                                                                     {"policy", "publish", options_.policy, "--program", Tail(program)}));
    if (said.exit_code != 0) return absl::InternalError(absl::StrCat("the policy was not published: ", said.err));
    page_.Line(absl::StrCat("the program follows ", options_.policy, " from here on"));
    return absl::OkStatus();
  }

  void Caseloads() {
    std::vector<std::vector<std::string>> rows = {{"mentor", "before", "after", "capacity"}};
    for (const auto& [name, load] : LoadsOf(directory_)) {
      const auto it = before_.find(name);
      if (it != before_.end() && it->second == load) continue;
      rows.push_back({directory_.NameOf(name), it == before_.end() ? "-" : absl::StrCat(it->second.caseload), absl::StrCat(load.caseload),
                      absl::StrCat(load.capacity)});
    }
    page_.Table(rows);
    page_.Line(absl::StrCat("all others: unchanged (", LoadsOf(directory_).size() + 1 - rows.size(), ")"));
  }

  absl::Status Show(Told& told) {
    Play& play = told.play;
    page_.Section(absl::StrCat(told.title, ": the record"));
    REMATCH_RETURN_IF_ERROR(Quote(play, {"case", "timeline", Tail(play.case_name())}));
    REMATCH_RETURN_IF_ERROR(ListMessages(play));
    REMATCH_RETURN_IF_ERROR(Quote(play, {"case", "events", Tail(play.case_name()), "--folded"}));
    return Quote(play, {"case", "disclosures", Tail(play.case_name()), "--folded"});
  }

  // A command, as the Leader of the case would type it, and what it prints.
  absl::Status Quote(Play& play, const std::vector<std::string>& words) {
    REMATCH_ASSIGN_OR_RETURN(const Finished said,
                             suite_.CommandLine(absl::StrCat("leader:", play.program().leader().person()), words, options_.color));
    const std::string command = absl::StrCat("rematch ", absl::StrJoin(words, " "));
    if (said.exit_code != 0) return absl::InternalError(absl::StrCat("`", command, "` failed: ", said.err));
    page_.Line("");
    page_.Line(absl::StrCat("$ ", command));
    page_.Raw(said.out);
    return absl::OkStatus();
  }

  // Everything that was sent: to whom, under which subject; and the first message to the candidate as they read it.
  absl::Status ListMessages(Play& play) {
    REMATCH_ASSIGN_OR_RETURN(const auto messages, play.Messages());
    std::vector<std::pair<std::string, std::vector<std::string>>> subjects;
    const std::string candidate = play.directory().EmailOf(play.candidate());
    std::string official;
    for (const auto& message : messages) {
      sent_ += message.state() == notify::v1::Notification::SENT || message.last_error() == "BOUNCED";
      if (official.empty() && message.to().email() == candidate) official = message.name();
      // What was called back before it went out reached nobody.
      if (message.state() == notify::v1::Notification::CANCELLED) continue;
      const auto same = std::find_if(subjects.begin(), subjects.end(), [&](const auto& one) { return one.first == message.subject(); });
      auto& to = same == subjects.end() ? subjects.emplace_back(message.subject(), std::vector<std::string>()).second : same->second;
      to.push_back(message.to().display_name());
    }
    std::vector<std::vector<std::string>> table = {{"subject", "message to"}};
    for (const auto& [subject, to] : subjects) {
      if (to.size() > kShown) {
        table.push_back({subject, absl::StrCat(to.size(), " people, each in a message of their own:")});
        std::vector<std::string> names = to;
        for (size_t i = 0; i + 1 < names.size(); ++i) names[i] += ",";
        for (const std::string& line : Wrapped(names, kRecipients)) table.push_back({"", line});
      } else {
        for (const std::string& name : to) table.push_back({subject, name});
      }
    }
    page_.Line("");
    page_.Table(table);
    if (official.empty()) return absl::NotFoundError("the candidate was written to by nobody");
    return Quote(play, {"mail", "show", Tail(official)});
  }

  // Those that are of no case.
  absl::Status CountLetters() {
    notify::v1::ListNotificationsRequest request;
    request.set_parent(Consortium());
    request.set_page_size(1000);
    do {
      REMATCH_ASSIGN_OR_RETURN(const auto page, suite_.Service().Call(&NotifyStub::ListNotifications, request));
      for (const auto& message : page.notifications()) {
        sent_ += !absl::StrContains(message.origin(), "/reassignments/") && message.state() == notify::v1::Notification::SENT;
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return absl::OkStatus();
  }

  absl::Status Verdict() {
    size_t differences = 0;
    for (const Told& told : told_) {
      for (const std::string& line : told.differences) page_.Bad(absl::StrCat("case ", told.title.substr(5, 1), ": ", line));
      differences += told.differences.size();
      if (told.differences.empty()) {
        page_.Good(
            absl::StrCat("case ", told.title.substr(5, 1), ": state, offers, caseloads, messages, trail and disclosures are as told"));
      }
    }
    REMATCH_RETURN_IF_ERROR(CountLetters());
    const std::vector<Mail> mail = ReadMaildirs(suite_.mail_dir());
    std::set<std::string> ids;
    for (const Mail& one : mail) ids.insert(one.message_id);
    if (mail.size() != sent_ || ids.size() != sent_) {
      ++differences;
      page_.Bad(absl::StrCat(mail.size(), " messages in the mailboxes with ", ids.size(), " Message-IDs, where ", sent_, " were sent"));
    } else {
      page_.Good(absl::StrCat(sent_, " messages were sent, and each is in one mailbox, once"));
    }
    if (differences > 0) return absl::DataLossError(absl::StrCat(differences, differences == 1 ? " difference" : " differences"));
    return absl::OkStatus();
  }

  Suite& suite_;
  const StoryOptions& options_;
  Page page_;
  const Words words_ = DemoWords();
  Directory directory_;
  std::map<std::string, Load> before_;
  std::vector<Told> told_;
  size_t sent_ = 0;
};

}  // namespace

Cast DemoCast(const std::string& source_dir) {
  return {.consortium = "south-bay",
          .display_name = "South Bay Consortium",
          .roster = absl::StrCat(source_dir, "/examples/roster"),
          .first = "alma.reyes@schools.example",
          .second = "boris.lind@schools.example",
          .third = "carla.moreno@schools.example",
          .fourth = "katya.kessler@palisade.example",
          .fifth = "ines.prescott@mesaverde.example"};
}

absl::Status TellStory(Suite& suite, const StoryOptions& options, std::ostream& out) { return Story(suite, options, out).Tell(); }

}  // namespace rematch::demo
