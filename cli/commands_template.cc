// template: what messages say, by kind; which words a program has of its own, and whether those in files would do.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/format.h"
#include "cli/names.h"
#include "cli/utf8.h"
#include "cli/views.h"
#include "notify-service/domain/templates.h"
#include "platform/errors.h"

namespace rematch::cli {

namespace notify_v1 = rematch::notify::v1;

namespace {

constexpr char kBadFiles[] = "BAD_TEMPLATE";
constexpr std::string_view kSuffix = ".mustache";
// As in notify-service/templates: KIND.subject.mustache and so on.
constexpr std::array<const char*, 3> kParts = {"subject", "text", "html"};

struct TemplateOptions {
  std::vector<std::string> paths;
  std::string kind;
  std::string program;
  std::string into;
  int64_t version = -1;
  bool html = false;
  bool dry_run = false;
};

std::string& PartOf(notify_v1::TemplateSource& source, std::string_view part) {
  if (part == kParts[0]) return *source.mutable_subject();
  return part == kParts[1] ? *source.mutable_text() : *source.mutable_html();
}

// What a folder, or single files, say: whole templates by kind.
absl::StatusOr<std::map<std::string, notify_v1::TemplateSource>> ReadTemplates(Context& context, const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : paths) {
    std::error_code failed;
    if (!std::filesystem::is_directory(path, failed)) {
      files.emplace_back(path);
      continue;
    }
    for (std::filesystem::directory_iterator it(path, failed), end; !failed && it != end; it.increment(failed)) {
      if (it->path().extension() == kSuffix) files.push_back(it->path());
    }
    if (failed) return Error(absl::StatusCode::kNotFound, "FILE_UNREADABLE", Printable(path) + " cannot be read");
  }
  std::map<std::string, std::map<std::string, std::string>> read;
  for (const std::filesystem::path& file : files) {
    const std::filesystem::path stem = file.stem();
    const std::string part = stem.extension().string();
    const bool known = std::any_of(kParts.begin(), kParts.end(), [&part](const char* one) { return part == absl::StrCat(".", one); });
    if (file.extension() != kSuffix || !known) {
      return Error(absl::StatusCode::kInvalidArgument, kBadFiles,
                   Printable(file.string()) + ": a file is named KIND.subject.mustache, KIND.text.mustache or KIND.html.mustache");
    }
    REMATCH_ASSIGN_OR_RETURN(const std::string text, ReadInput(file.string(), context.env().in));
    // Editors of some systems write both characters.
    read[stem.stem().string()][part.substr(1)] = absl::StrReplaceAll(text, {{"\r\n", "\n"}});
  }
  if (read.empty()) return Error(absl::StatusCode::kNotFound, kBadFiles, "there is no template");
  std::map<std::string, notify_v1::TemplateSource> templates;
  for (auto& [kind, parts] : read) {
    for (const char* part : kParts) {
      const auto found = parts.find(part);
      if (found == parts.end()) {
        return Error(absl::StatusCode::kInvalidArgument, kBadFiles, absl::StrCat(Printable(kind), ".", part, ".mustache is missing"));
      }
      PartOf(templates[kind], part) = std::move(found->second);
    }
    notify_v1::TemplateSource& source = templates[kind];
    source.set_subject(std::string(absl::StripSuffix(source.subject(), "\n")));
  }
  return templates;
}

// What is wrong stands behind the name of the file, line by line.
absl::Status CheckAll(const std::map<std::string, notify_v1::TemplateSource>& templates) {
  REMATCH_ASSIGN_OR_RETURN(const notify::Templates release, notify::Templates::Make(notify::NotifyTemplates()));
  Violations bad;
  for (const auto& [kind, source] : templates) release.MakeOwn(bad, kind, kind, source);
  return bad.empty() ? absl::OkStatus() : bad.ToStatus();
}

absl::Status Check(Context& context, const TemplateOptions& options) {
  REMATCH_ASSIGN_OR_RETURN(const auto templates, ReadTemplates(context, options.paths));
  REMATCH_RETURN_IF_ERROR(CheckAll(templates));
  notify_v1::ListTemplateVersionsResponse checked;
  for (const auto& [kind, source] : templates) {
    notify_v1::TemplateVersion& one = *checked.add_template_versions();
    one.set_template_("templates/" + kind);
    *one.mutable_source() = source;
  }
  return context.Show(checked, [&] {
    std::string out;
    for (const auto& one : checked.template_versions()) absl::StrAppend(&out, "valid: ", IdOf(one.template_()), "\n");
    return out;
  });
}

absl::StatusOr<notify_v1::ListTemplateVersionsResponse> Versions(Context& context, const std::string& program, const std::string& kind) {
  notify_v1::ListTemplateVersionsRequest request;
  request.set_parent(program);
  if (!kind.empty()) request.set_template_("templates/" + kind);
  return context.CallPages(&NotifyStub::ListTemplateVersions, request);
}

absl::Status List(Context& context, const TemplateOptions& options) {
  if (options.program.empty()) {
    REMATCH_ASSIGN_OR_RETURN(const auto listed, context.Call(&NotifyStub::ListTemplates, notify_v1::ListTemplatesRequest()));
    return context.Show(listed, [&] { return RenderTemplates(ToVector(listed.templates()), context.canvas()); });
  }
  REMATCH_ASSIGN_OR_RETURN(const std::string program, context.OneProgram(options.program));
  REMATCH_ASSIGN_OR_RETURN(const auto listed, Versions(context, program, ""));
  return context.Show(
      listed, [&] { return RenderTemplateVersions(ToVector(listed.template_versions()), context.ZoneOf(program), context.canvas()); });
}

// What the release says in messages of `kind`.
absl::StatusOr<notify_v1::Template> OfRelease(Context& context, const std::string& kind) {
  REMATCH_ASSIGN_OR_RETURN(const auto listed, context.Call(&NotifyStub::ListTemplates, notify_v1::ListTemplatesRequest()));
  for (const notify_v1::Template& one : listed.templates()) {
    if (one.name() == "templates/" + kind) return one;
  }
  return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such kind of message: rematch template list shows them");
}

// The version that is named, or that counts; without a program, the release's.
absl::StatusOr<notify_v1::TemplateVersion> VersionOf(Context& context, const TemplateOptions& options) {
  if (options.program.empty()) {
    if (options.version > 0) return Usage("whose version? --program");
    REMATCH_ASSIGN_OR_RETURN(const notify_v1::Template release, OfRelease(context, options.kind));
    notify_v1::TemplateVersion version;
    version.set_template_(release.name());
    version.mutable_source()->set_subject(release.subject());
    version.mutable_source()->set_text(release.text());
    version.mutable_source()->set_html(release.html());
    *version.mutable_variables() = release.variables();
    return version;
  }
  REMATCH_ASSIGN_OR_RETURN(const std::string program, context.OneProgram(options.program));
  int64_t number = options.version;
  if (number < 0) {
    REMATCH_ASSIGN_OR_RETURN(const auto listed, Versions(context, program, options.kind));
    number = listed.template_versions().empty() ? 0 : listed.template_versions(0).version();
  }
  notify_v1::GetTemplateVersionRequest request;
  request.set_name(absl::StrCat(program, "/templates/", options.kind, "/versions/", number));
  return context.Call(&NotifyStub::GetTemplateVersion, request);
}

absl::Status Write(const std::string& folder, const std::string& kind, notify_v1::TemplateSource source) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  source.mutable_subject()->push_back('\n');
  for (const char* part : kParts) {
    const std::filesystem::path path = std::filesystem::path(folder) / absl::StrCat(kind, ".", part, ".mustache");
    std::ofstream file(path, std::ios::binary);
    file << PartOf(source, part);
    file.close();
    if (!file) return Error(absl::StatusCode::kFailedPrecondition, "FILE_UNWRITABLE", Printable(path.string()) + " cannot be written");
  }
  return absl::OkStatus();
}

