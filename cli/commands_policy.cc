// policy: what a case does, step by step; which version a program follows, and what another one would change.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/format.h"
#include "cli/names.h"
#include "cli/utf8.h"
#include "cli/views.h"
#include "platform/errors.h"
#include "platform/text_proto.h"
#include "request-service/domain/policy.h"

namespace rematch::cli {

namespace request_v1 = rematch::request::v1;

namespace {

absl::StatusOr<request_v1::ListPolicyVersionsResponse> Policies(Context& context, const std::string& program) {
  request_v1::ListPolicyVersionsRequest request;
  request.set_parent(program);
  return context.CallPages(&RequestStub::ListPolicyVersions, request);
}

absl::Status ListPolicies(Context& context, const std::string& given) {
  std::string program;
  if (!given.empty()) {
    REMATCH_ASSIGN_OR_RETURN(program, context.OneProgram(given));
  }
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListPolicyVersionsResponse listed, Policies(context, program));
  return context.Show(listed, [&] { return RenderPolicies(ToVector(listed.policies()), context.zone(), context.canvas()); });
}

absl::StatusOr<request_v1::PolicyVersion> Version(Context& context, const std::string& given) {
  request_v1::GetPolicyVersionRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.PolicyName(given, Purpose::kRead));
  return context.Call(&RequestStub::GetPolicyVersion, request);
}

// The one that new cases follow, of a program if one is given.
absl::StatusOr<request_v1::PolicyVersion> ActiveVersion(Context& context, const std::string& program) {
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListPolicyVersionsResponse listed, Policies(context, program));
  for (const request_v1::PolicyVersion& one : listed.policies()) {
    if (one.active()) return one;
  }
  return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no policy is active");
}

struct PolicyOptions {
  std::string given;
  std::string other;
  std::string program;
  std::string candidate;
  std::string of_case;
  bool text = false;
  bool dry_run = false;
};

absl::Status ShowPolicy(Context& context, const PolicyOptions& options) {
  request_v1::PolicyVersion version;
  if (options.given.empty()) {
    std::string program;
    if (!options.program.empty()) {
      REMATCH_ASSIGN_OR_RETURN(program, context.OneProgram(options.program));
    }
    REMATCH_ASSIGN_OR_RETURN(version, ActiveVersion(context, program));
  } else {
    REMATCH_ASSIGN_OR_RETURN(version, Version(context, options.given));
  }
  if (options.text) {
    // As a file that can be edited and published.
    context.out() << platform::PrintTextProto(version.policy());
    return absl::OkStatus();
  }
  return context.Show(version, [&] { return RenderPolicy(version, context.zone(), context.canvas()); });
}

// What is wrong stands behind the name of the file, a line for each field.
absl::StatusOr<request_v1::EscalationPolicy> ReadPolicy(Context& context, const std::string& path) {
  REMATCH_ASSIGN_OR_RETURN(const std::string text, ReadInput(path, context.env().in));
  request_v1::EscalationPolicy policy;
  if (const absl::Status status = platform::ParseTextProto(text, "BAD_POLICY", policy); !status.ok()) {
    return Error(absl::StatusCode::kInvalidArgument, "BAD_POLICY", absl::StrCat(Printable(path), ":", status.message()));
  }
  REMATCH_RETURN_IF_ERROR(request::ValidatePolicy(policy));
  return policy;
}

absl::Status CheckPolicyFile(Context& context, const std::string& path) {
  REMATCH_ASSIGN_OR_RETURN(const request_v1::EscalationPolicy policy, ReadPolicy(context, path));
  request_v1::PolicyVersion version;
  *version.mutable_policy() = policy;
  version.set_content_hash(request::ContentHash(policy));
  version.set_name("policies/" + version.content_hash().substr(0, 32));
  return context.Show(version, [&] {
    return absl::StrCat("valid: ", Printable(policy.display_name()), ", ", Count(policy.stages_size(), "stage", "stages"), ", ",
                        IdOf(version.name()), "\n");
  });
}

// A file, or a version that the service has.
absl::StatusOr<request_v1::EscalationPolicy> FileOrVersion(Context& context, const std::string& given) {
  std::error_code ignored;
  if (given == "-" || std::filesystem::is_regular_file(given, ignored)) return ReadPolicy(context, given);
  REMATCH_ASSIGN_OR_RETURN(const request_v1::PolicyVersion version, Version(context, given));
  return version.policy();
}

absl::Status DiffPolicies(Context& context, const PolicyOptions& options) {
  REMATCH_ASSIGN_OR_RETURN(const request_v1::EscalationPolicy before, FileOrVersion(context, options.given));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::EscalationPolicy after, FileOrVersion(context, options.other));
  const auto differences = request::Differences(before, after);
  if (context.json()) {
    JsonObject json;
    json.AddList("differences", differences);
    context.out() << json.ToString();
  } else {
    context.out() << RenderDifferences(differences, context.canvas());
  }
  return absl::OkStatus();
}

