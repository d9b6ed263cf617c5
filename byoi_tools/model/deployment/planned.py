"""A deployment as it is meant, before anything was sent: the server, the order, the image's needs, its delivery."""

from __future__ import annotations

import fnmatch
from datetime import timedelta

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.order import ImageNeeds, InstallOrder
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.fact import Fact
from byoi_tools.model.image import SentType


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A right of a consumer key: a method, and a path in which `*` stands for anything, slashes too."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def covers(self, call: AccessRule) -> bool:
        """Whether it allows the call, whose path is a real one."""
        return self.method == call.method and fnmatch.fnmatchcase(call.path, self.path)


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """A customization that the provider's template asks for; `choices` is empty where any value will do."""

    name: str
    is_mandatory: bool
    has_default: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the provider will fetch the image, as far as it is known before.

    `life` is how long the URL will work from the deployment on, negative when it has ended already, None without an
    end. `header_names` are those of the HTTP headers that the provider is told to send; their values are secrets.
    """

    image_type: Fact[SentType]
    is_presigned: Fact[bool]
    life: Fact[timedelta | None]
    header_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedDeployment:
    """All that decides, before anything is sent, whether a deployment can work.

    `rights` are the consumer key's, `needed_rights` the calls that a deployment makes. `inputs` are the template's,
    `sent_names` the customizations that the request will have.
    """

    server: Server
    order: InstallOrder
    needs: ImageNeeds
    delivery: Delivery
    rights: Fact[tuple[AccessRule, ...]]
    needed_rights: tuple[AccessRule, ...]
    inputs: Fact[tuple[TemplateInput, ...]]
    sent_names: frozenset[str]


def find_missing_rights(rights: Fact[tuple[AccessRule, ...]], needed: tuple[AccessRule, ...]) -> tuple[AccessRule, ...]:
    """Return the calls that no rule covers; raises `NotKnownError` where the rules are not known."""
    rules = rights.known()
    return tuple(call for call in needed if not any(rule.covers(call) for rule in rules))
