"""Checks raw answers against botocore's service models: only known members, of the right type, all required ones.

botocore's own parsers are lenient (they drop what they don't know); the other SDKs are not, and what is dropped here is a
wrong name there.
"""

import json
import re
import xml.etree.ElementTree as ElementTree

ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


# The model's own text spells these types so, against its own pattern; no SDK checks patterns.
SPELLED_WITH_SPACES = {"SAP HANA on Amazon EC2", "Storage Gateway"}


def violations(operation, status: int, headers, body: bytes) -> list[str]:
    """What is wrong with a successful answer to the operation."""
    if status != operation.http.get("responseCode", 200):
        return [f"HTTP {status} instead of {operation.http.get('responseCode', 200)}"]
    protocol = operation.service_model.metadata["protocol"]
    if protocol == "query":
        return _query(operation, body)
    return _json(operation, headers, body)


def _json(operation, headers, body: bytes) -> list[str]:
    shape = operation.output_shape
    if shape is None or not shape.members:
        return [] if body.strip() in (b"", b"{}") else [f"a body where the model has none: {body[:80]!r}"]
    metadata = operation.service_model.metadata
    plain = metadata["protocol"] == "rest-json"
    expected = "application/json" if plain else f"application/x-amz-json-{metadata['jsonVersion']}"
    if headers.get("Content-Type") != expected:
        return [f"Content-Type {headers.get('Content-Type')} instead of {expected}"]
    try:
        value = json.loads(body)
    except ValueError as fault:
        return [f"not JSON: {fault}"]
    return list(_json_value(shape, value, ""))


