"""Small files whose bytes are what their names say. In: a folder and a name. Out: a path for curl's `-F file=@…`."""

import struct
import zlib

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08free"
M4A = b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42\x00\x00\x00\x08free"
MP3 = b"ID3\x03\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" + bytes(64)
ZIP = b"PK\x03\x04\x14\x00\x00\x00\x00\x00" + bytes(20)
EXECUTABLE = b"\x7fELF\x02\x01\x01" + bytes(57)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
       + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))

CONTENT = {"pdf": PDF, "jpg": JPEG, "jpeg": JPEG, "gif": GIF, "mp4": MP4, "m4a": M4A, "mp3": MP3, "png": PNG,
           "zip": ZIP, "exe": EXECUTABLE, "txt": b"plain words\n"}


def file(folder, name, size=None):
    """Writes a file of the kind that its extension says, padded to `size` bytes."""
    content = CONTENT[name.rsplit(".", 1)[-1].lower()]
    path = folder / name
    path.write_bytes(content + bytes(max(0, (size or 0) - len(content))))
    return path
