"""The verb `delete`."""

from __future__ import annotations

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_disturbance
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_api, open_server_receipt, system_clock
from byoi_tools.model.deployment.order import Purpose


def delete(server: options.AnyServer, confirm: options.ConfirmDisturbance = None) -> None:
    """Delete a bringYourOwnImage deployment; boot rescue.

    For deployments that --api bring-your-own-image made: erases the status, stops one that still runs, and puts the
    server into the rescue system. What is on the disks stays as it is.
    """
    from contextlib import suppress

    from byoi_tools.deployment.old_api.delete import delete_deployment, read_deletable
    from byoi_tools.deployment.rights import refuse_missing_rights
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.receipt import ReceiptHeld
    from byoi_tools.reports.terminal import printable

    api, clock = connect_api(), system_clock()
    refuse_missing_rights(api, server, Purpose.DELETE)
    found = read_deletable(api, server)
    what = f"{found.state.value}: {printable(found.message)}" if found.message else found.state.value
    confirm_disturbance(
        server, confirm, f"The deployment of {server} ({what}) will be deleted, and {server} will reboot into rescue."
    )
    delete_deployment(api, server, found, clock)
    with suppress(ReceiptHeld), open_server_receipt(api, server, None) as opened:  # who holds it sees that it is gone
        deployments = Deployments(opened, server, clock)
        if deployments.unfinished and deployments.unfinished.sought:
            deployments.end("deleted")
    write_result(f"the deployment of {server} is deleted; the provider boots its rescue system\n")
