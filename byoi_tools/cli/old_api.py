"""What `--api` allows beside it: the two APIs do not take the same."""

from __future__ import annotations

from byoi_tools.errors import UsageError
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.order import Customizations, InstallApi
from byoi_tools.model.image import PackedType, SentType

_OLD = "--api bring-your-own-image"


def loader_for(api: InstallApi, given: str | None) -> str | None:
    """Return the loader that a UEFI server will start, None where it has yet to be found in the image.

    The API of the 2020 guides is not told one: the image must have it where firmware looks by itself. Raises
    `UsageError` for one that could not be sent.
    """
    if api is InstallApi.REINSTALL:
        return given
    if given is not None:
        raise UsageError(
            f"--efi-bootloader-path cannot be sent with {_OLD}",
            details="that API has no field for it; UEFI servers start the image's EFI/BOOT/BOOTX64.EFI",
            remedy="Leave it out, and have the loader there; or use the default API.",
        )
    from byoi_tools.deployment.reinstall.payload import UNUSED_LOADER_PATH

    return UNUSED_LOADER_PATH


def require_possible(
    api: InstallApi,
    product: Product,
    wishes: Customizations,
    description: str | None,
    image_type: SentType | None = None,
) -> None:
    """Return when the API takes all that is given; raises `UsageError` that names the flag which it does not take."""
    if api is InstallApi.REINSTALL:
        if image_type is PackedType.OVA:
            raise UsageError(
                "--image-type ova is not for --api reinstall",
                remedy=f"Run `byoi-tools convert IMAGE OUTPUT --to qcow2` and deploy the output; {_OLD} takes an OVA.",
            )
        if description is not None:
            raise UsageError(f"--description is only for {_OLD}", remedy="Leave --description out.")
        return
    if product is not Product.BYOI:
        raise UsageError(f"--os {product.value} is not for {_OLD}", remedy="Leave --api out: the default one takes it.")
    try:
        (wishes.user_data or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(
            f"the user data is no UTF-8 text, and {_OLD} takes nothing else",
            remedy="Give it as text, not compressed; or use the default API.",
        ) from None
