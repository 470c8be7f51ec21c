#include "access/table.h"

namespace rematch::access {
namespace {

using enum Scope;

// A table is read by its columns.
// clang-format off
constexpr MethodRow kMethods[] = {
    // method                                                          leader       mentor candidate  site   auditor service
    // The roster. A leader sees their own programs and who is in them, a mentor and a candidate themselves; services do all operations.
    {"/rematch.mentor.v1.MentorService/CreateConsortium",             {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/GetConsortium",                {kConsortium, kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/ListConsortia",                {kConsortium, kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/CreateDistrict",               {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/GetDistrict",                  {kConsortium, kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/ListDistricts",                {kConsortium, kNone, kNone,     kNone, kAll,   kAll}},
    // Whether a district shares mentors concerns all programs of its consortium: no leader opens another's district, or closes their own.
    {"/rematch.mentor.v1.MentorService/UpdateDistrict",               {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/CreateSite",                   {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/GetSite",                      {kConsortium, kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/ListSites",                    {kConsortium, kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/CreateProgram",                {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/GetProgram",                   {kOwn,        kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/ListPrograms",                 {kOwn,        kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/UpdateProgram",                {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/CreateMentor",                 {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/GetMentor",                    {kOwn,        kOwn,  kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/ListMentors",                  {kOwn,        kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/UpdateMentor",                 {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/RetireMentor",                 {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/CreateCandidate",              {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/GetCandidate",                 {kOwn,        kNone, kOwn,      kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/ListCandidates",               {kOwn,        kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/UnenrollCandidate",            {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/AddDoNotPair",                 {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/RemoveDoNotPair",              {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/AssignMentor",                 {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/EndAssignment",                {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/ListAssignments",              {kOwn,        kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/ImportRoster",                 {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/FindEligibleMentors",          {kOwn,        kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/DescribeNeed",                 {kOwn,        kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/DescribeCandidates",           {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    // Seats are moved by cases, through request-service, and by nobody else.
    {"/rematch.mentor.v1.MentorService/HoldNextSeat",                 {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/HoldSeat",                     {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/ReleaseSeat",                  {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/TransferCandidate",            {kNone,       kNone, kNone,     kNone, kNone,  kAll}},
    {"/rematch.mentor.v1.MentorService/ListSeats",                    {kNone,       kNone, kNone,     kNone, kAll,   kAll}},
    {"/rematch.mentor.v1.MentorService/WatchRoster",                  {kNone,       kNone, kNone,     kNone, kNone,  kAll}},

    // Cases. What a person decides no service decides: a swap has a leader's judgement and a candidate's yes behind it (F6, F7).
    {"/rematch.request.v1.ReassignmentService/CreateReassignment",     {kOwn,    kNone, kOwn,  kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/GetReassignment",        {kOwn,    kNone, kOwn,  kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/ListReassignments",      {kOwn,    kNone, kOwn,  kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/WatchReassignment",      {kOwn,    kNone, kOwn,  kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/PreviewEscalation",      {kOwn,    kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.request.v1.ReassignmentService/ReviewReassignment",     {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/WithdrawReassignment",   {kActing, kNone, kOwn,  kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/CloseReassignment",      {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/RestartSearch",          {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/SkipStage",              {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/StrikeMentor",           {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/PauseReassignment",      {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ResumeReassignment",     {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ReplaceLeader",          {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ListOffers",             {kOwn,    kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/RecordOfferResponse",    {kActing, kNone, kNone, kNone, kNone, kNone}},
    // The code in the request is the right; whoever was asked may come through a page that a service serves.
    {"/rematch.request.v1.ReassignmentService/RespondToOffer",         {kAll,    kAll,  kNone, kAll,  kNone, kAll}},
    {"/rematch.request.v1.ReassignmentService/ConfirmMatch",           {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/RejectMatch",            {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ReviveOffer",            {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/OpenBroadcast",          {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ChooseInterested",       {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/PassAllOver",            {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/RecommendPerson",        {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ListPeople",             {kOwn,    kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/QualifyPerson",          {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/RecordConsent",          {kActing, kNone, kOwn,  kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/RecordCall",             {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/TakeCandidate",          {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/DeclineToTake",          {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/SendClosingNote",        {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/SnoozeTask",             {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ListTasks",              {kOwn,    kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/ListReassignmentEvents", {kOwn,    kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/VerifyAuditTrail",       {kOwn,    kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/ListDisclosures",        {kOwn,    kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/RecordMediation",        {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/RecordSignature",        {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/MigrateReassignment",    {kActing, kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/CreatePolicyVersion",    {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/GetPolicyVersion",       {kAll,    kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.request.v1.ReassignmentService/ListPolicyVersions",     {kAll,    kNone, kNone, kNone, kAll,  kAll}},
    // Concerns and surveys. What a candidate says of their mentor is for the leaders, and not even services read it (F12, F21).
    {"/rematch.request.v1.ReassignmentService/RaiseConcern",           {kOwn,    kNone, kOwn,  kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/GetConcern",             {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ListConcerns",           {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ResolveConcern",         {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/SendSurvey",             {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/ListSurveys",            {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    // With the code of a letter that is the right, as RespondToOffer; by name for oneself, or for one's own candidate.
    {"/rematch.request.v1.ReassignmentService/SubmitSurveyResponse",   {kAll,    kNone, kAll,  kNone, kNone, kAll}},
    {"/rematch.request.v1.ReassignmentService/ListSurveyResults",      {kOwn,    kNone, kNone, kNone, kNone, kNone}},
    {"/rematch.request.v1.ReassignmentService/RecordLetterTold",       {kActing, kNone, kNone, kNone, kNone, kNone}},

    // Messages. A leader is an owner of those that name them among their readers.
    {"/rematch.notify.v1.NotifyService/SendNotification",    {kNone, kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.notify.v1.NotifyService/GetNotification",     {kOwn,  kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.notify.v1.NotifyService/ListNotifications",   {kOwn,  kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.notify.v1.NotifyService/CancelNotification",  {kNone, kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.notify.v1.NotifyService/RetryNotification",   {kOwn,  kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.notify.v1.NotifyService/ReportBounce",        {kOwn,  kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.notify.v1.NotifyService/WatchDeliveries",     {kNone, kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.notify.v1.NotifyService/ListTemplates",       {kAll,  kNone, kNone, kNone, kAll,  kAll}},
    // What a program says is published by the office, since nobody here knows who leads it, and is read by the leaders of its consortium.
    {"/rematch.notify.v1.NotifyService/PreviewNotification",   {kConsortium, kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.notify.v1.NotifyService/CreateTemplateVersion", {kNone,       kNone, kNone, kNone, kNone, kAll}},
    {"/rematch.notify.v1.NotifyService/GetTemplateVersion",    {kConsortium, kNone, kNone, kNone, kAll,  kAll}},
    {"/rematch.notify.v1.NotifyService/ListTemplateVersions",  {kConsortium, kNone, kNone, kNone, kAll,  kAll}},
};

// NOLINTBEGIN(readability-identifier-naming): read as words in the table below.
constexpr bool yes = true;
constexpr bool no = false;
// NOLINTEND(readability-identifier-naming)

constexpr FieldRow kPrivateFields[] = {
    // field                                               leader mentor candidate site auditor service
    // How to reach people.
    {"rematch.mentor.v1.Contact.display_name",             {yes, no, no, no, no, yes}},
    {"rematch.mentor.v1.Contact.email",                    {yes, no, no, no, no, yes}},
    {"rematch.mentor.v1.Contact.phone",                    {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.Address.display_name",             {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.Address.email",                    {yes, no, no, no, no, yes}},
    // Whom the leaders keep apart, which tells what was between them (F28).
    {"rematch.mentor.v1.Candidate.do_not_pair",            {yes, no, no, no, no, yes}},
    // Reasons, notes and end reasons: the leaders, and nobody else (F21).
    {"rematch.request.v1.Reassignment.reasons",            {yes, no, no, no, no, no}},
    {"rematch.request.v1.Reassignment.notes",              {yes, no, no, no, no, no}},
    {"rematch.request.v1.Reassignment.close_ground",       {yes, no, no, no, no, no}},
    {"rematch.request.v1.Note.text",                       {yes, no, no, no, no, no}},
    {"rematch.request.v1.Concern.words",                   {yes, no, no, no, no, no}},
    {"rematch.request.v1.Concern.note",                    {yes, no, no, no, no, no}},
    {"rematch.request.v1.Concern.relationship_quality",    {yes, no, no, no, no, no}},
    {"rematch.request.v1.SurveyResponse.words",            {yes, no, no, no, no, no}},
    {"rematch.request.v1.SurveyResponse.asks_for_change",  {yes, no, no, no, no, no}},
    {"rematch.request.v1.SurveyResponse.relationship_quality", {yes, no, no, no, no, no}},
    // How the search goes is not for the candidate, who hears of a mentor on the call.
    {"rematch.request.v1.Reassignment.stage",              {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.stage_id",           {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.signed_by",          {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.round",              {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.proposed_mentor",    {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.next_due_time",      {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.update_time",        {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.etag",               {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.open_tasks",         {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.pause_state",        {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.pause_time",         {yes, no, no, no, yes, yes}},
    {"rematch.request.v1.Reassignment.calendar",           {yes, no, no, no, yes, yes}},
    // What messages say: they name people.
    {"rematch.notify.v1.Notification.variables",           {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.Notification.subject",             {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.Notification.text_body",           {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.Notification.html_body",           {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.PreviewNotificationResponse.subject",   {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.PreviewNotificationResponse.text_body", {yes, no, no, no, no, yes}},
    {"rematch.notify.v1.PreviewNotificationResponse.html_body", {yes, no, no, no, no, yes}},
};

// clang-format on

constexpr std::string_view kPublicFields[] = {
    // Names of organizations and policies, not of people.
    "rematch.mentor.v1.Consortium.display_name",
    "rematch.mentor.v1.District.display_name",
    "rematch.mentor.v1.Site.display_name",
    "rematch.mentor.v1.Program.display_name",
    "rematch.request.v1.EscalationPolicy.display_name",
    // Made of the allow-list of matching, numbers and fixed words.
    "rematch.mentor.v1.RankedMentor.explanation",
    "rematch.request.v1.ReassignmentEvent.summary",
    // What a field must look like, without what was given.
    "rematch.mentor.v1.ImportRosterResponse.RowError.description",
    // Templates before anything is filled in: subject, bodies and the names of variables.
    "rematch.notify.v1.Template.subject",
    "rematch.notify.v1.Template.text",
    "rematch.notify.v1.Template.html",
    "rematch.notify.v1.Template.variables",
    "rematch.notify.v1.TemplateSource.subject",
    "rematch.notify.v1.TemplateSource.text",
    "rematch.notify.v1.TemplateSource.html",
    "rematch.notify.v1.TemplateVersion.variables",
    // School subjects.
    "rematch.mentor.v1.Mentor.subjects",
    "rematch.mentor.v1.Candidate.subjects",
    "rematch.mentor.v1.Need.subjects",
    // Of a mail: made of random ids.
    "rematch.notify.v1.Notification.message_id",
    // Whom or what an event or a task is about, as a resource name.
    "rematch.request.v1.ReassignmentEvent.subject",
    "rematch.request.v1.Task.subject",
};

}  // namespace

std::span<const MethodRow> Methods() { return kMethods; }
std::span<const FieldRow> PrivateFields() { return kPrivateFields; }
std::span<const std::string_view> PublicFields() { return kPublicFields; }

}  // namespace rematch::access
