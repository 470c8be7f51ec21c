#include "cli/timeline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cli/format.h"
#include "cli/utf8.h"

namespace rematch::cli {

using rematch::request::v1::CaseState;
using rematch::request::v1::Offer;
using rematch::request::v1::OfferState;
using rematch::request::v1::ReassignmentEvent;
using rematch::request::v1::StageKind;
using rematch::request::v1::Task;

namespace {

// What a lane can show at a moment. The order is that of the legend.
enum class Mark {
  kOpened,
  kReviewed,
  kAsked,
  kReminded,
  kWilling,
  kDeclined,
  kExpired,
  kUndeliverable,
  kCancelled,
  kConfirmed,
  kPassedOver,
  kCalled,
  kSwapped,
  kTold,
  kEnded,
  kTask,
  kTaskDone,
};

struct Glyph {
  std::string_view unicode;
  std::string_view ascii;
  std::string_view legend;
  Style style;
};

const Glyph& GlyphOf(Mark mark) {
  static constexpr std::array<Glyph, 17> kGlyphs = {{
      {"●", "O", "opened", Style::kBold},
      {"▲", "^", "reviewed", Style::kCyan},
      {"○", "o", "asked", Style::kPlain},
      {"◇", "!", "reminded", Style::kYellow},
      {"✓", "+", "willing", Style::kGreen},
      {"✗", "x", "declined", Style::kRed},
      {"┤", "|", "window ended", Style::kYellow},
      {"‼", "?", "undeliverable", Style::kRed},
      {"⊘", "/", "cancelled", Style::kDim},
      {"★", "*", "confirmed", Style::kGreen},
      {"↷", ">", "passed over", Style::kDim},
      {"☎", "c", "called", Style::kCyan},
      {"⇄", "=", "swapped", Style::kGreen},
      {"✉", "@", "told", Style::kCyan},
      {"■", "#", "ended", Style::kBold},
      {"├", "[", "task opened", Style::kBlue},
      {"◆", "]", "task done", Style::kBlue},
  }};
  return kGlyphs[static_cast<size_t>(mark)];
}

// How a stretch of a lane is drawn.
enum class Bar { kPreparing, kWaiting, kWilling, kTask, kCase };

std::string_view BarOf(Bar bar, bool unicode) {
  switch (bar) {
    case Bar::kPreparing:
      return unicode ? "┄" : ".";
    case Bar::kWaiting:
      return unicode ? "━" : "-";
    case Bar::kWilling:
      return unicode ? "═" : "~";
    case Bar::kTask:
    case Bar::kCase:
      return unicode ? "─" : "-";
  }
  return " ";
}

struct Lane {
  struct Stretch {
    absl::Time begin;
    absl::Time end;
    Bar bar;
  };
  std::string label;
  std::vector<Stretch> stretches;
  std::vector<std::pair<absl::Time, Mark>> marks;  // of two in one column the later is drawn, and the swap or the end before any other
  std::string outcome;
  Style style = Style::kPlain;
};

struct Section {
  std::string title;
  std::vector<Lane> lanes;
};

// What the events say about one offer, task or person.
class EventIndex {
 public:
  explicit EventIndex(const std::vector<ReassignmentEvent>& events) {
    for (const ReassignmentEvent& event : events) times_[{event.type(), IdOf(event.subject())}].push_back(ToTime(event.time()));
  }
  std::vector<absl::Time> All(const std::string& type, const std::string& subject) const {
    const auto found = times_.find({type, subject});
    return found == times_.end() ? std::vector<absl::Time>() : found->second;
  }
  std::optional<absl::Time> Last(const std::string& type, const std::string& subject) const {
    const std::vector<absl::Time> all = All(type, subject);
    if (all.empty()) return std::nullopt;
    return all.back();
  }

