#include "cli/app.h"

#include <exception>
#include <ostream>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/views.h"
#include "platform/build_info.h"

namespace rematch::cli {
namespace {

constexpr char kExamples[] =
    R"(Where the services are: --suite FILE (lines mentor=ADDRESS, request=ADDRESS, notify=ADDRESS), REMATCH_SUITE, or .rematch/suite here.
Who you are: --as or REMATCH_AS. A case, task, mentor or candidate is named by the end of its id, or a person by name or address; where
nothing is written, a part of the name will do.

Examples:
  rematch --as service roster import examples/roster --name "South Bay Consortium"
  export REMATCH_AS=leader:rosa
  rematch overview
  rematch case open --candidate "Ana Ruiz" --reasons-file reasons.txt
  rematch task list
  rematch task do 3fa2b1/t1                   what it needs, and what there is to know
  rematch task do 3fa2b1/t1 --proceed
  rematch case timeline 3fa2b1
  rematch case verify 3fa2b1 || echo "not intact"
  source <(rematch completion bash)

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 audit trail not intact, 4 service unavailable.)";

}  // namespace

CLI::App* AddCommand(CLI::App& parent, Chosen& chosen, const std::string& name, const std::string& help, Action action) {
  CLI::App* const command = parent.add_subcommand(name, help);
  command->fallthrough();
  command->callback([&chosen, action = std::move(action)] { chosen.action = action; });
  return command;
}

CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App* const group = parent.add_subcommand(name, help);
  group->fallthrough();
  group->require_subcommand(1);
  return group;
}

CLI::Option* AddList(CLI::App& app, const std::string& name, std::vector<std::string>& values, const std::string& help) {
  return app.add_option(name, values, help)->allow_extra_args(false);
}

absl::Status ShowStep(Context& context, const rematch::request::v1::Reassignment& c) {
  return context.Show(c, [&] {
    // For whom it is: a mistaken name shows at once.
    People people;
    rematch::mentor::v1::GetCandidateRequest whose;
    whose.set_name(c.candidate());
    if (const auto candidate = context.Call(&MentorStub::GetCandidate, whose); candidate.ok()) {
      people.Add(candidate->name(), candidate->contact().display_name());
    }
    rematch::mentor::v1::GetMentorRequest request;
    request.set_name(c.proposed_mentor());
    if (!request.name().empty()) {
      if (const auto mentor = context.Call(&MentorStub::GetMentor, request); mentor.ok()) {
        people.Add(mentor->name(), mentor->contact().display_name());
      }
    }
    return "case " + ShortName(c.name()) + "  " + RenderCaseLine(c, people, context.now(), context.ZoneOf(c.name()), context.canvas());
  });
}

void BuildTree(CLI::App& app, Globals& globals, Chosen& chosen) {
  app.name("rematch");
  app.description("Rematch: a new mentor for a candidate who asks for one, step by step and in confidence.");
  app.set_version_flag("--version", "rematch " + platform::BuildInfo());
  app.require_subcommand(1);
  app.add_option("--as", globals.as,
                 "Who you are: leader:PERSON, candidate:NAME, mentor:PERSON, site-admin:SITE, auditor, service [REMATCH_AS]");
  app.add_option("--suite", globals.suite, "File with the addresses of the services [REMATCH_SUITE]");
  app.add_option("--mentor-service", globals.mentor_service, "Address of mentor-service [REMATCH_MENTOR_SERVICE]");
  app.add_option("--request-service", globals.request_service, "Address of request-service [REMATCH_REQUEST_SERVICE]");
  app.add_option("--notify-service", globals.notify_service, "Address of notify-service [REMATCH_NOTIFY_SERVICE]");
  app.add_option("--consortium", globals.consortium, "The consortium, by id [REMATCH_CONSORTIUM]; south-bay if nothing says otherwise");
  app.add_option("--request-id", globals.request_id, "Makes a write repeatable: the same id again returns the first answer");
  app.add_option("--color", globals.color, "Colors: auto (on a terminal, unless NO_COLOR is set), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_option("--timeout", globals.timeout_seconds, "Seconds that a call may take")->check(CLI::Range(1, 600));
  app.add_flag("--json", globals.json, "Print JSON with the names of the protos");
  app.add_flag("--utc", globals.utc, "Show times in UTC, not in the zone of the program that they belong to");
  AddOverviewCommand(app, chosen);
  AddRosterCommands(app, chosen);
  AddDistrictCommands(app, chosen);
  AddMentorCommands(app, chosen);
  AddCaseCommands(app, chosen);
  AddTaskCommands(app, chosen);
  AddOfferCommands(app, chosen);
  AddPolicyCommands(app, chosen);
  AddCalendarCommands(app, chosen);
  AddConcernCommands(app, chosen);
  AddSurveyCommands(app, chosen);
  AddMailCommands(app, chosen);
  AddTemplateCommands(app, chosen);

  auto shell = std::make_shared<std::string>();
  CLI::App* const completion = AddCommand(app, chosen, "completion", "Print a completion script: source <(rematch completion bash)",
                                          [&app, shell](Context& context) {
                                            context.out() << CompletionScript(app, *shell);
                                            return absl::OkStatus();
                                          });
  completion->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  // Its action alone calls nobody.
  completion->preparse_callback([&chosen](size_t) { chosen.local = true; });
  // Last, since subcommands take over the footer that is there when they are made.
  app.footer(kExamples);
}

int Run(const std::vector<std::string>& words, Environment& environment) {
  Globals globals;
  Chosen chosen;
  CLI::App app;
  BuildTree(app, globals, chosen);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked, environment.out, environment.err);
    return kExitOk;
  } catch (const CLI::ParseError& wrong) {
    environment.err << "rematch: " << wrong.what() << "\nRun with --help for more information.\n";
    return kExitUsage;
  }
  Context context(environment, globals);
  absl::Status status = chosen.local ? absl::OkStatus() : context.Prepare();
  if (status.ok()) status = chosen.action(context);
  environment.out.flush();
  environment.err << Describe(status);
  return ExitCodeOf(status);
}

}  // namespace rematch::cli