def _json_value(shape, value, path):
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path}: {value!r} instead of an object"
            return
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        required = {shape.members[name].serialization.get("name", name) for name in shape.required_members}
        yield from (f"{path}.{name} is missing" for name in sorted(required - value.keys()))
        for name, inner in value.items():
            if name not in members:
                yield f"{path}.{name} is not in the model"
            else:
                yield from _json_value(members[name], inner, f"{path}.{name}")
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path}: {value!r} instead of a list"
            return
        for index, inner in enumerate(value):
            yield from _json_value(shape.member, inner, f"{path}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{path}: {value!r} instead of a map"
            return
        for key, inner in value.items():
            yield from _text(shape.key, key, f"{path} key")
            yield from _json_value(shape.value, inner, f"{path}[{key}]")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{path}: {value!r} instead of a string"
        else:
            yield from _text(shape, value, path)
    else:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        fits = {
            "boolean": isinstance(value, bool),
            "integer": number and isinstance(value, int),
            "long": number and isinstance(value, int),
            "float": number,
            "double": number,
            # Epoch seconds, in both JSON protocols.
            "timestamp": number and value > 0,
            # As base64.
            "blob": isinstance(value, str),
        }[kind]
        if not fits:
            yield f"{path}: {value!r} instead of a {kind}"


def _text(shape, text: str, path: str):
    if shape.enum and text not in shape.enum:
        yield f"{path}: {text!r} is none of {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if shape.name == "ResourceType" and text in SPELLED_WITH_SPACES:
        return
    # Java's \p{…} classes are beyond Python; those patterns are left to the SDKs, which don't check them either.
    if pattern and "\\p{" not in pattern and not re.search(pattern, text):
        yield f"{path}: {text!r} does not match {pattern}"


def _query(operation, body: bytes) -> list[str]:
    namespace = operation.service_model.metadata["xmlNamespace"]
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as fault:
        return [f"not XML: {fault}"]
    found = []
    for element in root.iter():
        space, _, name = element.tag.rpartition("}")
        if space != f"{{{namespace}":
            found.append(f"<{element.tag}> is not in the namespace {namespace}")
        element.tag = name
    if root.tag != f"{operation.name}Response":
        found.append(f"<{root.tag}> instead of <{operation.name}Response>")
    if not root.findtext("ResponseMetadata/RequestId"):
        found.append("no ResponseMetadata/RequestId")
    shape = operation.output_shape
    wrapper = shape.serialization.get("resultWrapper") if shape else None
    unknown = {child.tag for child in root} - {"ResponseMetadata", wrapper}
    found += [f"<{tag}> is not in the model" for tag in sorted(unknown)]
    if wrapper:
        results = root.findall(wrapper)
        if len(results) == 1:
            found += _xml_value(shape, results[0], "")
        else:
            found.append(f"{len(results)} <{wrapper}> instead of one")
    return found


def _xml_value(shape, element, path):
    kind = shape.type_name
    if kind == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        required = {shape.members[name].serialization.get("name", name) for name in shape.required_members}
        there = [child.tag for child in element]
        yield from (f"{path}.{name} is missing" for name in sorted(required - set(there)))
        yield from (f"{path}.{name} is there twice" for name in sorted({n for n in there if there.count(n) > 1}))
        if not there and (element.text or "").strip():
            yield f"{path}: text {element.text!r} instead of members"
        for child in element:
            if child.tag not in members:
                yield f"{path}.{child.tag} is not in the model"
            else:
                yield from _xml_value(members[child.tag], child, f"{path}.{child.tag}")
    elif kind == "list":
        item = shape.member.serialization.get("name", "member")
        for index, child in enumerate(element):
            if child.tag != item:
                yield f"{path}: <{child.tag}> in a list of <{item}>"
            else:
                yield from _xml_value(shape.member, child, f"{path}[{index}]")
    elif kind == "map":
        for entry in element:
            if entry.tag != "entry" or [child.tag for child in entry] != ["key", "value"]:
                yield f"{path}: <{entry.tag}> instead of <entry><key/><value/></entry>"
            else:
                yield from _xml_value(shape.value, entry[1], f"{path}[{entry[0].text}]")
    else:
        text = element.text or ""
        if len(element):
            yield f"{path}: members instead of a {kind}"
        elif kind == "string":
            yield from _text(shape, text, path)
        elif not {
            "boolean": lambda: text in ("true", "false"),
            "integer": lambda: re.fullmatch(r"-?\d+", text),
            "long": lambda: re.fullmatch(r"-?\d+", text),
            "float": lambda: re.fullmatch(r"-?\d+(\.\d+)?", text),
            "double": lambda: re.fullmatch(r"-?\d+(\.\d+)?", text),
            "timestamp": lambda: ISO_8601.fullmatch(text),
            "blob": lambda: True,
        }[kind]():
            yield f"{path}: {text!r} is no {kind}"


# Answered by AWS for every operation, whatever the model lists (docs/aws-backup-semantics.md, 1.3).
GENERIC = {"AccessDeniedException", "ThrottlingException", "AccessDenied", "Throttling", "ValidationError"}
GENERIC |= {"InvalidParameterValue", "InvalidParameterCombination", "MissingParameter", "ValidationException"}


def error_violations(operation, status: int, headers, body: bytes) -> list[str]:
    """What is wrong with an error answer to the operation: its envelope, its code, the code's members."""
    protocol = operation.service_model.metadata["protocol"]
    shapes = {shape.metadata.get("error", {}).get("code", shape.name): shape for shape in operation.error_shapes}
    found = []
    if protocol == "query":
        namespace = f"{{{operation.service_model.metadata['xmlNamespace']}}}"
        root = ElementTree.fromstring(body)
        if root.tag != f"{namespace}ErrorResponse":
            found.append(f"<{root.tag}> instead of <ErrorResponse> in {namespace}")
        code = root.findtext(f"{namespace}Error/{namespace}Code")
        message = root.findtext(f"{namespace}Error/{namespace}Message")
        if root.findtext(f"{namespace}Error/{namespace}Type") not in ("Sender", "Receiver"):
            found.append("Error/Type is neither Sender nor Receiver")
        if not root.findtext(f"{namespace}RequestId"):
            found.append("no RequestId")
        expected = shapes[code].metadata["error"]["httpStatusCode"] if code in shapes else None
    else:
        value = json.loads(body)
        # KMS writes it in lower case; which of the two is right is the model's to say, below.
        message = value.get("Message") or value.get("message")
        code = headers.get("x-amzn-ErrorType") if protocol == "rest-json" else value.pop("__type", None)
        # SQS writes it with the namespace of its model.
        code = code and code.rpartition("#")[2]
        # The model of AWS Backup gives no status; its documentation says 400, and 500 for faults of the service.
        fault = code in shapes and shapes[code].metadata.get("fault", False)
        expected = (500 if fault else 400) if code in shapes else None
        # Some models say nothing of what is in an error, and still there is a message.
        if code in shapes and shapes[code].members:
            found += _json_value(shapes[code], value, code)
    if code not in shapes and code not in GENERIC:
        found.append(f"{code} is not an error of {operation.name}: {sorted(shapes)}")
    if expected and status != expected:
        found.append(f"{code} with HTTP {status} instead of {expected}")
    if not message:
        found.append(f"{code} without a message")
    return found