absl::Status Show(Context& context, const TemplateOptions& options) {
  REMATCH_ASSIGN_OR_RETURN(const notify_v1::TemplateVersion version, VersionOf(context, options));
  if (!options.into.empty()) REMATCH_RETURN_IF_ERROR(Write(options.into, options.kind, version.source()));
  return context.Show(version, [&] {
    return RenderTemplate(version, options.html, version.program().empty() ? context.zone() : context.ZoneOf(version.program()),
                          context.canvas());
  });
}

// Every variable is its own name in brackets.
absl::Status Preview(Context& context, const TemplateOptions& options) {
  notify_v1::PreviewNotificationRequest request;
  std::string kind = options.kind;
  std::error_code ignored;
  if (std::filesystem::exists(options.kind, ignored)) {
    REMATCH_ASSIGN_OR_RETURN(const auto drafts, ReadTemplates(context, {options.kind}));
    if (drafts.size() != 1) return Usage("there are several kinds: a preview is of one");
    kind = drafts.begin()->first;
    *request.mutable_source() = drafts.begin()->second;
  }
  if (!options.program.empty()) {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_program(), context.OneProgram(options.program));
  }
  REMATCH_ASSIGN_OR_RETURN(const notify_v1::Template release, OfRelease(context, kind));
  request.set_template_(release.name());
  for (const std::string& variable : release.variables()) (*request.mutable_variables())[variable] = "[" + variable + "]";
  REMATCH_ASSIGN_OR_RETURN(const auto message, context.Call(&NotifyStub::PreviewNotification, request));
  return context.Show(message, [&] { return RenderMessage(message, options.html, context.canvas()); });
}

