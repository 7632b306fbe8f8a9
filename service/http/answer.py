"""Answers in pieces, so that one that the client does not take stays where it is counted.

A server writes a whole piece into the connection's buffer, whatever its length, and waits before the next one until
the client has taken most of it. So of a long answer the buffer has a piece or two, and the application knows when the
client has taken the rest.
"""

from starlette.types import Message, Send

PIECE_BYTES = 64 * 1024


def in_pieces(send: Send) -> Send:
    """Return a `send` that sends long bodies piece by piece."""

    async def send_pieces(message: Message) -> None:
        body = message.get("body", b"")
        if len(body) <= PIECE_BYTES:
            await send(message)
            return
        for start in range(0, len(body), PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        # The server takes this message when the client has taken most of the last piece.
        if not message.get("more_body", False):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_pieces
