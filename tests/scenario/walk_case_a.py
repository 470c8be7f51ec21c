"""Walks case (a) with an independent client: python3-grpcio and stubs made from the published protos.

The first mentor declines, the second stays silent until the window ends, the third is willing; the candidate is called, is not there, is
called again and agrees; both get the official email. On the way, errors are read the way the documents say: one google.rpc.ErrorInfo in the
trailing metadata. Prints one line per step; the exit code is 0 when everything was as it must be.
"""

import argparse
import email
import email.policy
import os
import re
import sys
import time
import uuid

import grpc

MAIL_WAIT_SECONDS = 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("stubs", "mentor", "request", "notify", "mail", "consortium", "candidate-email"):
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


ARGS = arguments()
sys.path.insert(0, ARGS.stubs)
import google  # noqa: E402

# The packaged google.protobuf and the google.rpc that was generated are two parts of one package.
if os.path.join(ARGS.stubs, "google") not in list(google.__path__):
    google.__path__.append(os.path.join(ARGS.stubs, "google"))

from google.rpc import error_details_pb2, error_info_pb2, status_pb2  # noqa: E402
from rematch.mentor.v1 import service_pb2 as mentor_pb  # noqa: E402
from rematch.mentor.v1 import service_pb2_grpc as mentor_grpc  # noqa: E402
from rematch.notify.v1 import resources_pb2 as notify_resources  # noqa: E402
from rematch.notify.v1 import service_pb2 as notify_pb  # noqa: E402
from rematch.notify.v1 import service_pb2_grpc as notify_grpc  # noqa: E402
from rematch.request.v1 import resources_pb2 as cases  # noqa: E402
from rematch.request.v1 import service_pb2 as request_pb  # noqa: E402
from rematch.request.v1 import service_pb2_grpc as request_grpc  # noqa: E402


def who(role, person=""):
    metadata = [("x-rematch-role", role)]
    if person:
        metadata.append(("x-rematch-person", person))
    return {"metadata": metadata, "timeout": 10}


def new_id():
    return str(uuid.uuid4())


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def wait_for(what, find):
    """The first true answer of find(), asked again and again."""
    end = time.monotonic() + MAIL_WAIT_SECONDS
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain for " + what)


