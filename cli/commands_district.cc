// district: which districts of a consortium share mentors.
#include <memory>

#include "cli/commands.h"
#include "cli/views.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;

namespace {

absl::Status List(Context& context) {
  mentor_v1::ListDistrictsRequest request;
  request.set_parent(context.consortium());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListDistrictsResponse listed, context.CallPages(&MentorStub::ListDistricts, request));
  return context.Show(listed, [&] { return RenderDistricts(ToVector(listed.districts()), context.canvas()); });
}

// What an option that was given says; empty: it stays as it is.
struct Sharing {
  std::string lends;
  std::string borrows;
};

absl::Status Set(Context& context, const std::string& given, const Sharing& sharing) {
  if (sharing.lends.empty() && sharing.borrows.empty()) return Usage("nothing is to change: give --lends or --borrows");
  mentor_v1::UpdateDistrictRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_district()->mutable_name(), context.DistrictName(given, Purpose::kWrite));
  if (!sharing.lends.empty()) {
    request.mutable_district()->set_lends_mentors(sharing.lends == "yes");
    request.mutable_update_mask()->add_paths("lends_mentors");
  }
  if (!sharing.borrows.empty()) {
    request.mutable_district()->set_borrows_mentors(sharing.borrows == "yes");
    request.mutable_update_mask()->add_paths("borrows_mentors");
  }
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::District changed, context.Call(&MentorStub::UpdateDistrict, request));
  return context.Show(changed, [&] { return RenderDistricts({changed}, context.canvas()); });
}

}  // namespace

void AddDistrictCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const district = AddGroup(app, "district", "Districts, and which of them share mentors");
  AddCommand(*district, chosen, "list", "All districts of the consortium", List);
  auto name = std::make_shared<std::string>();
  auto sharing = std::make_shared<Sharing>();
  CLI::App* const set = AddCommand(*district, chosen, "set", "Open a district to mentors of others, or its mentors to others, or close it",
                                   [name, sharing](Context& context) { return Set(context, *name, *sharing); });
  set->add_option("DISTRICT", *name, "The end of the id, or a name")->required();
  set->add_option("--lends", sharing->lends, "Its mentors may be asked for candidates of districts that borrow: yes or no")
      ->check(CLI::IsMember({"yes", "no"}));
  set->add_option("--borrows", sharing->borrows, "Candidates of its sites may get mentors of districts that lend: yes or no")
      ->check(CLI::IsMember({"yes", "no"}));
}

}  // namespace rematch::cli
