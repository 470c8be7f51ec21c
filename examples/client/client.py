"""A client of request-service in Python: opens a case for a candidate, watches it, and does the first task that comes up, the
leader's review of the reasons. README.md says how the stubs are made.

  PYTHONPATH=STUBS client.py ADDRESS LEADER CANDIDATE
"""

import pathlib
import sys
import uuid

import grpc
from google.rpc import error_details_pb2, error_info_pb2, status_pb2
from rematch.request.v1 import resources_pb2, service_pb2, service_pb2_grpc

# Retries UNAVAILABLE and nothing else, which request ids make harmless.
SERVICE_CONFIG = pathlib.Path(__file__).with_name("service_config.json").read_text()


def explain(error):
    """Prints the code, the reason that programs can rely on, the message for people, and the fields that are to blame."""
    reason = ""
    fields = []
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_info_pb2.ErrorInfo()
            bad = error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason = f" {info.reason}"
            if detail.Unpack(bad):
                fields += [f"  {violation.field}: {violation.description}" for violation in bad.field_violations]
    print(f"{error.code().name}{reason}: {error.details()}", *fields, sep="\n", file=sys.stderr)


def open_case(stub, caller, candidate):
    """The name of a new case, or of the one that the candidate has open already."""
    program = candidate.split("/candidates/")[0]
    request = service_pb2.CreateReassignmentRequest(
        parent=program,
        candidate=candidate,
        reasons="We never found a time to meet.",
        # One id for each thing that is to happen once: a retry sends the same one and gets the first answer.
        request_id=str(uuid.uuid4()),
    )
    try:
        return stub.CreateReassignment(request, metadata=caller, timeout=10).name
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
            raise
    listed = stub.ListReassignments(
        service_pb2.ListReassignmentsRequest(parent=program, candidate=candidate, open_only=True), metadata=caller, timeout=10
    )
    return listed.reassignments[0].name


def review_if_asked(stub, caller, name):
    """Goes on with the search if the review of the reasons is what waits."""
    tasks = stub.ListTasks(service_pb2.ListTasksRequest(parent=name, open_only=True), metadata=caller, timeout=10).tasks
    for task in tasks:
        if task.kind == resources_pb2.REVIEW_REASONS:
            stub.ReviewReassignment(
                service_pb2.ReviewReassignmentRequest(
                    name=name,
                    decision=service_pb2.ReviewReassignmentRequest.PROCEED,
                    request_id=str(uuid.uuid4()),
                ),
                metadata=caller,
                timeout=10,
            )
            print("reviewed: go on", flush=True)


def main():
    if len(sys.argv) != 4:
        print("usage: client.py ADDRESS LEADER CANDIDATE", file=sys.stderr)
        return 2
    address, leader, candidate = sys.argv[1:]
    caller = (("x-rematch-role", "PROGRAM_LEADER"), ("x-rematch-person", leader))
    with grpc.insecure_channel(address, options=[("grpc.service_config", SERVICE_CONFIG)]) as channel:
        stub = service_pb2_grpc.ReassignmentServiceStub(channel)
        try:
            name = open_case(stub, caller, candidate)
            print("case", name, flush=True)
            # The first message is the case as it is now, every other a change.
            watch = stub.WatchReassignment(service_pb2.WatchReassignmentRequest(name=name), metadata=caller, timeout=30)
            for now in watch:
                print(f"{resources_pb2.CaseState.Name(now.state)}, {now.open_tasks} open tasks", flush=True)
                if now.state != resources_pb2.REVIEW:
                    watch.cancel()
                    return 0
                if now.open_tasks:
                    review_if_asked(stub, caller, name)
        except grpc.RpcError as error:
            explain(error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