def reason_of(error):
    """The reason of the one ErrorInfo, and the details as a whole."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status()
            status.ParseFromString(value)
            infos = []
            fields = []
            for detail in status.details:
                info = error_info_pb2.ErrorInfo()
                bad = error_details_pb2.BadRequest()
                if detail.Unpack(info):
                    infos.append(info)
                elif detail.Unpack(bad):
                    fields += [violation.field for violation in bad.field_violations]
            check(len(infos) == 1, "one ErrorInfo, not %d" % len(infos))
            check(infos[0].domain == "rematch", "the domain of the error")
            check(status.code == error.code().value[0], "the code in the details is that of the call")
            return infos[0].reason, fields
    raise AssertionError("an error without details: %s" % error.code())


def refused(code, reason, call, request, **options):
    try:
        call(request, **options)
    except grpc.RpcError as error:
        got, fields = reason_of(error)
        check(error.code() == code, "%s instead of %s" % (error.code(), code))
        check(got == reason, "%s instead of %s" % (got, reason))
        return fields
    raise AssertionError("not refused: " + reason)


def mailbox(address):
    """The messages that this address has, parsed by the standard library."""
    folder = os.path.join(ARGS.mail, address, "new")
    messages = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), "rb") as file:
            messages.append(email.message_from_binary_file(file, policy=email.policy.default))
    return messages


def text_of(message):
    return message.get_body(preferencelist=("plain",)).get_content()


def reply_code(address):
    def find():
        for message in reversed(mailbox(address)):
            match = re.search(r"reply code:\s+(\S+)", text_of(message))
            if match:
                return match.group(1)
        return None

    return wait_for("a message with a reply code", find)


def walk():
    mentors = mentor_grpc.MentorServiceStub(grpc.insecure_channel(ARGS.mentor))
    requests = request_grpc.ReassignmentServiceStub(grpc.insecure_channel(ARGS.request))
    notify = notify_grpc.NotifyServiceStub(grpc.insecure_channel(ARGS.notify))
    service = who("SERVICE")

    programs = mentors.ListPrograms(mentor_pb.ListProgramsRequest(parent=ARGS.consortium), **service).programs
    program = programs[0]
    candidates = mentors.ListCandidates(mentor_pb.ListCandidatesRequest(parent=program.name, page_size=1000), **service).candidates
    candidate = next(c for c in candidates if c.contact.email == ARGS.candidate_email)
    roster = {m.name: m for m in mentors.ListMentors(mentor_pb.ListMentorsRequest(parent=ARGS.consortium, page_size=1000), **service).mentors}
    leader = who("PROGRAM_LEADER", program.leader.person)
    asking = who("CANDIDATE", candidate.name)

    # Errors: a field that is too long, a role that may not, a case that is not there.
    create = request_pb.CreateReassignmentRequest(
        parent=program.name, candidate=candidate.name, reasons="x" * 9000, request_id=new_id())
    fields = refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", requests.CreateReassignment, create, **asking)
    check("reasons" in fields, "the violation names the field: %s" % fields)
    create.reasons = "Times do not fit."
    refused(grpc.StatusCode.NOT_FOUND, "CASE_NOT_FOUND", requests.CreateReassignment, create, **who("AUDITOR"))
    refused(grpc.StatusCode.NOT_FOUND, "CASE_NOT_FOUND", requests.GetReassignment,
            request_pb.GetReassignmentRequest(name=program.name + "/reassignments/00000000-0000-7000-8000-000000000000"), **leader)

    # The candidate asks; asking again with the same request id is the same case; a second case is refused.
    case = requests.CreateReassignment(create, **asking)
    check(case.state == cases.REVIEW, "a new case is in review")
    check(requests.CreateReassignment(create, **asking).name == case.name, "a repeated request is the same case")
    create.request_id = new_id()
    refused(grpc.StatusCode.FAILED_PRECONDITION, "CASE_ALREADY_OPEN", requests.CreateReassignment, create, **asking)
    print("opened")

    def get():
        return requests.GetReassignment(request_pb.GetReassignmentRequest(name=case.name), **leader)

    def offers():
        return requests.ListOffers(request_pb.ListOffersRequest(parent=case.name), **leader).offers

    def task(kind, cause=""):
        def find():
            listed = requests.ListTasks(request_pb.ListTasksRequest(parent=case.name, open_only=True), **leader).tasks
            return next((t for t in listed if t.kind == kind and (not cause or t.cause == cause)), None)

        return wait_for(cases.TaskKind.Name(kind), find)

    check(get().reasons == create.reasons, "the Leader reads the reasons")
    check(requests.GetReassignment(request_pb.GetReassignmentRequest(name=case.name), **who("SERVICE")).reasons == "",
          "nobody else reads the reasons")
    task(cases.REVIEW_REASONS)
    pool = [s.mentor.mentor for s in requests.PreviewEscalation(request_pb.PreviewEscalationRequest(name=case.name), **leader).steps
            if not s.mentor.full]
    check(len(pool) >= 3, "three mentors can be asked")
    requests.ReviewReassignment(
        request_pb.ReviewReassignmentRequest(name=case.name, decision=request_pb.ReviewReassignmentRequest.PROCEED, request_id=new_id()), **leader)
    print("reviewed")

    def open_offer(index):
        def find():
            live = [o for o in offers() if o.state in (cases.PREPARING, cases.OPEN, cases.WILLING)]
            check(len(live) <= 1, "one mentor at a time")
            return next((o for o in live if o.state == cases.OPEN and o.mentor == pool[index]), None)

        return wait_for("mentor %d to be asked" % (index + 1), find)

    def answer(offer, said):
        code = reply_code(roster[offer.mentor].contact.email)
        response = requests.RespondToOffer(
            request_pb.RespondToOfferRequest(reply_code=code, answer=said, request_id=new_id()), **who("MENTOR", offer.mentor))
        check(response.result == request_pb.RespondToOfferResponse.RECORDED, "the answer counts")

    refused(grpc.StatusCode.INVALID_ARGUMENT, "BAD_REPLY_CODE", requests.RespondToOffer,
            request_pb.RespondToOfferRequest(reply_code="not-a-code", answer=request_pb.YES, request_id=new_id()), **who("MENTOR", pool[0]))
    answer(open_offer(0), request_pb.NOT_NOW)
    print("the first declined")
    second = open_offer(1)
    wait_for("the window to end", lambda: any(o.name == second.name and o.state == cases.EXPIRED for o in offers()))
    print("the second stayed silent")
    third = open_offer(2)
    before = get().etag
    answer(third, request_pb.YES)
    check(task(cases.CONFIRM_MATCH).offer == third.name, "the task names the offer")
    print("the third is willing")

    # A write that names an older version is refused and changes nothing.
    refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", requests.ConfirmMatch,
            request_pb.ConfirmMatchRequest(name=third.name, request_id=new_id(), etag=before), **leader)
    requests.ConfirmMatch(request_pb.ConfirmMatchRequest(name=third.name, request_id=new_id(), etag=get().etag), **leader)
    first_call = task(cases.CALL_CANDIDATE)
    requests.RecordCall(request_pb.RecordCallRequest(name=first_call.name, outcome=cases.NO_ANSWER, request_id=new_id()), **leader)
    check(get().state == cases.PROPOSED, "a call that was not answered changes nothing")
    second_call = task(cases.CALL_CANDIDATE, "NO_ANSWER")
    requests.RecordCall(request_pb.RecordCallRequest(name=second_call.name, outcome=cases.AGREED, request_id=new_id()), **leader)
    wait_for("the case to be completed", lambda: get().state == cases.COMPLETED)
    print("completed")

    moved = mentors.GetCandidate(mentor_pb.GetCandidateRequest(name=candidate.name), **service)
    check(moved.mentor == pool[2], "the mentor of record is the third")
    new_contact = roster[pool[2]].contact
    told = [m for m in mailbox(candidate.contact.email) if new_contact.display_name in str(m["Subject"])]
    check(len(told) == 1 and new_contact.email in text_of(told[0]), "one official email tells the candidate")
    told = [m for m in mailbox(new_contact.email) if candidate.contact.display_name in str(m["Subject"])]
    check(len(told) == 1 and candidate.contact.email in text_of(told[0]), "one official email tells the mentor")

    requests.RecordCall(request_pb.RecordCallRequest(name=task(cases.TELL_FORMER_MENTOR).name, outcome=cases.TOLD, request_id=new_id()), **leader)
    verified = requests.VerifyAuditTrail(request_pb.VerifyAuditTrailRequest(name=case.name), **leader)
    check(verified.intact and verified.events > 10, "the trail is intact")

    # The watch of a case that has ended says so once and ends; the delivery feed has each message once.
    watched = list(requests.WatchReassignment(request_pb.WatchReassignmentRequest(name=case.name), **leader))
    check(watched and watched[-1].state == cases.COMPLETED, "the watch ends with the case")
    feed = [d for d in notify.WatchDeliveries(notify_pb.WatchDeliveriesRequest(parent=ARGS.consortium), **service)
            if d.origin == case.name and d.state == notify_resources.Notification.SENT]
    check(len(feed) == len({d.notification for d in feed}) == 5, "five messages were sent, each once, not %d" % len(feed))
    print("told")


if __name__ == "__main__":
    try:
        walk()
    except (AssertionError, grpc.RpcError) as failure:
        print("FAILED: %s" % failure, file=sys.stderr)
        sys.exit(1)