 private:
  std::map<std::pair<std::string, std::string>, std::vector<absl::Time>> times_;
};

bool IsLive(OfferState state) { return state == OfferState::PREPARING || state == OfferState::OPEN || state == OfferState::WILLING; }

std::optional<Mark> EndMark(OfferState state) {
  switch (state) {
    case OfferState::EXPIRED:
      return Mark::kExpired;
    case OfferState::UNDELIVERABLE:
      return Mark::kUndeliverable;
    case OfferState::CANCELLED:
      return Mark::kCancelled;
    case OfferState::PASSED_OVER:
      return Mark::kPassedOver;
    case OfferState::CONFIRMED:
      return Mark::kConfirmed;
    default:
      return std::nullopt;
  }
}

Style StyleOf(OfferState state) {
  switch (state) {
    case OfferState::CONFIRMED:
    case OfferState::WILLING:
      return Style::kGreen;
    case OfferState::DECLINED:
    case OfferState::UNDELIVERABLE:
      return Style::kRed;
    case OfferState::EXPIRED:
      return Style::kYellow;
    case OfferState::CANCELLED:
    case OfferState::PASSED_OVER:
      return Style::kDim;
    default:
      return Style::kPlain;
  }
}

// The search that found nobody left leaves an offer to no one.
bool AskedNobody(const Offer& offer) { return offer.mentor().empty() && offer.person().empty() && !IsLive(offer.state()); }

class Picture {
 public:
  Picture(const CaseHistory& history, const People& people, absl::Time now, absl::TimeZone zone, const Canvas& canvas)
      : history_(history), people_(people), events_(history.events), zone_(zone), canvas_(canvas) {
    const auto& c = history.reassignment;
    begin_ = ToTime(c.create_time());
    // What comes after the end (the former mentor is told, an email bounces) is part of the picture.
    end_ = IsSet(c.end_time()) ? ToTime(c.end_time()) : now;
    now_ = now;
    if (canvas_.width <= 0) canvas_.width = 100;
    canvas_.width = std::max(canvas_.width, 40);
  }

  std::string Draw() {
    std::vector<Section> sections = Sections();
    LayOut(sections);
    std::string out = Box();
    out += Axis();
    for (const Section& section : sections) {
      if (!section.title.empty()) out += Title(section.title);
      for (const Lane& lane : section.lanes) out += Draw(lane);
    }
    return out + Legend(sections);
  }

 private:
  std::vector<Section> Sections() {
    std::vector<Section> sections;
    sections.push_back({"", {CaseLane()}});
    for (const StageKind stage : StagesInOrder()) {
      Section section{Words(stage), {}};
      section.title[0] = static_cast<char>(std::toupper(section.title[0]));
      std::vector<const Offer*> silent;
      for (const Offer& offer : history_.offers) {
        if (offer.stage() != stage || AskedNobody(offer)) continue;
        const bool answered =
            IsSet(offer.answer_time()) || offer.state() == OfferState::CONFIRMED || offer.state() == OfferState::UNDELIVERABLE;
        if (stage == StageKind::BROADCAST && !answered) {
          silent.push_back(&offer);
        } else {
          section.lanes.push_back(OfferLane(offer));
        }
      }
      // Everybody was written to: those who never answered share a lane.
      if (silent.size() <= 3) {
        for (const Offer* offer : silent) section.lanes.push_back(OfferLane(*offer));
      } else {
        Lane lane = OfferLane(*silent.front());
        lane.label = std::to_string(silent.size()) + (section.lanes.empty() ? " mentors" : " others");
        section.lanes.push_back(std::move(lane));
      }
      sections.push_back(std::move(section));
    }
    if (!history_.tasks.empty()) {
      Section section{"Tasks", {}};
      std::vector<Task> tasks = history_.tasks;
      std::stable_sort(tasks.begin(), tasks.end(),
                       [](const Task& a, const Task& b) { return ToTime(a.create_time()) < ToTime(b.create_time()); });
      for (const Task& task : tasks) section.lanes.push_back(TaskLane(task));
      sections.push_back(std::move(section));
    }
    return sections;
  }

  std::vector<StageKind> StagesInOrder() const {
    std::vector<StageKind> stages;
    for (const Offer& offer : history_.offers) {
      if (!AskedNobody(offer) && std::find(stages.begin(), stages.end(), offer.stage()) == stages.end()) stages.push_back(offer.stage());
    }
    return stages;
  }

