"""What is made of a good request by damaging one field of it at a time."""

from google.protobuf.descriptor import FieldDescriptor

# As long as a request may be, by and large.
LONG = 200_000
STRINGS = {
    "200 kB": "x" * LONG,
    "an ARN of something else": "arn:aws:iam::123456789012:user/someone",
    "a broken ARN": "arn:aws:backup:us-east-1",
    "words": "no such thing/at all!",
    "control characters": "a\x00b\nc",
    "an unknown id": "00000000-0000-4000-8000-000000000000",
}
NUMBERS = {"negative": -1, "the least": -(2**31), "the most": 2**31 - 1}


def damaged(base):
    """(path, damage, request): each field of the message, wherever it stands, with each damage of its type."""
    yield from _damaged_in(base, base, "", lambda root: root)


def _damaged_in(root, message, prefix, find):
    yield from _damaged_choices(root, message, prefix, find)
    for field in message.DESCRIPTOR.fields:
        path = prefix + field.name
        if _is_map(field):
            yield from _damaged_map(root, field, path, find)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            if field.message_type.full_name == "google.protobuf.FieldMask":
                yield _with(root, path, "words", find, lambda m, f=field: getattr(m, f.name).paths.append("no such"))
            elif field.message_type.file.package.startswith("google."):
                yield from _damaged_time(root, field, path, find)
            elif field.is_repeated:
                for index, inner in enumerate(getattr(message, field.name)):
                    yield from _damaged_in(
                        root, inner, f"{path}[{index}].", lambda r, f=field, i=index: getattr(find(r), f.name)[i]
                    )
                if len(getattr(message, field.name)):
                    yield _with(root, path, "600 times", find, lambda m, f=field: _multiply(getattr(m, f.name)))
            elif message.HasField(field.name):
                inner = getattr(message, field.name)
                yield from _damaged_in(root, inner, f"{path}.", lambda r, f=field: getattr(find(r), f.name))
        else:
            yield from _damaged_scalar(root, message, field, path, find)


def _damaged_choices(root, message, prefix, find):
    """Of each `oneof`: none of its fields, and each that is a message, there and empty."""
    for choice in message.DESCRIPTOR.oneofs:
        chosen = message.WhichOneof(choice.name)
        if len(choice.fields) == 1 and choice.fields[0].has_presence and choice.name.startswith("_"):
            continue  # how `optional` is written down
        if chosen:
            # The first one is blamed, which names the others.
            yield _with(root, prefix + choice.fields[0].name, "none of them", find, lambda m, c=chosen: m.ClearField(c))
        for field in choice.fields:
            if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.file.package.startswith("strongroom."):
                yield _with(root, prefix + field.name, "an empty one", find, lambda m, f=field: _empty(m, f.name))


def _empty(message, field):
    message.ClearField(field)
    getattr(message, field).SetInParent()


def _damaged_scalar(root, message, field, path, find):
    if field.type == FieldDescriptor.TYPE_STRING:
        values = STRINGS
    elif field.type == FieldDescriptor.TYPE_ENUM:
        values = {"an unknown value": 99, "a negative value": -1}
    elif field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64):
        values = NUMBERS
    else:
        return  # a bool has no wrong value
    for damage, value in values.items():
        if field.is_repeated:
            yield _with(root, f"{path}[0]", damage, find, lambda m, v=value, f=field: _replace(getattr(m, f.name), v))
        else:
            yield _with(root, path, damage, find, lambda m, v=value, f=field: setattr(m, f.name, v))
    if field.is_repeated and len(getattr(message, field.name)):
        yield _with(root, path, "600 times", find, lambda m, f=field: _multiply(getattr(m, f.name)))


def _damaged_map(root, field, path, find):
    if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_BOOL:
        for damage, key in {
            "a key of 200 kB": "x" * LONG,
            "an empty key": "",
            "an unknown key": "Floppy",
            "control characters": "a\x00",
        }.items():
            yield _with(root, path, damage, find, lambda m, f=field, k=key: getattr(m, f.name).update({k: True}))
        many = {f"key-{number}": True for number in range(1_000)}
        yield _with(root, path, "1,000 entries", find, lambda m, f=field: getattr(m, f.name).update(many))
    if field.message_type.fields_by_name["value"].type != FieldDescriptor.TYPE_STRING:
        return
    for damage, (key, value) in {
        "200 kB": ("k", "x" * LONG),
        "a key of 200 kB": ("x" * LONG, "v"),
        "an empty key": ("", "v"),
        "a key of AWS's own": ("aws:reserved", "v"),
        "control characters": ("a\x00", "b"),
    }.items():
        yield _with(root, path, damage, find, lambda m, f=field, k=key, v=value: getattr(m, f.name).update({k: v}))
    many = {f"key-{number}": "v" for number in range(1_000)}
    yield _with(root, path, "1,000 entries", find, lambda m, f=field: getattr(m, f.name).update(many))


def _damaged_time(root, field, path, find):
    for damage, (seconds, nanos) in {
        "before the calendar": (-(2**62), 0),
        "after the calendar": (2**62, 0),
        "negative nanoseconds": (1, -1),
        "too many nanoseconds": (1, 2_000_000_000),
    }.items():

        def spoil(message, f=field, s=seconds, n=nanos):
            time = getattr(message, f.name)
            time.seconds, time.nanos = s, n

        yield _with(root, path, damage, find, spoil)


def _with(root, path, damage, find, spoil):
    request = type(root)()
    request.CopyFrom(root)
    spoil(find(request))
    return path, damage, request


def _replace(repeated, value):
    del repeated[:]
    repeated.append(value)


def _multiply(repeated):
    first = repeated[0] if len(repeated) else None
    if first is not None:
        repeated.extend([first] * 600)


def _is_map(field) -> bool:
    return field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.GetOptions().map_entry
