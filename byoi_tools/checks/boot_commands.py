"""How a guest's own programs write its menu and its kernels' arguments again: Debian's names, and Fedora's.

Fedora, RHEL and SUSE have no `update-grub`; on the first two the arguments are those of the entries, which `grubby`
changes and `grub2-mkconfig` leaves alone (Red Hat, "Configuring kernel command-line parameters").
"""

from __future__ import annotations

WRITE_MENU = "update-grub (Fedora, SUSE: grub2-mkconfig -o /boot/grub2/grub.cfg)"
NEW_ROOT = "grubby --update-kernel=ALL --args=root=UUID=..."


def add_arguments(words: str) -> str:
    """The remedy that puts arguments on the command line of every kernel."""
    return (
        f"Add {words} to GRUB_CMDLINE_LINUX in /etc/default/grub, then {WRITE_MENU}; "
        f'where entries have arguments of their own (Fedora): grubby --update-kernel=ALL --args="{words}"'
    )


def remove_arguments(words: str) -> str:
    """The remedy that takes arguments from the command line of every kernel."""
    return (
        f"Remove {words} from GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, then "
        f"{WRITE_MENU}; where entries have arguments of their own (Fedora): grubby --update-kernel=ALL "
        f'--remove-args="{words}"'
    )