absl::Status PreviewPolicy(Context& context, const PolicyOptions& options) {
  request_v1::PreviewEscalationRequest request;
  if (options.candidate.empty() == options.of_case.empty()) return Usage("say whose: --candidate or --case");
  if (!options.candidate.empty()) {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_candidate(), context.CandidateName(options.candidate, options.program, Purpose::kRead));
  } else {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(options.of_case, Purpose::kRead));
  }
  if (!options.given.empty()) {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_policy(), context.PolicyName(options.given, Purpose::kRead));
  }
  REMATCH_ASSIGN_OR_RETURN(const request_v1::PreviewEscalationResponse preview, context.Call(&RequestStub::PreviewEscalation, request));
  const std::string& name = request.candidate().empty() ? request.name() : request.candidate();
  return context.Show(preview, [&] {
    const People people = context.LoadPeople({Ancestor(name, "programs")});
    return RenderForecast(preview, people, context.ZoneOf(name), context.canvas());
  });
}

absl::Status Publish(Context& context, const PolicyOptions& options) {
  request_v1::CreatePolicyVersionRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_policy(), ReadPolicy(context, options.given));
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.OneProgram(options.program));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::PolicyVersion before, ActiveVersion(context, request.parent()));
  request.set_validate_only(options.dry_run);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const request_v1::PolicyVersion version, context.Call(&RequestStub::CreatePolicyVersion, request));
  return context.Show(version, [&] {
    const std::string what = before.version() > 0 && before.version() == version.version()
                                 ? "The program follows this one already"
                                 : absl::StrCat(options.dry_run ? "Would be version " : "Version ", version.version(), " of the program",
                                                options.dry_run ? "" : ": new cases follow it, open ones stay with theirs");
    return absl::StrCat(what, " (", IdOf(version.name()), ").\n\n",
                        RenderDifferences(request::Differences(before.policy(), version.policy()), context.canvas()));
  });
}

}  // namespace

void AddPolicyCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const policy = AddGroup(app, "policy", "What a case does, step by step");
  auto options = std::make_shared<PolicyOptions>();
  const auto add_program = [options](CLI::App* command, const std::string& help) {
    command->add_option("--program", options->program, help);
  };
  add_program(AddCommand(*policy, chosen, "list", "All versions of the service, or those that a program followed",
                         [options](Context& context) { return ListPolicies(context, options->program); }),
              "The versions of this program");
  CLI::App* const show = AddCommand(*policy, chosen, "show", "One version; if none is named, the one that new cases follow",
                                    [options](Context& context) { return ShowPolicy(context, *options); });
  show->add_option("POLICY", options->given, "The version, by the beginning of its hash");
  add_program(show, "The one that new cases of this program follow");
  show->add_flag("--text", options->text, "As a file, to be edited and published");
  CLI::App* const check = AddCommand(*policy, chosen, "check", "Whether a file is a policy, and if not, what is wrong with each field",
                                     [options](Context& context) { return CheckPolicyFile(context, options->given); });
  check->add_option("FILE", options->given, "Text as in examples/policies; - for standard input")->required();
  check->preparse_callback([&chosen](size_t) { chosen.local = true; });
  CLI::App* const diff = AddCommand(*policy, chosen, "diff", "What one says otherwise than another",
                                    [options](Context& context) { return DiffPolicies(context, *options); });
  diff->add_option("BEFORE", options->given, "A file, or a version by the beginning of its hash")->required();
  diff->add_option("AFTER", options->other, "Likewise")->required();
  CLI::App* const preview = AddCommand(*policy, chosen, "preview", "Who would be asked by it, in which order, by when; contacts nobody",
                                       [options](Context& context) { return PreviewPolicy(context, *options); });
  preview->add_option("POLICY", options->given, "The version; the candidate's program's, or the case's, if none is named");
  preview->add_option("--candidate", options->candidate, "As if they asked for a change now");
  preview->add_option("--case", options->of_case, "What is still to come of it");
  add_program(preview, "The program of the candidate, if there are several");
  CLI::App* const publish =
      AddCommand(*policy, chosen, "publish", "Have new cases of a program follow what a file says; prints what that changes",
                 [options](Context& context) { return Publish(context, *options); });
  publish->add_option("FILE", options->given, "Text as in examples/policies; - for standard input")->required();
  add_program(publish, "The program, if there are several");
  publish->add_flag("--dry-run", options->dry_run, "Only say what it would change");
}

}  // namespace rematch::cli
