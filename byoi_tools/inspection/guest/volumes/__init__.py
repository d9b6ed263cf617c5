"""The volumes of a disk: found, opened, and put together to the guest's tree."""
