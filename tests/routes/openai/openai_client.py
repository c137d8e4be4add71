"""The official openai client for Python with its default settings, against the server that OPENAI_BASE_URL names."""

import base64
import io
import json
import os
import struct
import sys
import zlib

import openai


def png(width, height, pixel):
    """A PNG in one colour, with or without alpha."""
    rows = (b"\x00" + bytes(pixel) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 6 if len(pixel) == 4 else 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def refused(work, kind):
    try:
        work()
    except kind as error:
        return {"status": error.status_code, "code": error.code, "param": error.param}
    raise AssertionError(f"expected {kind.__name__}")


def starts_as_png(text):
    return base64.b64decode(text)[:8] == b"\x89PNG\r\n\x1a\n"


def main():
    client = openai.OpenAI()
    said = {"models": [model.id for model in client.models.list()]}
    made = client.images.generate(prompt="a harbour at dusk", size="512x512", n=2)
    said["generated"] = [starts_as_png(each.b64_json) for each in made.data]
    addressed = client.images.generate(prompt="a harbour at dawn", size="512x512", response_format="url")
    said["url"] = addressed.data[0].url
    picture = ("a.png", io.BytesIO(png(512, 512, (0x33, 0x66, 0x99))), "image/png")
    others = [(f"{i}.png", io.BytesIO(png(512, 512, (i, i, i))), "image/png") for i in (40, 80)]
    changed = client.images.edit(image=[picture, *others], prompt="a winter night")
    said["edited"] = [starts_as_png(each.b64_json) for each in changed.data]
    events = client.images.generate(prompt="a stream", size="512x512", stream=True, partial_images=2)
    said["events"] = [event.type for event in events]
    said["unknown model"] = refused(
        lambda: client.images.generate(prompt="x", model="dall-e-3"), openai.NotFoundError
    )
    said["bad size"] = refused(lambda: client.images.generate(prompt="x", size="333x333"), openai.BadRequestError)
    said["no key"] = refused(
        lambda: openai.OpenAI(api_key="dk_wrong").models.list(), openai.AuthenticationError
    )
    json.dump(said, sys.stdout)


main()
