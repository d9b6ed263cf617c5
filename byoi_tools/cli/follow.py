"""Follows an installation that another run has started, for `deploy --attach` and `status --watch`."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.cli.wiring import open_server_receipt, system_clock
from byoi_tools.model.deployment.order import Customizations

if TYPE_CHECKING:
    from byoi_tools.model.deployment.server import InstallResult, Task
    from byoi_tools.model.observer import Observer
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.proving import ProofWish
    from byoi_tools.tools.clock import Clock
    from byoi_tools.tools.ovh.api import OvhApi

NOTHING_ORDERED = Customizations()


def follow_to_the_end(
    api: OvhApi,
    server: str,
    receipt: Path | None = None,
    customizations: Customizations = NOTHING_ORDERED,
    wish: ProofWish | None = None,
) -> bool:
    """Watch, show and, if that is wished, prove the installation; False when there is none.

    Works beside the run that started it, which does the proof itself then.
    """
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.installing import follow
    from byoi_tools.pipeline.receipt import ReceiptDamaged, ReceiptHeld
    from byoi_tools.reports.installation import render_installation

    clock, deployments = system_clock(), None
    with ExitStack() as stack:
        with suppress(ReceiptHeld, ReceiptDamaged):  # the run that holds it writes down the end
            deployments = Deployments(stack.enter_context(open_server_receipt(api, server, receipt)), server, clock)
        result = follow(api, server, deployments, clock, Progress())
        if result is not None and wish is not None:
            prove_and_show(api, result, customizations, wish, deployments, clock, Progress())
        elif result is not None:
            write_result(render_installation(result))
            if not (deployments and deployments.unfinished and deployments.unfinished.marker):
                conclude_after_output(result.task, deployments)
    return result is not None


def prove_and_show(
    api: OvhApi,
    result: InstallResult,
    customizations: Customizations,
    wish: ProofWish | None,
    deployments: Deployments | None,
    clock: Clock,
    observer: Observer,
) -> None:
    """Show the installation, prove it and show that; raises `DeploymentFailed` for what is not proven."""
    from byoi_tools.pipeline.proving import prove_installed, refuse_unproven
    from byoi_tools.reports.installation import render_installation
    from byoi_tools.reports.proof import render_proof

    write_result(render_installation(result))
    if wish is not None:
        proof = prove_installed(api, result.server, customizations, wish, deployments, clock, observer)
        write_result(render_proof(proof, terminal_of(sys.stdout)))
        refuse_unproven(result.server, proof)
    conclude_after_output(result.task, deployments)


def conclude_after_output(task: Task, deployments: Deployments | None) -> None:
    """Write that the deployment has ended once its result was shown: who saw none may run it again."""
    from byoi_tools.pipeline.installing import conclude

    sys.stdout.flush()
    conclude(deployments, task, "done")