// Publishes them, all checked before the first: what is wrong with one keeps the others from being published, too.
absl::Status CreateAll(Context& context, std::vector<notify_v1::CreateTemplateVersionRequest> requests, bool dry_run) {
  const std::string& program = requests.front().parent();
  REMATCH_ASSIGN_OR_RETURN(const auto before, Versions(context, program, ""));
  std::map<std::string, int64_t> active;
  for (const auto& one : before.template_versions()) {
    if (one.active()) active[one.template_()] = one.version();
  }
  notify_v1::ListTemplateVersionsResponse made;
  for (notify_v1::CreateTemplateVersionRequest& request : requests) {
    request.set_request_id(context.RequestId());
    notify_v1::CreateTemplateVersionRequest asked = request;
    asked.set_validate_only(true);
    absl::StatusOr<notify_v1::TemplateVersion> foreseen = context.Call(&NotifyStub::CreateTemplateVersion, asked);
    if (!foreseen.ok()) {
      if (requests.size() > 1) context.env().err << IdOf(request.template_()) << ":\n";
      return foreseen.status();
    }
    *made.add_template_versions() = *std::move(foreseen);
  }
  if (!dry_run) {
    made.Clear();
    for (const notify_v1::CreateTemplateVersionRequest& request : requests) {
      REMATCH_ASSIGN_OR_RETURN(*made.add_template_versions(), context.Call(&NotifyStub::CreateTemplateVersion, request));
    }
  }
  return context.Show(made, [&] {
    std::string out;
    for (const notify_v1::TemplateVersion& one : made.template_versions()) {
      const bool same = active[one.template_()] == one.version();
      absl::StrAppend(&out, IdOf(one.template_()), ": ",
                      same      ? absl::StrCat(IdOf(program), " says this already")
                      : dry_run ? absl::StrCat("would be version ", one.version(), " of ", IdOf(program))
                                : absl::StrCat("version ", one.version(), " of ", IdOf(program), ": messages say it from now on"),
                      "\n");
    }
    return out;
  });
}

absl::Status Publish(Context& context, const TemplateOptions& options) {
  REMATCH_ASSIGN_OR_RETURN(auto templates, ReadTemplates(context, options.paths));
  if (!options.kind.empty()) {
    if (!templates.contains(options.kind)) return Error(absl::StatusCode::kNotFound, kBadFiles, "there is no template of this kind");
    templates = {*templates.find(options.kind)};
  }
  REMATCH_ASSIGN_OR_RETURN(const std::string program, context.OneProgram(options.program));
  std::vector<notify_v1::CreateTemplateVersionRequest> requests;
  for (const auto& [kind, source] : templates) {
    notify_v1::CreateTemplateVersionRequest& request = requests.emplace_back();
    request.set_parent(program);
    request.set_template_("templates/" + kind);
    *request.mutable_source() = source;
  }
  return CreateAll(context, std::move(requests), options.dry_run);
}

absl::Status Reset(Context& context, const TemplateOptions& options) {
  notify_v1::CreateTemplateVersionRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.OneProgram(options.program));
  request.set_template_("templates/" + options.kind);
  request.set_reset(true);
  return CreateAll(context, {request}, options.dry_run);
}

}  // namespace

void AddTemplateCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const group = AddGroup(app, "template", "What messages say, in the release's words or a program's own");
  auto options = std::make_shared<TemplateOptions>();
  const auto add = [&](const std::string& name, const std::string& help, absl::Status (*action)(Context&, const TemplateOptions&)) {
    return AddCommand(*group, chosen, name, help, [options, action](Context& context) { return action(context, *options); });
  };
  const auto add_program = [options](CLI::App* command, const std::string& help) {
    command->add_option("--program", options->program, help);
  };
  const auto add_paths = [options](CLI::App* command) {
    command
        ->add_option("PATH", options->paths, "A folder of KIND.subject.mustache, KIND.text.mustache and KIND.html.mustache, or these files")
        ->required();
  };
  add_program(add("list", "The kinds of messages with what may be filled in; of a program, all that it said in its own words", List),
              "What this program said");
  CLI::App* const show = add("show", "What is said in messages of a kind", Show);
  show->add_option("KIND", options->kind, "Such as first_approach")->required();
  add_program(show, "By this program; else by the release");
  show->add_option("--version", options->version, "This version, not the newest; 0 is what the release says")
      ->check(CLI::NonNegativeNumber);
  show->add_flag("--html", options->html, "Its HTML alone");
  show->add_option("--into", options->into, "Write it as files into this folder, to be edited and published");
  CLI::App* const check = add("check", "Whether files would do as templates, and if not, what is wrong in which line", Check);
  add_paths(check);
  check->preparse_callback([&chosen](size_t) { chosen.local = true; });
  CLI::App* const preview = add("preview", "What a message would say, each variable as its name in brackets; sends nothing", Preview);
  preview->add_option("KIND", options->kind, "A kind of message, or a folder or file of a draft")->required();
  add_program(preview, "In this program's words");
  preview->add_flag("--html", options->html, "Its HTML page alone");
  CLI::App* const publish = add("publish", "Have messages of a program say what files say", Publish);
  add_paths(publish);
  publish->add_option("--kind", options->kind, "Only this kind of those in the folder");
  add_program(publish, "The program, if there are several");
  publish->add_flag("--dry-run", options->dry_run, "Only check, and say what it would change");
  CLI::App* const reset = add("reset", "Have messages of a program say what the release says", Reset);
  reset->add_option("KIND", options->kind, "Such as first_approach")->required();
  add_program(reset, "The program, if there are several");
  reset->add_flag("--dry-run", options->dry_run, "Only say what it would change");
}

}  // namespace rematch::cli
