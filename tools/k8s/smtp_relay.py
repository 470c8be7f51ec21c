"""The mail server of the rehearsal: takes what it is given and puts each message into a Maildir of its recipient below argv[1], listening on all
addresses of its network at port argv[2]. Ends with SIGTERM."""
import asyncio
import os
import sys
import uuid

from aiosmtpd.smtp import SMTP


class Relay:
    def __init__(self, folder):
        self.folder = folder

    async def handle_DATA(self, server, session, envelope):
        for recipient in envelope.rcpt_tos:
            box = os.path.join(self.folder, os.path.basename(recipient))
            os.makedirs(os.path.join(box, "new"), exist_ok=True)
            name = uuid.uuid4().hex
            whole = os.path.join(box, name)
            with open(whole, "wb") as file:
                file.write(envelope.content)
            os.rename(whole, os.path.join(box, "new", name))
        return "250 OK"


async def serve():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Relay(sys.argv[1]), hostname="relay.example"), host="0.0.0.0", port=int(sys.argv[2]))
    await asyncio.Event().wait()


asyncio.run(serve())
