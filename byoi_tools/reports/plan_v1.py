"""A plan as `byoi-tools/plan/v1`: its JSON, its schema, and how it is read again after people had it in their hands."""

from __future__ import annotations

import hashlib
import json
from typing import get_type_hints

from byoi_tools.errors import UsageError
from byoi_tools.model.deployment.plan import Plan
from byoi_tools.model.quoting import quote
from byoi_tools.reports.from_plain import WrongMember, from_plain
from byoi_tools.reports.json_schema import Schema, SchemaWriter
from byoi_tools.reports.plain import to_plain, write_json
from byoi_tools.reports.schema_parts import document

PLAN = "byoi-tools/plan/v1"
_DIGEST = "content_sha256"
_REMEDY = "Make it anew with `byoi-tools plan`, and do not edit it: the flags say what shall be different."


def render_plan_json(plan: Plan) -> str:
    """Return one JSON object with a newline at the end; its last member tells whether the others were edited."""
    plain = to_plain(plan)
    assert isinstance(plain, dict)  # noqa: S101 - for the type checker: a dataclass becomes one
    members = {"schema": PLAN, **plain}
    return write_json({**members, _DIGEST: _digest(members)})


def read_plan(content: bytes) -> Plan:
    """Read what `render_plan_json` wrote; raises `UsageError` that names the member which is not as it should be.

    What this version does not know is refused too, and what was edited: a plan is carried out as it is, or not at all.
    """
    try:
        members = json.loads(content.decode(), object_pairs_hook=_unrepeated)
        if not isinstance(members, dict):
            raise WrongMember("the document", "an object is expected")
        told, digest = members.pop(_DIGEST, None), _digest(members)
        if members.pop("schema", None) != PLAN:
            raise WrongMember("schema", f"{PLAN} is expected")
        plan = from_plain(Plan, members)
        assert isinstance(plan, Plan)  # noqa: S101 - for the type checker
        if told != digest:
            raise WrongMember(_DIGEST, "the plan was edited since it was made: what was approved is not known")
        return plan
    except WrongMember as wrong:
        raise UsageError(f"this is no plan: {wrong.where}", details=wrong.expected, remedy=_REMEDY) from wrong
    except (ValueError, RecursionError) as wrong:
        raise UsageError("this is no plan: it is no JSON", details=str(wrong)[:200], remedy=_REMEDY) from wrong


def identify_plan(plan: Plan) -> str:
    """Return 32 hexadecimal digits that are the same for the same plan, however its file is laid out."""
    return hashlib.sha256(render_plan_json(plan).encode()).hexdigest()[:32]


def plan_schema() -> Schema:
    """The schema of what `plan` writes. A member more is a new version: a plan is carried out as it is."""
    writer = SchemaWriter()
    members: dict[str, Schema] = {name: writer.schema_of(kind) for name, kind in get_type_hints(Plan).items()}
    digest: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    return document("Plan of a deployment", {"schema": {"const": PLAN}, **members, _DIGEST: digest}, writer.definitions)


def _digest(members: object) -> str:
    """The SHA-256 of the members in ASCII, names sorted, no blanks: what `jq -jcaS 'del(.content_sha256)'` writes."""
    return hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a member that is there twice: readers disagree on which of them counts."""
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise WrongMember(quote(name), "it is there twice")
        members[name] = value
    return members