  Lane CaseLane() const {
    const auto& c = history_.reassignment;
    Lane lane;
    lane.label = "case " + ShortName(c.name());
    lane.stretches.push_back({begin_, end_, Bar::kCase});
    lane.marks.emplace_back(begin_, Mark::kOpened);
    for (const ReassignmentEvent& event : history_.events) {
      const absl::Time time = ToTime(event.time());
      if (event.type() == "REVIEWED") lane.marks.emplace_back(time, Mark::kReviewed);
      if (event.type() == "CALL_RECORDED") lane.marks.emplace_back(time, Mark::kCalled);
      if (event.type() == "TRANSFERRED") lane.marks.emplace_back(time, Mark::kSwapped);
      if (event.type() == "ANNOUNCEMENT_CHANGED" || event.type() == "FORMER_MENTOR_TOLD") lane.marks.emplace_back(time, Mark::kTold);
    }
    if (IsSet(c.end_time())) lane.marks.emplace_back(end_, Mark::kEnded);
    lane.outcome = Words(c.state());
    lane.style = c.state() == CaseState::COMPLETED ? Style::kGreen : Style::kPlain;
    return lane;
  }

  Lane OfferLane(const Offer& offer) const {
    const std::string id = IdOf(offer.name());
    Lane lane;
    lane.label = people_.Of(!offer.mentor().empty() ? offer.mentor() : !offer.person().empty() ? offer.person() : offer.name());
    lane.outcome = Words(offer.state()) + (offer.late() ? ", late" : "");
    lane.style = StyleOf(offer.state());
    const std::optional<absl::Time> made = events_.Last("OFFER_MADE", id);
    std::optional<absl::Time> ended = events_.Last(offer.state() == OfferState::CONFIRMED ? "OFFER_CONFIRMED" : "OFFER_ENDED", id);
    if (offer.state() == OfferState::CONFIRMED && !ended.has_value()) ended = events_.Last("OFFER_CHOSEN", id);
    const bool opened = IsSet(offer.open_time());
    const bool answered = IsSet(offer.answer_time());
    absl::Time begin = opened ? ToTime(offer.open_time()) : made.value_or(begin_);
    absl::Time end = end_;
    if (ended.has_value()) {
      end = *ended;
    } else if (offer.state() == OfferState::EXPIRED && IsSet(offer.window_end_time())) {
      end = ToTime(offer.window_end_time());
    } else if (!IsLive(offer.state()) && answered) {
      end = ToTime(offer.answer_time());
    }
    if (made.has_value() && *made < begin) lane.stretches.push_back({*made, begin, Bar::kPreparing});
    const absl::Time answer = answered ? ToTime(offer.answer_time()) : end;
    if (opened) {
      lane.stretches.push_back({begin, std::min(answer, end), Bar::kWaiting});
      lane.marks.emplace_back(begin, Mark::kAsked);
    } else {
      lane.stretches.push_back({begin, end, Bar::kPreparing});
    }
    for (const absl::Time& reminded : events_.All("OFFER_REMINDED", id)) lane.marks.emplace_back(reminded, Mark::kReminded);
    if (answered) {
      lane.marks.emplace_back(answer, offer.state() == OfferState::DECLINED ? Mark::kDeclined : Mark::kWilling);
      if (offer.state() != OfferState::DECLINED && answer < end) lane.stretches.push_back({answer, end, Bar::kWilling});
    }
    if (const std::optional<Mark> mark = EndMark(offer.state()); mark.has_value()) lane.marks.emplace_back(end, *mark);
    std::stable_sort(lane.marks.begin(), lane.marks.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return lane;
  }

  Lane TaskLane(const Task& task) const {
    Lane lane;
    lane.label = Words(task.kind());
    const absl::Time begin = ToTime(task.create_time());
    const bool done = IsSet(task.end_time());
    const absl::Time end = done ? ToTime(task.end_time()) : std::max(now_, begin);
    lane.stretches.push_back({begin, end, Bar::kTask});
    lane.marks.emplace_back(begin, Mark::kTask);
    if (done) lane.marks.emplace_back(end, Mark::kTaskDone);
    for (const absl::Time& called : events_.All("CALL_RECORDED", IdOf(task.name()))) lane.marks.emplace_back(called, Mark::kCalled);
    if (done) {
      lane.outcome = "done";
      lane.style = Style::kDim;
    } else if (IsSet(task.due_time()) && ToTime(task.due_time()) < now_) {
      lane.outcome = "overdue " + Span(now_ - ToTime(task.due_time()));
      lane.style = Style::kRed;
    } else {
      lane.outcome = "open";
      lane.style = Style::kYellow;
    }
    return lane;
  }

  // Decides how wide labels and outcomes are, and which column each moment gets.
  void LayOut(const std::vector<Section>& sections) {
    std::set<absl::Time> moments = {begin_, end_};
    int outcomes = 0;
    for (const Section& section : sections) {
      for (const Lane& lane : section.lanes) {
        label_width_ = std::max(label_width_, DisplayWidth(lane.label));
        outcomes = std::max(outcomes, DisplayWidth(lane.outcome));
        for (const Lane::Stretch& stretch : lane.stretches) moments.insert({stretch.begin, stretch.end});
        for (const auto& [time, mark] : lane.marks) moments.insert(time);
      }
    }
    label_width_ = std::min(label_width_, std::max(10, canvas_.width / 4));
    outcome_width_ = std::min(outcomes, std::max(10, canvas_.width / 5));
    columns_ = std::max(8, canvas_.width - label_width_ - outcome_width_ - 4);
    const std::vector<absl::Time> ordered(moments.begin(), moments.end());
    const auto gaps = static_cast<int>(ordered.size()) - 1;
    column_of_[ordered.front()] = 0;
    if (gaps <= 0) return;
    std::vector<double> weights;
    double total = 0;
    for (int i = 0; i < gaps; ++i) {
      weights.push_back(std::log1p(absl::ToDoubleMilliseconds(ordered[i + 1] - ordered[i])));
      total += weights.back();
    }
    const int spare = columns_ - 1 - gaps;
    double sum = 0;
    for (int i = 0; i < gaps; ++i) {
      sum += weights[i];
      const double column = spare >= 0 ? (i + 1) + spare * sum / std::max(total, 1e-9) : (columns_ - 1) * static_cast<double>(i + 1) / gaps;
      column_of_[ordered[i + 1]] = std::min(columns_ - 1, static_cast<int>(std::lround(column)));
    }
  }

  std::string Indent() const { return std::string(static_cast<size_t>(label_width_) + 2, ' '); }

  // Times above a ruler, as many as fit.
  std::string Axis() const {
    const absl::Duration span = column_of_.rbegin()->first - column_of_.begin()->first;
    const char* const format = span < absl::Minutes(30)     ? "%H:%M:%S"
                               : span < absl::Hours(20)     ? "%H:%M"
                               : span < absl::Hours(24 * 6) ? "%a %H:%M"
                                                            : "%b %d";
    std::string labels;
    std::string last;
    std::vector<bool> ticks(static_cast<size_t>(columns_), false);
    int free = 0;
    for (const auto& [time, column] : column_of_) {
      const std::string label = absl::FormatTime(format, time, zone_);
      // What happened within the same second, minute or day stands behind its first label.
      if (label == last || column < free || column + static_cast<int>(label.size()) > columns_ + outcome_width_ + 2) continue;
      labels += std::string(static_cast<size_t>(column) - labels.size(), ' ') + label;
      ticks[static_cast<size_t>(column)] = true;
      free = column + static_cast<int>(label.size()) + 2;
      last = label;
    }
    std::string ruler;
    for (const bool tick : ticks) ruler += canvas_.unicode ? (tick ? "┬" : "─") : (tick ? "+" : "-");
    return Indent() + Paint(labels, Style::kDim, canvas_) + "\n" + Indent() + Paint(ruler, Style::kDim, canvas_) + "\n";
  }

  std::string Title(const std::string& title) const {
    const std::string_view line = canvas_.unicode ? "─" : "-";
    std::string rule;
    for (int i = DisplayWidth(title) + 4; i < canvas_.width; ++i) rule += line;
    return Paint(std::string(line) + std::string(line) + " ", Style::kDim, canvas_) + Paint(title, Style::kBold, canvas_) + " " +
           Paint(rule, Style::kDim, canvas_) + "\n";
  }

  std::string Draw(const Lane& lane) const {
    struct Spot {
      std::string_view glyph = " ";
      Style style = Style::kPlain;
    };
    std::vector<Spot> spots(static_cast<size_t>(columns_));
    for (const Lane::Stretch& stretch : lane.stretches) {
      for (int i = column_of_.at(stretch.begin); i <= column_of_.at(stretch.end); ++i) {
        spots[static_cast<size_t>(i)] = {BarOf(stretch.bar, canvas_.unicode), lane.style};
      }
    }
    for (const bool decisive : {false, true}) {
      for (const auto& [time, mark] : lane.marks) {
        if ((mark == Mark::kSwapped || mark == Mark::kEnded) != decisive) continue;
        const Glyph& glyph = GlyphOf(mark);
        spots[static_cast<size_t>(column_of_.at(time))] = {canvas_.unicode ? glyph.unicode : glyph.ascii, glyph.style};
      }
    }
    size_t last = spots.size();
    while (last > 0 && spots[last - 1].glyph == " ") --last;
    std::string out = Pad(Fit(lane.label, label_width_, canvas_.unicode ? "…" : "..."), label_width_) + "  ";
    for (size_t i = 0; i < last; ++i) out += Paint(spots[i].glyph, spots[i].style, canvas_);
    if (lane.outcome.empty()) return out + "\n";
    return out + std::string(spots.size() - last + 2, ' ') +
           Paint(Fit(lane.outcome, outcome_width_, canvas_.unicode ? "…" : "..."), lane.style, canvas_) + "\n";
  }

  std::string Box() const {
    const auto& c = history_.reassignment;
    const std::string arrow = canvas_.unicode ? " → " : " -> ";
    const std::string dot = canvas_.unicode ? " · " : ", ";
    std::vector<std::string> lines;
    lines.push_back(people_.Of(c.candidate()) + dot + (c.current_mentor().empty() ? "without a mentor" : people_.Of(c.current_mentor())) +
                    (c.proposed_mentor().empty() ? "" : arrow + people_.Of(c.proposed_mentor())));
    std::string state = Words(c.state());
    if (c.state() == CaseState::SEARCHING && c.stage() != 0) state += ", " + Words(c.stage());
    if (c.round() > 1) state += ", round " + std::to_string(c.round());
    lines.push_back(state + dot + "opened " + Moment(c.create_time(), zone_) + dot + (IsSet(c.end_time()) ? "took " : "for ") +
                    Span(end_ - begin_));
    int inner = 0;
    for (std::string& line : lines) {
      line = Fit(line, canvas_.width - 4, canvas_.unicode ? "…" : "...");
      inner = std::max(inner, DisplayWidth(line));
    }
    std::string rule;
    for (int i = 0; i < inner + 2; ++i) rule += canvas_.unicode ? "─" : "-";
    const std::string side = canvas_.unicode ? "│" : "|";
    std::string out = (canvas_.unicode ? "╭" : "+") + rule + (canvas_.unicode ? "╮" : "+") + "\n";
    for (size_t i = 0; i < lines.size(); ++i) {
      out += side + " " + Paint(Pad(lines[i], inner), i == 0 ? Style::kBold : Style::kPlain, canvas_) + " " + side + "\n";
    }
    return out + (canvas_.unicode ? "╰" : "+") + rule + (canvas_.unicode ? "╯" : "+") + "\n";
  }

  // Only the marks that the picture has.
  std::string Legend(const std::vector<Section>& sections) const {
    std::set<Mark> used;
    for (const Section& section : sections) {
      for (const Lane& lane : section.lanes) {
        for (const auto& [time, mark] : lane.marks) used.insert(mark);
      }
    }
    std::string out;
    int width = 0;
    for (const Mark mark : used) {
      const Glyph& glyph = GlyphOf(mark);
      const std::string_view drawn = canvas_.unicode ? glyph.unicode : glyph.ascii;
      const int entry = DisplayWidth(drawn) + 1 + DisplayWidth(glyph.legend);
      if (width > 0 && width + 3 + entry > canvas_.width) {
        out += "\n";
        width = 0;
      }
      out += (width > 0 ? "   " : "") + Paint(drawn, glyph.style, canvas_) + " " + Paint(glyph.legend, Style::kDim, canvas_);
      width += (width > 0 ? 3 : 0) + entry;
    }
    return "\n" + out + "\n";
  }

  const CaseHistory& history_;
  const People& people_;
  const EventIndex events_;
  const absl::TimeZone zone_;
  Canvas canvas_;
  absl::Time begin_;
  absl::Time end_;
  absl::Time now_;
  int label_width_ = 0;
  int outcome_width_ = 0;
  int columns_ = 0;
  std::map<absl::Time, int> column_of_;
};

}  // namespace

std::string RenderTimeline(const CaseHistory& history, const People& people, absl::Time now, absl::TimeZone zone, const Canvas& canvas) {
  return Picture(history, people, now, zone, canvas).Draw();
}

}  // namespace rematch::cli
