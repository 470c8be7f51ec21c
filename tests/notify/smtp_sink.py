"""A real SMTP server for tests, on a free port of loopback, which it prints on its first line.

It keeps what it accepts: every message becomes one file of the folder in argv[1], under its Message-ID; a second one with the same
Message-ID is dropped, as receivers do, and counted in its `.count`. What it does is told by the local part of the recipient's address:
  reject...  550 to RCPT      later...  450 to RCPT      spam...  554 after DATA
  drop...    takes the first message with this Message-ID, and closes the connection without an answer
  stall-rcpt...  never answers RCPT, and leaves a file `stalled.count`
  stall-data...  takes the message and never answers      slow...  takes it and answers after two seconds
or of the sender's: closed... 421 and banned... 550 to MAIL.
It ends when its standard input does.
"""
import asyncio
import email
import os
import sys

from aiosmtpd.smtp import SMTP


class Sink:
    def __init__(self, folder):
        self.folder = folder

    def count(self, name):
        with open(os.path.join(self.folder, name + ".count"), "a") as file:
            file.write("x")

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("closed"):
            return "421 4.3.2 going down"
        if address.startswith("banned"):
            return "550 5.7.1 not from you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("reject"):
            return "550 5.1.1 no such user"
        if address.startswith("later"):
            return "450 4.2.1 not now"
        if address.startswith("stall-rcpt"):
            self.count("stalled")
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[0]
        if recipient.startswith("spam"):
            return "554 5.7.1 not wanted"
        name = email.message_from_bytes(envelope.content)["Message-ID"].strip("<>")
        path = os.path.join(self.folder, name)
        first = not os.path.exists(path)
        if first:
            with open(path, "wb") as file:
                file.write(envelope.content)
        self.count(name)
        if recipient.startswith("stall-data"):
            await asyncio.Event().wait()
        if recipient.startswith("slow"):
            await asyncio.sleep(2)
        if recipient.startswith("drop") and first:
            server.transport.abort()
            return "250 never seen"
        return "250 OK"


async def serve():
    loop = asyncio.get_running_loop()
    sink = Sink(sys.argv[1])
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink.example"), host="127.0.0.1", port=0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(serve())
