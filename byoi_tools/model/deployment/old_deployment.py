"""A deployment by the API of the 2020 guides, which has one status for each server and no task."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass


class DeploymentState(Enum):
    """How far it is (`dedicated.server.ByoiStatusEnum`)."""

    DOING = "doing"
    DONE = "done"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class OldDeployment:
    """What the API says of the server's last deployment (`dedicated.server.ByoiStatus`).

    `message` is what it does, or why it failed; `checksum` that of the image, in lower case. Either may be empty.
    """

    state: DeploymentState
    message: str
    checksum: str

    @property
    def is_running(self) -> bool:
        """Whether the provider still works on it."""
        return self.state is DeploymentState.DOING


@dataclass(frozen=True, slots=True)
class SoughtImage:
    """How a deployment of one's own is known, since it has no number: by the checksum of its image.

    `was_there`: before the request, the status was that of an earlier, ended deployment of the same image; then only
    one that runs can be the new one.
    """

    checksum: str
    was_there: bool

    def matches(self, found: OldDeployment) -> bool:
        """Whether this is the deployment that was asked for."""
        return found.checksum == self.checksum.lower() and (found.is_running or not self.was_there)
