"""Damage to the bytes of a file, as disks, networks and interrupted copies do it."""

from __future__ import annotations

from random import Random


def damage(content: bytes, random: Random) -> tuple[bytes, str]:
    """A damaged copy, and a description of the damage."""
    kind = random.choice(["flip", "flip", "flip", "truncate", "swap", "remove", "insert", "zero"])
    changed = bytearray(content)
    begin = random.randrange(len(changed))
    length = random.choice([1, 2, 4, 16, 256, 4096])
    match kind:
        case "flip":
            count = random.choice([1, 1, 2, 8])
            for _ in range(count):
                changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
            kind = f"flip {count}"
        case "truncate":
            del changed[begin:]
        case "swap":
            other = random.randrange(len(changed))
            for offset in range(min(length, len(changed) - max(begin, other))):
                first, second = begin + offset, other + offset
                changed[first], changed[second] = changed[second], changed[first]
        case "remove":
            del changed[begin : begin + length]
        case "insert":
            changed[begin:begin] = random.randbytes(length)
        case "zero":
            end = min(begin + length, len(changed))
            changed[begin:end] = bytes(end - begin)
    return bytes(changed), f"{kind} at {begin}"
