#include <memory>

#include "cli/commands.h"
#include "cli/views.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;

namespace {

absl::Status List(Context& context, const std::string& program) {
  std::vector<std::string> scopes = {""};
  // A leader sees mentors by program.
  if (!program.empty() || context.caller().role == "PROGRAM_LEADER") {
    REMATCH_ASSIGN_OR_RETURN(scopes, context.Programs(program));
  }
  mentor_v1::ListMentorsResponse all;
  std::map<std::string, bool> seen;
  for (const std::string& scope : scopes) {
    mentor_v1::ListMentorsRequest request;
    request.set_parent(context.consortium());
    request.set_program(scope);
    REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListMentorsResponse listed, context.CallPages(&MentorStub::ListMentors, request));
    for (const auto& mentor : listed.mentors()) {
      // Programs share mentors.
      if (seen.emplace(mentor.name(), true).second) *all.add_mentors() = mentor;
    }
  }
  return context.Show(all, [&] { return RenderMentors(ToVector(all.mentors()), context.canvas()); });
}

absl::Status Show(Context& context, const std::string& given) {
  mentor_v1::GetMentorRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.MentorName(given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Mentor mentor, context.Call(&MentorStub::GetMentor, request));
  return context.Show(mentor, [&] { return RenderMentor(mentor, context.LoadPeople({}), context.canvas()); });
}

}  // namespace

void AddMentorCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const mentor = AddGroup(app, "mentor", "Mentors and their caseloads");
  auto program = std::make_shared<std::string>();
  AddCommand(*mentor, chosen, "list", "All mentors that you may see", [program](Context& context) {
    return List(context, *program);
  })->add_option("--program", *program, "Only this program");
  auto name = std::make_shared<std::string>();
  AddCommand(*mentor, chosen, "show", "One mentor", [name](Context& context) { return Show(context, *name); })
      ->add_option("MENTOR", *name, "The end of the id, a name or an address")
      ->required();
}

}  // namespace rematch::cli
